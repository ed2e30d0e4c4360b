// Package nccl adds up numbers in the memory of several GPUs by NVIDIA's NCCL.
// The library is loaded at run time, libnccl.so.2 or what CLUSIR_LIBNCCL names,
// so that a binary needs it only where it trains on several GPUs.
package nccl

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// ErrAbsent says that there is no NCCL to load.
var ErrAbsent = errors.New("no NCCL")

// load loads the library, once.
var load = sync.OnceValue(func() error {
	why := (*C.char)(C.calloc(1, 512))
	defer C.free(unsafe.Pointer(why))
	if C.clusir_nccl_open(why, 512) != 0 {
		return fmt.Errorf("%w: %s; install libnccl2, or name the library by CLUSIR_LIBNCCL", ErrAbsent, C.GoString(why))
	}
	return nil
})

// Load returns why the library cannot be used, nil if it can.
func Load() error { return load() }

// NewID returns what the ranks of a group know it by: one makes it for all.
func NewID() ([]byte, error) {
	if err := Load(); err != nil {
		return nil, err
	}
	var id C.ncclUniqueId
	if err := result("making a group", C.clusir_nccl_id(&id)); err != nil {
		return nil, err
	}
	return C.GoBytes(unsafe.Pointer(&id), C.int(unsafe.Sizeof(id))), nil
}

// Comm is one rank's membership of a group.
type Comm struct {
	mu sync.Mutex
	c  C.ncclComm_t // nil once left or aborted
}

// Join makes the GPU that is current on this thread a rank of the group, and
// waits for the others.
func Join(id []byte, rank, size int) (*Comm, error) {
	if err := Load(); err != nil {
		return nil, err
	}
	var i C.ncclUniqueId
	if len(id) != int(unsafe.Sizeof(i)) {
		return nil, fmt.Errorf("NCCL: an identity of %d bytes, not %d", len(id), unsafe.Sizeof(i))
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&i)), len(id)), id)
	c := &Comm{}
	return c, result(fmt.Sprintf("joining as rank %d of %d", rank, size), C.clusir_nccl_join(&c.c, &i, C.int(rank), C.int(size)))
}

// Sum replaces float32 arrays in device memory by their sums over the ranks,
// behind what is in the stream. It returns before that is done.
func (c *Comm) Sum(at []uint64, counts []int, stream unsafe.Pointer) error {
	if len(at) == 0 {
		return nil
	}
	c.mu.Lock()
	comm := c.c
	c.mu.Unlock()
	if comm == nil {
		return errors.New("NCCL: the group has ended")
	}
	addresses, sizes := make([]C.ulonglong, len(at)), make([]C.size_t, len(at))
	for i := range at {
		addresses[i], sizes[i] = C.ulonglong(at[i]), C.size_t(counts[i])
	}
	return result("summing", C.clusir_nccl_sum(comm, C.int(len(at)), &addresses[0], &sizes[0], stream))
}

// Err is what has gone wrong on the devices since, nil for nothing.
func (c *Comm) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.c == nil {
		return nil
	}
	return result("between the GPUs", C.clusir_nccl_failed(c.c))
}

// Close leaves the group when all sums are done.
func (c *Comm) Close() error {
	return c.end("leaving", func(comm C.ncclComm_t) C.int { return C.clusir_nccl_leave(comm) })
}

// Abort leaves the group at once and ends sums that wait for another rank, for
// whom nobody need wait any more. Any goroutine may call it.
func (c *Comm) Abort() error {
	return c.end("aborting", func(comm C.ncclComm_t) C.int { return C.clusir_nccl_abort(comm) })
}

func (c *Comm) end(doing string, f func(C.ncclComm_t) C.int) error {
	c.mu.Lock()
	comm := c.c
	c.c = nil
	c.mu.Unlock()
	if comm == nil {
		return nil
	}
	return result(doing, f(comm))
}

// result words a code of NCCL's.
func result(doing string, code C.int) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("NCCL: %s: %s", doing, C.GoString(C.clusir_nccl_text(code)))
}
