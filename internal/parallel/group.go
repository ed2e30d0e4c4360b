// Package parallel lets several ranks train one network: processes on one or many
// machines, or several devices of one process. Each computes the gradients of its part
// of a batch, and a [Group] adds them up.
//
// [Local] makes a group within a process, [Join] one between processes, over TCP or MPI
// depending on the launcher ([FromEnv]). All of them add in a ring with the same code
// (ring.go), so that the bits of a sum depend only on the number of ranks. A [Reducer]
// moves tensors between a device and a group while the device continues computing; on
// GPUs it uses NCCL.
//
// A rank that fails ends the group: on all others the pending call, and every later
// one, returns an error that names the rank and the reason.
package parallel

import (
	"context"
	"errors"
	"fmt"
)

// Group is one rank's membership. All ranks must make the same calls in the same order,
// each from one goroutine at a time.
type Group interface {
	// Rank returns this rank's number, from 0.
	Rank() int
	// Size returns the number of ranks.
	Size() int
	// AllReduce replaces x by its sum over the ranks, the same bits on each.
	AllReduce(x []float32) error
	// Broadcast replaces x by rank 0's.
	Broadcast(x []float32) error
	// Barrier returns when every rank has called it.
	Barrier() error
	// Context ends when the group does; its cause is the reason. Any goroutine may call
	// it, and Abort too.
	Context() context.Context
	// Abort ends the group for all ranks because of err. Only the first counts.
	Abort(err error)
	// Close leaves the group, which the others then cannot use either.
	Close() error
}

// RankError reports that a rank ended the group.
type RankError struct {
	Rank int
	Lost bool // it gave no reason: its process, its machine or the network died
	Err  error
}

func (e *RankError) Error() string {
	if e.Lost {
		return fmt.Sprintf("rank %d was lost: %v", e.Rank, e.Err)
	}
	return fmt.Sprintf("rank %d gave up: %v", e.Rank, e.Err)
}

// Unwrap returns the rank's reason, or how its loss was detected.
func (e *RankError) Unwrap() error { return e.Err }

// errLeft is the error of a call that needs a rank which has closed its group.
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

// err returns why the group has ended, nil if it has not.
func (f failure) err() error { return context.Cause(f.ctx) }

// BroadcastBytes returns rank 0's bytes on every rank.
func BroadcastBytes(g Group, b []byte) ([]byte, error) {
	n := []float32{float32(len(b))}
	if err := g.Broadcast(n); err != nil {
		return nil, err
	}
	x := make([]float32, int(n[0])) // one byte each: there are few
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
