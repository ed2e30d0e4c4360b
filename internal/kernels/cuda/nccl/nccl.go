// Package nccl adds up numbers in the memory of several GPUs with NVIDIA's NCCL. The
// library is loaded at run time, libnccl.so.2 or the one in CLUSIR_LIBNCCL, so that a
// binary only needs it to train on several GPUs.
package nccl

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"
)

// ErrAbsent reports that there is no NCCL to load.
var ErrAbsent = errors.New("no NCCL")

// Load loads the library, once, and returns why it cannot be used, nil if it can.
var Load = sync.OnceValue(func() error {
	why := (*C.char)(C.calloc(1, 512))
	defer C.free(unsafe.Pointer(why))
	if C.clusir_nccl_open(why, 512) != 0 {
		return fmt.Errorf("%w: %s; install libnccl2 2.14 or later, or name the library by CLUSIR_LIBNCCL", ErrAbsent, C.GoString(why))
	}
	return nil
})

// NewID returns a group's identifier: one rank makes it for all.
func NewID() ([]byte, error) {
	if err := Load(); err != nil {
		return nil, err
	}
	var id C.ncclUniqueId
	if code := C.clusir_nccl_id(&id); code != 0 {
		return nil, fmt.Errorf("NCCL: making a group: %w", failure(code))
	}
	return C.GoBytes(unsafe.Pointer(&id), C.int(unsafe.Sizeof(id))), nil
}

// Comm is one rank's membership of a group. None of its methods waits for another rank
// longer than its patience.
type Comm struct {
	rank, size int
	patience   time.Duration

	mu sync.Mutex   // held during each call of NCCL, none of which waits
	c  C.ncclComm_t // nil once left or aborted
}

// errEnded is the error of a call on a group that was left or aborted.
var errEnded = errors.New("the group has ended")

// Join makes the current GPU of this thread a rank of the group, and waits for the
// others: until ctx ends, whose cause is then the error, or for as long as patience.
func Join(ctx context.Context, id []byte, rank, size int, patience time.Duration) (*Comm, error) {
	if err := Load(); err != nil {
		return nil, err
	}
	var i C.ncclUniqueId
	if len(id) != int(unsafe.Sizeof(i)) {
		return nil, fmt.Errorf("NCCL: an identity of %d bytes, not %d", len(id), unsafe.Sizeof(i))
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&i)), len(id)), id)
	c := &Comm{rank: rank, size: size, patience: patience}
	code := C.clusir_nccl_join(&c.c, &i, C.int(rank), C.int(size))
	switch code {
	case 0:
	case C.CLUSIR_NCCL_IN_PROGRESS:
		return c, c.await(ctx, "joining", c.settled("joining"))
	default:
		c.c = nil // there is nothing to abort
	}
	return c, c.result("joining", code)
}

// Sum replaces float32 arrays in device memory by their sums over the ranks, after the
// work in the stream. It returns before that is done: see Wait.
func (c *Comm) Sum(at []uint64, counts []int, stream unsafe.Pointer) error {
	if len(at) == 0 {
		return nil
	}
	addresses, sizes := make([]C.ulonglong, len(at)), make([]C.size_t, len(at))
	for i := range at {
		addresses[i], sizes[i] = C.ulonglong(at[i]), C.size_t(counts[i])
	}
	return c.finish("summing", func(comm C.ncclComm_t) C.int {
		return C.clusir_nccl_sum(comm, C.int(len(at)), &addresses[0], &sizes[0], stream)
	})
}

// Wait returns when over reports that the sums are done on the device, or when they
// cannot complete: then it ends the membership, so that the device continues.
func (c *Comm) Wait(over func() (bool, error)) error {
	const doing = "waiting for sums"
	settled := c.settled(doing)
	return c.await(context.Background(), doing, func() (bool, error) {
		if done, err := over(); done || err != nil {
			return done, err
		}
		_, err := settled()
		return false, err
	})
}

// Err returns what has since gone wrong between the devices, nil for nothing.
func (c *Comm) Err() error {
	_, err := c.settled("between the GPUs")()
	if errors.Is(err, errEnded) {
		return nil
	}
	return err
}

// Close leaves the group when all sums are done.
func (c *Comm) Close() error {
	const doing = "leaving"
	err := c.finish(doing, func(comm C.ncclComm_t) C.int { return C.clusir_nccl_finalize(comm) })
	if err != nil {
		if errors.Is(err, errEnded) {
			return nil
		}
		return err
	}
	return c.end(doing, func(comm C.ncclComm_t) C.int { return C.clusir_nccl_destroy(comm) })
}

// Abort leaves the group at once and ends sums that wait for another rank. Any
// goroutine may call it.
func (c *Comm) Abort() error {
	return c.end("aborting", func(comm C.ncclComm_t) C.int { return C.clusir_nccl_abort(comm) })
}

func (c *Comm) end(doing string, f func(C.ncclComm_t) C.int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	comm := c.c
	c.c = nil
	if comm == nil {
		return nil
	}
	return c.result(doing, f(comm))
}

// call makes one NCCL call, unless the membership has ended.
func (c *Comm) call(f func(C.ncclComm_t) C.int) (C.int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.c == nil {
		return 0, errEnded
	}
	return f(c.c), nil
}

// finish makes a call and waits until NCCL has completed it. After a failure NCCL only
// allows to abort.
func (c *Comm) finish(doing string, f func(C.ncclComm_t) C.int) error {
	code, err := c.call(f)
	switch {
	case err != nil:
		return fmt.Errorf("NCCL: %w", err)
	case code == C.CLUSIR_NCCL_IN_PROGRESS:
		return c.await(context.Background(), doing, c.settled(doing))
	case code != 0:
		_ = c.Abort()
	}
	return c.result(doing, code)
}

// settled returns a function that reports whether NCCL has completed the last call.
func (c *Comm) settled(doing string) func() (bool, error) {
	return func() (bool, error) {
		code, err := c.call(func(comm C.ncclComm_t) C.int { return C.clusir_nccl_state(comm) })
		if err != nil {
			return false, fmt.Errorf("NCCL: %s: %w", doing, err)
		}
		if code == C.CLUSIR_NCCL_IN_PROGRESS {
			return false, nil
		}
		return true, c.result(doing, code)
	}
}

// The pauses between polls of another rank or the device.
const shortest, longest = 20 * time.Microsecond, 2 * time.Millisecond

// await polls until done returns true. If it fails, if ctx ends, or if it takes longer
// than patience, the membership ends too.
func (c *Comm) await(ctx context.Context, doing string, done func() (bool, error)) error {
	begin, pause := time.Now(), shortest
	for {
		ok, err := done()
		switch {
		case err != nil:
		case ok:
			return nil
		case ctx.Err() != nil:
			err = fmt.Errorf("NCCL: %s: %w", doing, context.Cause(ctx))
		case time.Since(begin) > c.patience:
			err = fmt.Errorf("NCCL: %s: rank %d of %d has waited %v: another rank is not there, or its machine cannot be reached (NCCL_SOCKET_IFNAME chooses the network, NCCL_DEBUG=INFO says more)",
				doing, c.rank, c.size, c.patience)
		}
		if err != nil {
			_ = c.Abort() // err is the reason
			return err
		}
		time.Sleep(pause)
		pause = min(2*pause, longest)
	}
}

func (c *Comm) result(doing string, code C.int) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("NCCL: %s as rank %d of %d: %w", doing, c.rank, c.size, failure(code))
}

func failure(code C.int) error { return errors.New(C.GoString(C.clusir_nccl_text(code))) }
