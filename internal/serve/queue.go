package serve

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"clusir/internal/imageio"
	"clusir/internal/restore"
)

// task is a picture of a request.
type task struct {
	ctx    context.Context
	stop   context.CancelCauseFunc
	name   string // of the result, but for its extension
	use    use
	stream *restore.Stream
	format imageio.Format
	tell   func(event)         // progress
	told   float64             // the share that was told last
	done   chan restore.Result // gets one
	timer  *time.Timer         // ends the picture; set when it is computed
}

// use is how a network is used. Pictures that differ in it cannot be in one run.
type use struct {
	model    *Model
	ensemble bool
}

// queue is the pictures that wait for the network, first come, first served.
type queue struct {
	mu      sync.Mutex
	changed *sync.Cond
	waiting []*task
	most    int
	closed  bool
}

var (
	errFull    = errors.New("the queue is full: try again later")
	errClosing = errors.New("the server is shutting down: try again later")
)

func newQueue(most int) *queue {
	q := &queue{most: most}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// full says why no picture would be taken just now.
func (q *queue) full() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.refusal()
}

func (q *queue) refusal() error {
	switch {
	case q.closed:
		return errClosing
	case len(q.waiting) >= q.most:
		return errFull
	}
	return nil
}

// add lets a task wait. If its context ends meanwhile, it leaves the queue at once.
func (q *queue) add(t *task) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refusal(); err != nil {
		return err
	}
	q.waiting = append(q.waiting, t)
	t.tell(event{State: waiting, Ahead: len(q.waiting) - 1})
	q.changed.Signal()
	context.AfterFunc(t.ctx, func() { q.leave(t) })
	return nil
}

// leave takes a task out if it still waits.
func (q *queue) leave(t *task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, t); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		t.done <- restore.Result{Err: context.Cause(t.ctx)}
		q.tellPlaces()
		q.changed.Signal()
	}
}

// tellPlaces tells each task how many are before it.
func (q *queue) tellPlaces() {
	for i, t := range q.waiting {
		t.tell(event{State: waiting, Ahead: i})
	}
}

// next waits for a task and returns how it uses the network; the task stays. It is
// false when there will be none.
func (q *queue) next() (use, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 {
		if q.closed {
			return use{}, false
		}
		q.changed.Wait()
	}
	return q.waiting[0].use, true
}

// take waits for a task and takes it out. It is nil if the first one uses the network
// otherwise, or if there will be none.
func (q *queue) take(u use) *task {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.closed {
		q.changed.Wait()
	}
	if len(q.waiting) == 0 || q.waiting[0].use != u {
		return nil
	}
	t := q.waiting[0]
	q.waiting = slices.Delete(q.waiting, 0, 1)
	q.tellPlaces()
	return t
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// close accepts no further tasks; those that wait are still to be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}
