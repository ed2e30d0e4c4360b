package parallel

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// local is a rank of a group within a process.
type local struct {
	ring
	failure
	out   chan<- []float32
	in    <-chan []float32
	gone  <-chan struct{} // closed when the next rank has left
	close func()
}

// Local returns the ranks of a group within this process, each for its own goroutine.
func Local(size int) []Group {
	end := newFailure()
	lanes := make([]chan []float32, size) // lanes[i] is what rank i sends
	gone := make([]chan struct{}, size)
	for i := range lanes {
		lanes[i], gone[i] = make(chan []float32, 1), make(chan struct{})
	}
	groups := make([]Group, size)
	for i := range groups {
		l := &local{ring: ring{rank: i, size: size}, failure: end, out: lanes[i]}
		l.link, l.in, l.gone = l, lanes[l.prevRank()], gone[l.nextRank()]
		l.close = sync.OnceFunc(func() { close(gone[i]); close(lanes[i]) })
		groups[i] = l
	}
	return groups
}

// Abort ends the group for all ranks.
func (l *local) Abort(err error) { l.end(&RankError{Rank: l.rank, Err: err}) }

// Close leaves the group.
func (l *local) Close() error {
	l.close()
	return nil
}

// shift implements link.
func (l *local) shift(out, in []float32) error {
	if err := l.err(); err != nil {
		return err
	}
	if len(out) > 0 {
		select {
		case l.out <- slices.Clone(out): // the caller will change it
		case <-l.gone:
			return &RankError{Rank: l.nextRank(), Lost: true, Err: errLeft}
		case <-l.ctx.Done():
			return l.err()
		}
	}
	if len(in) == 0 {
		return nil
	}
	select {
	case x, ok := <-l.in:
		if !ok {
			return &RankError{Rank: l.prevRank(), Lost: true, Err: errLeft}
		}
		if len(x) != len(in) {
			return outOfStep(l.prevRank(), len(x), l.rank, len(in))
		}
		copy(in, x)
		return nil
	case <-l.ctx.Done():
		return l.err()
	}
}

// outOfStep returns the error of two ranks that make different calls.
func outOfStep(from, sends, to, expects int) error {
	return errors.New(fmt.Sprintf("rank %d sends %d numbers where rank %d expects %d", from, sends, to, expects) +
		": start all ranks with the same binary, configuration and data")
}
