package eval

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/dustin/go-humanize"

	"clusir/internal/infer"
	"clusir/internal/sysmem"
)

// crew measures images in parallel, one on each restorer, as far as memory allows.
type crew struct {
	Options
	budget int64 // bytes for one image

	mu       sync.Mutex // guards what follows, and the callbacks
	stream   *stream
	done, of int
}

func (c *crew) measure(ctx context.Context, by []restorer, jobs []job) error {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	by = c.allow(by, jobs)
	c.say(nil)
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
					stop(errors.New("internal error")) // not returned, as measure panics too
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

// say reports that an image is done, or the beginning.
func (c *crew) say(r *ImageResult) {
	if c.Progress != nil {
		c.Progress(r, c.done, c.of)
	}
}

// allow sets how much memory an image may take, and returns the restorers that may work
// in parallel: each keeps what its largest image took for reuse.
func (c *crew) allow(by []restorer, jobs []job) []restorer {
	if c.budget = 1 << 62; c.MaxMemory == 0 {
		return by
	}
	c.budget = c.MaxMemory - infer.ProgramBytes
	for _, r := range by {
		c.budget -= r.held()
	}
	largest, pass := int64(1), int64(0)
	for _, j := range jobs {
		if n, err := needOf(by[0], j); err == nil && n.total() <= c.budget {
			largest, pass = max(largest, n.total()), max(pass, n.kept)
		}
	}
	by = by[:min(max(c.budget/largest, 1), int64(len(by)))]
	// Collect Go's garbage before it adds to passes and exceeds the limit.
	heap := (c.MaxMemory - sysmem.OutsideGo() - int64(len(by))*pass) * 19 / 20
	debug.SetMemoryLimit(max(heap, sysmem.LeastHeap))
	return by
}

// left returns the jobs that are not done: not measured, of a picture that has changed,
// or not saved although wanted; once ctx has ended, also those not looked at.
func (c *crew) left(ctx context.Context, jobs []job) (left []job) {
	for k, j := range jobs {
		if ctx.Err() != nil {
			return append(left, jobs[k:]...)
		}
		if r, ok := c.stream.done[j.index]; !ok || j.changed(r) || j.saved != "" && !exists(j.saved) {
			left = append(left, j)
		}
	}
	return left
}

// one measures an image. An error ends the whole measurement.
func (c *crew) one(ctx context.Context, by restorer, j job) error {
	s, err := c.measureOne(ctx, by, j)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		s.Err = err.Error()
	} else if err := j.save(s.restored); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	if err := c.stream.add(s.ImageResult); err != nil {
		return err
	}
	if c.Pixels != nil && s.Err == "" {
		c.Pixels(s.ImageResult, s.in, s.restored, s.clean)
	}
	c.say(&s.ImageResult)
	return nil
}

// measureOne loads, restores and measures an image. A panic counts as that image's
// failure.
func (c *crew) measureOne(ctx context.Context, by restorer, j job) (s *shot, err error) {
	s = newShot(j)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %v; please report it", p)
		}
	}()
	if err := c.check(by, j); err != nil {
		return s, err
	}
	if err := s.load(j, c.Protocol.Seed); err != nil {
		return s, err
	}
	if err := by.restore(ctx, s, j); err != nil {
		return s, err
	}
	return s, s.compare(c.Protocol)
}

// need is the memory that an image takes, according to its headers.
type need struct {
	w, h         int
	kept, images int64 // bytes
}

func (n need) total() int64 { return n.kept + n.images }

func needOf(by restorer, j job) (n need, err error) {
	var decoded int64
	if n.w, n.h, decoded, err = j.item.Size(); err != nil {
		return n, err
	}
	n.kept, n.images, err = by.need(j, n.h, n.w)
	n.images = max(n.images, decoded)
	return n, err
}

// check refuses an image that does not fit into memory before it is decoded.
func (c *crew) check(by restorer, j job) error {
	n, err := needOf(by, j)
	if err != nil || n.total() <= c.budget {
		return err
	}
	const megabyte = 1e6
	return fmt.Errorf("measuring %d×%d pixels takes about %s, and the limit leaves %s: raise --max-memory to %dMB",
		n.w, n.h, humanize.Bytes(uint64(n.total())), humanize.Bytes(uint64(max(c.budget, 0))), (c.MaxMemory+n.total()-c.budget)/megabyte+1)
}
