package parallel

import (
	"context"
	"fmt"
	"time"

	"clusir/internal/kernels"
)

// collective is a device that adds up tensors with others of its kind, as GPUs do by
// NCCL: kernels/cuda's Backend documents the methods.
type collective interface {
	RanksReady() error
	RanksID() ([]byte, error)
	JoinRanks(ctx context.Context, id []byte, rank, size int, patience time.Duration) error
	SumRanks(ts ...kernels.Tensor)
	AwaitRanks()
	AbortRanks()
	LeaveRanks() error
}

// gpus collects tensors for devices that add up themselves.
type gpus struct {
	collective
	tensors []kernels.Tensor
	numbers int
	unwatch func() bool
}

// joinGPUs lets the devices of all ranks add up themselves. It returns nil if they are
// not GPUs, or if one of them cannot, which say receives.
func joinGPUs(g Group, m kernels.Memory, say func(string)) (*gpus, error) {
	c, ok := m.(collective)
	if !ok {
		return nil, nil
	}
	ready := c.RanksReady()
	able := []float32{1}
	if ready != nil {
		able[0] = 0
	}
	if err := g.AllReduce(able); err != nil {
		return nil, err
	}
	if int(able[0]) < g.Size() {
		if ready == nil {
			ready = fmt.Errorf("%d of %d ranks have no NCCL", g.Size()-int(able[0]), g.Size())
		}
		say(fmt.Sprintf("gradients go through the host's memory, which is slower: %v", ready))
		return nil, nil
	}
	var id []byte
	var err error
	if g.Rank() == 0 {
		if id, err = c.RanksID(); err != nil {
			return nil, err
		}
	}
	if id, err = BroadcastBytes(g, id); err != nil {
		return nil, err
	}
	if err := c.JoinRanks(g.Context(), id, g.Rank(), g.Size(), joinTimeout); err != nil {
		return nil, explain(g, err)
	}
	return &gpus{collective: c, unwatch: context.AfterFunc(g.Context(), c.AbortRanks)}, nil
}

// explain returns the reason for a failure of what devices do together: they detect
// that another is gone, but the group knows, at about that time, which rank it is and
// why.
func explain(g Group, err error) error {
	select {
	case <-g.Context().Done():
		return context.Cause(g.Context())
	case <-time.After(hearsay):
		return err
	}
}

func (d *gpus) add(t kernels.Tensor, bucket int) {
	d.tensors = append(d.tensors, t)
	if d.numbers += t.Len(); d.numbers >= bucket {
		d.send()
	}
}

func (d *gpus) send() {
	if len(d.tensors) > 0 {
		d.SumRanks(d.tensors...)
	}
	d.tensors, d.numbers = nil, 0
}

func (d *gpus) wait() {
	d.send()
	d.AwaitRanks()
}

func (d *gpus) sum(t kernels.Tensor) {
	d.SumRanks(t)
	d.AwaitRanks()
}

// close ends the membership, gracefully or, if the group has failed, at once.
func (d *gpus) close() error {
	if !d.unwatch() {
		return nil // it was aborted
	}
	return d.LeaveRanks()
}
