//go:build cuda

package cuda

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cuda/nccl"

	"gorgonia.org/cu"
)

// collective adds up tensors with other GPUs on its own stream. The events synchronise
// it with the stream that computes.
type collective struct {
	comm   *nccl.Comm
	stream cu.Stream
	ready  cu.Event // the tensors to sum are computed
	summed cu.Event

	waiting bool // the end of the last sum has not been observed yet
}

// RanksReady returns why this device cannot add up with others by itself, nil if it
// can.
func (b *Backend) RanksReady() error { return nccl.Load() }

// RanksID returns an identifier for the GPUs that are to add up together.
func (b *Backend) RanksID() ([]byte, error) { return nccl.NewID() }

// JoinRanks makes the device one of several that add up tensors, and waits for the
// others until ctx ends. From then on this rank waits for another no longer than
// patience.
func (b *Backend) JoinRanks(ctx context.Context, id []byte, rank, size int, patience time.Duration) (err error) {
	b.do(func() {
		if err = b.ranks.open(b); err == nil {
			b.ranks.comm, err = nccl.Join(ctx, id, rank, size, patience)
		}
	})
	if err != nil {
		return fmt.Errorf("cuda:%d: %w", b.index, err)
	}
	return nil
}

// open makes the stream and the events. Worker only.
func (c *collective) open(b *Backend) (err error) {
	if c.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
		return err
	}
	b.undo(c.stream.Destroy)
	for _, e := range []*cu.Event{&c.ready, &c.summed} {
		if *e, err = cu.MakeEvent(cu.DisableTiming); err != nil {
			return err
		}
		b.undo(func() error { return cu.DestroyEvent(e) })
	}
	return nil
}

// SumRanks begins to replace tensors by their sums over the ranks, after the work
// queued so far. They may be used after AwaitRanks.
func (b *Backend) SumRanks(ts ...kernels.Tensor) {
	at, counts := make([]uint64, len(ts)), make([]int, len(ts))
	for i, t := range ts {
		at[i], counts[i] = uint64(b.buffer(t).addr), t.Len()
	}
	b.post(func() {
		if b.fault == nil {
			b.fail(fmt.Sprintf("summing %d tensors over the ranks", len(ts)), b.ranks.sum(b.stream, at, counts))
		}
	})
}

func (c *collective) sum(after cu.Stream, at []uint64, counts []int) error {
	if err := errors.Join(c.ready.Record(after), c.stream.Wait(c.ready, 0)); err != nil {
		return err
	}
	if err := c.comm.Sum(at, counts, *(*unsafe.Pointer)(unsafe.Pointer(&c.stream))); err != nil { // a cu.Stream is a struct with only its handle
		return err
	}
	c.waiting = true
	return c.summed.Record(c.stream)
}

// wait returns when the sums are done, or when they cannot complete. It must be called
// before waiting for the stream that computes, and so for another rank, because the
// driver would wait forever. Worker only.
func (c *collective) wait() error {
	if !c.waiting {
		return nil
	}
	c.waiting = false
	return c.comm.Wait(func() (bool, error) {
		err := c.summed.Query()
		if errors.Is(err, cu.NotReady) {
			return false, nil
		}
		return err == nil, err
	})
}

// settle waits for sums. An error becomes a fault like any other. Worker only.
func (b *Backend) settle() {
	if b.fault == nil {
		b.failLater("summing over the ranks", b.ranks.wait())
	}
}

// AwaitRanks makes the work queued from now on wait for the sums before.
func (b *Backend) AwaitRanks() {
	b.post(func() {
		if b.fault == nil {
			b.fail("waiting for the ranks", errors.Join(b.ranks.comm.Err(), b.stream.Wait(b.ranks.summed, 0)))
		}
	})
}

// AbortRanks ends sums that wait for another rank. Any goroutine may call it.
func (b *Backend) AbortRanks() {
	_ = b.ranks.comm.Abort() // the run has failed, and reports why
}

// LeaveRanks ends the membership when all sums are done.
func (b *Backend) LeaveRanks() (err error) {
	b.do(func() { err = b.ranks.comm.Close() })
	return err
}
