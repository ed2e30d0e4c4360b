package serve

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"clusir/internal/restore"
)

// compute restores the pictures in the queue until it is closed and empty.
func (s *Server) compute() {
	defer close(s.drained)
	for {
		u, ok := s.queue.next()
		if !ok {
			return
		}
		r := &round{Server: s, use: u, tasks: map[*restore.Stream]*task{}}
		r.run()
	}
}

// round is one run of restore over pictures that use the network in the same way.
type round struct {
	*Server
	use
	mu    sync.Mutex
	tasks map[*restore.Stream]*task // those that are not done
}

// run ends when the next picture uses the network in a different way. In any case,
// every task that it took is done when it returns.
func (r *round) run() {
	defer func() {
		err := errors.New("the run ended before the picture was done")
		if p := recover(); p != nil {
			err = &restore.Bug{Name: "a picture", Value: p, Stack: debug.Stack()}
			r.logBug(err)
		}
		for _, t := range r.tasks {
			r.done(restore.Result{Job: t.job(), Err: err})
		}
	}()
	r.model.Net.Ensemble = r.ensemble
	_, err := restore.Run(context.Background(), r.model.Net, r.jobs, restore.Options{
		MaxMemory: r.MaxMemory, DeviceMemory: r.DeviceMemory, Progress: r.progress, Done: r.done,
	})
	if err != nil {
		r.log.Print(err)
	}
}

// jobs takes tasks from the queue.
func (r *round) jobs(yield func(restore.Job) bool) {
	for {
		t := r.queue.take(r.use)
		if t == nil {
			return
		}
		r.mu.Lock()
		r.tasks[t.stream] = t
		r.mu.Unlock()
		if !yield(t.job()) {
			return
		}
	}
}

func (t *task) job() restore.Job {
	return restore.Job{In: restore.Std, Out: restore.Std, Format: t.format, Stream: t.stream}
}

// of returns the task of a job.
func (r *round) of(j restore.Job) *task {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tasks[j.Stream]
}

// progress reports a picture's progress in steps that a page can show. The picture's
// time limit starts with the first one.
func (r *round) progress(_ int, j restore.Job, done float64) {
	const step = 0.01
	t := r.of(j)
	if t.timer == nil {
		t.timer = time.AfterFunc(r.MaxTime, func() {
			t.stop(withStatus(http.StatusGatewayTimeout,
				"restoring it takes longer than %v, the limit: send a smaller picture, or start clusir serve with a longer --time-limit", r.MaxTime))
		})
	}
	if done == 0 || done == 1 || done >= t.reported+step {
		t.reported = done
		t.report(event{State: computing, Share: done})
	}
}

func (r *round) done(res restore.Result) {
	t := r.of(res.Job)
	if t == nil {
		return
	}
	r.mu.Lock()
	delete(r.tasks, t.stream)
	r.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
	}
	r.logBug(res.Err)
	r.metrics.picture(res)
	t.done <- res
}

// logBug logs the details of a bug, which the client does not get to see.
func (s *Server) logBug(err error) {
	if bug := new(restore.Bug); errors.As(err, &bug) {
		s.log.Print(bug)
		if s.Debug {
			s.log.Printf("%s", bug.Stack)
		}
	}
}
