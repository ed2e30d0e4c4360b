// Package parallel lets several ranks train one network: processes on one or
// many machines, or several devices of one process. Each computes the gradients
// of its share of a batch, and a [Group] adds them up.
//
// [Local] makes a group within a process, [Join] one between processes, over
// TCP or MPI as the launcher has it ([FromEnv]). All of them add in a ring by the
// same code (ring.go), so that the bits of a sum depend on the number of ranks
// alone. A [Reducer] carries tensors between a device and a group while the
// device goes on computing; on GPUs it has NCCL do so.
//
// A rank that fails ends the group: on all others the pending call, and every
// later one, returns an error that says which rank it was and why.
package parallel

import (
	"context"
	"errors"
	"fmt"
)

// Group is one rank's membership. All ranks make the same calls in the same
// order; on each, one goroutine at a time.
type Group interface {
	// Rank is this one's number, from 0.
	Rank() int
	// Size is the number of ranks.
	Size() int
	// AllReduce replaces x by its sum over the ranks, the same bits on each.
	AllReduce(x []float32) error
	// Broadcast replaces x by that of rank 0.
	Broadcast(x []float32) error
	// Barrier returns when every rank has called it.
	Barrier() error
	// Context ends when the group does; its cause is why. It may be used, as
	// Abort, by any goroutine.
	Context() context.Context
	// Abort ends the group for all ranks because of err. Only the first counts.
	Abort(err error)
	// Close leaves the group, which then is of no use to the others either.
	Close() error
}

// RankError says that a rank ended the group.
type RankError struct {
	Rank int
	Lost bool // it did not say why: its process, its machine or the network died
	Err  error
}

func (e *RankError) Error() string {
	if e.Lost {
		return fmt.Sprintf("rank %d was lost: %v", e.Rank, e.Err)
	}
	return fmt.Sprintf("rank %d gave up: %v", e.Rank, e.Err)
}

// Unwrap returns what the rank said, or how its loss showed.
func (e *RankError) Unwrap() error { return e.Err }

// errLeft is the failure of a call that needs a rank which has closed its group.
var errLeft = errors.New("it has left the group")

// failure ends a group once.
type failure struct {
	ctx context.Context
	end context.CancelCauseFunc
}

func newFailure() failure {
	ctx, end := context.WithCancelCause(context.Background())
	return failure{ctx, end}
}

// Context ends when the group does.
func (f failure) Context() context.Context { return f.ctx }

// err is why the group has ended, nil while it has not.
func (f failure) err() error { return context.Cause(f.ctx) }

// BroadcastBytes returns rank 0's bytes on every rank.
func BroadcastBytes(g Group, b []byte) ([]byte, error) {
	n := []float32{float32(len(b))}
	if err := g.Broadcast(n); err != nil {
		return nil, err
	}
	x := make([]float32, int(n[0])) // one byte each: these are few
	if g.Rank() == 0 {
		for i, c := range b {
			x[i] = float32(c)
		}
	}
	if err := g.Broadcast(x); err != nil {
		return nil, err
	}
	out := make([]byte, len(x))
	for i, v := range x {
		out[i] = byte(v)
	}
	return out, nil
}
