package eval

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/dustin/go-humanize"
	"golang.org/x/sync/semaphore"

	"clusir/internal/metrics"
)

// crew measures images side by side, one on each restorer, as far as the memory
// goes.
type crew struct {
	Options
	window metrics.Window
	saver  saver
	budget int64 // bytes, for what is measured at a time
	memory *semaphore.Weighted

	mu       sync.Mutex // guards what follows, and the callbacks
	stream   *stream
	done, of int
	shares   map[*shot]float64 // of the images that are being restored
	said     float64
}

// errPanic is the reason that others end for when one panics. Nobody sees it,
// since measure panics too.
var errPanic = errors.New("internal error")

// measure does the jobs.
func (c *crew) measure(ctx context.Context, by []restorer, jobs []job) error {
	c.allow(by)
	c.shares = map[*shot]float64{}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	todo := make(chan job)
	var workers sync.WaitGroup
	var panicked atomic.Pointer[any]
	for _, r := range by {
		workers.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panicked.CompareAndSwap(nil, &p)
					stop(errPanic)
				}
			}()
			for j := range todo {
				if err := c.one(ctx, r, j); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	for _, j := range jobs {
		select {
		case todo <- j:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(todo)
	workers.Wait()
	if p := panicked.Load(); p != nil {
		panic(*p)
	}
	return context.Cause(ctx)
}

// watch returns what is told how far the restoring of s is; nil if nobody asks.
func (c *crew) watch(s *shot) func(share float64) {
	if c.Progress == nil {
		return nil
	}
	return func(share float64) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.shares[s] = share
		c.say()
	}
}

// say reports how far all is; mu is held.
func (c *crew) say() {
	if c.Progress == nil {
		return
	}
	done := float64(c.done)
	for _, share := range c.shares {
		done += share
	}
	c.said = max(c.said, done) // the order of a sum moves its last digit
	c.Progress(c.said, c.of)
}

// allow sets how much memory there is without the networks' weights.
func (c *crew) allow(by []restorer) {
	c.budget = 1 << 62
	if c.MaxMemory > 0 {
		c.budget = c.MaxMemory
		for _, r := range by {
			c.budget = max(c.budget-r.held(), 0)
		}
	}
	c.memory = semaphore.NewWeighted(c.budget)
}

// left are the jobs that are not done: measured, of a picture that is still the same,
// and, if wanted, saved.
func (c *crew) left(jobs []job) (left []job) {
	for _, j := range jobs {
		if r, ok := c.stream.done[j.index]; !ok || j.changed(r) || !c.saver.has(j.index) {
			left = append(left, j)
		}
	}
	return left
}

// one measures an image; the error is why all of it must end.
func (c *crew) one(ctx context.Context, by restorer, j job) error {
	s, err := c.measureOne(ctx, by, j)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		s.fail(err)
	} else if err := c.saver.write(j.index, s.restored); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	delete(c.shares, s)
	if err := c.stream.add(s.ImageResult); err != nil {
		return err
	}
	if c.Pixels != nil && s.Err == "" {
		c.Pixels(s.ImageResult, s.in, s.restored, s.clean)
	}
	if c.Image != nil {
		c.Image(s.ImageResult, c.done, c.of)
	}
	c.say()
	return nil
}

// measureOne loads, restores and measures an image. A bug that it meets there is
// that image's failure.
func (c *crew) measureOne(ctx context.Context, by restorer, j job) (s *shot, err error) {
	s = newShot(j)
	s.progress = c.watch(s)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %v; please report it", p)
		}
	}()
	n, err := c.reserve(ctx, by, j)
	if err != nil {
		return s, err
	}
	defer c.memory.Release(n)
	if err := s.load(j, c.Protocol.Seed); err != nil {
		return s, err
	}
	if err := by.restore(ctx, s, j); err != nil {
		return s, err
	}
	return s, s.compare(c.Protocol, c.window)
}

// reserve waits for the memory that decoding, restoring and measuring an image takes,
// which its header tells.
func (c *crew) reserve(ctx context.Context, by restorer, j job) (int64, error) {
	w, h, decoded, err := j.item.Size()
	if err != nil {
		return 0, err
	}
	n, err := by.need(j, h, w)
	if err != nil {
		return 0, err
	}
	if n = max(n, decoded); n > c.budget {
		return 0, fmt.Errorf("restoring %d×%d pixels takes about %s on top of the weights, and the limit leaves %s: raise --max-memory",
			w, h, humanize.IBytes(uint64(n)), humanize.IBytes(uint64(c.budget)))
	}
	return n, c.memory.Acquire(ctx, n)
}
