package serve

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/restore"
)

// task is a request's picture.
type task struct {
	ctx      context.Context
	stop     context.CancelCauseFunc
	name     string // of the result, without its extension
	use      use
	stream   *restore.Stream
	format   imageio.Format
	report   func(event)         // reports progress
	reported float64             // the share reported last
	done     chan restore.Result // receives one result
	timer    *time.Timer         // ends the picture; set when its computation starts
}

// use is a way to use a network. Pictures that differ in it need separate runs.
type use struct {
	model    *Model
	ensemble infer.Ensemble
}

// queue holds the pictures that wait for the network, first come, first served.
type queue struct {
	mu      sync.Mutex
	changed *sync.Cond
	waiting []*task
	limit   int
	closed  bool
}

var (
	errFull    = withStatus(http.StatusTooManyRequests, "the queue is full: try again later")
	errClosing = withStatus(http.StatusServiceUnavailable, "the server is shutting down: try again later")
)

func newQueue(limit int) *queue {
	q := &queue{limit: limit}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// full returns the error for which a picture would be refused now, if any.
func (q *queue) full() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.refusal()
}

func (q *queue) refusal() error {
	switch {
	case q.closed:
		return errClosing
	case len(q.waiting) >= q.limit:
		return errFull
	}
	return nil
}

// add queues a task. If its context ends, the task leaves the queue at once.
func (q *queue) add(t *task) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refusal(); err != nil {
		return err
	}
	q.waiting = append(q.waiting, t)
	t.report(event{State: waiting, Ahead: len(q.waiting) - 1})
	q.changed.Signal()
	context.AfterFunc(t.ctx, func() { q.leave(t) })
	return nil
}

// leave removes a task if it is still waiting.
func (q *queue) leave(t *task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, t); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		t.done <- restore.Result{Err: context.Cause(t.ctx)}
		q.reportPlaces()
		q.changed.Signal()
	}
}

// reportPlaces tells each task how many are ahead of it.
func (q *queue) reportPlaces() {
	for i, t := range q.waiting {
		t.report(event{State: waiting, Ahead: i})
	}
}

// next waits for a task and returns how it uses the network, leaving it in the queue.
// It returns false once the queue is closed and empty.
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

// take waits for a task and removes it. It returns nil if the first one uses the
// network in a different way, or once the queue is closed and empty.
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
	q.reportPlaces()
	return t
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// close accepts no further tasks; those that wait can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}
