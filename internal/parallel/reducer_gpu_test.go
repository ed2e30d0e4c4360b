package parallel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clusir/internal/kernels"
	"clusir/internal/kernels/ref"
)

// fakeGPU is a device that adds up itself, over its own group.
type fakeGPU struct {
	*ref.Backend
	own    Group
	absent error
	calls  []string
	joins  func(ctx context.Context) error // nil for at once
}

func (f *fakeGPU) RanksReady() error        { return f.absent }
func (f *fakeGPU) RanksID() ([]byte, error) { return []byte("the id"), nil }
func (f *fakeGPU) AbortRanks()              { f.own.Abort(errors.New("aborted")) }
func (f *fakeGPU) AwaitRanks()              { f.calls = append(f.calls, "await") }

func (f *fakeGPU) JoinRanks(ctx context.Context, id []byte, rank, size int, _ time.Duration) error {
	if f.joins != nil {
		return f.joins(ctx)
	}
	if string(id) != "the id" || rank != f.own.Rank() || size != f.own.Size() {
		return fmt.Errorf("joined as %d of %d by %q", rank, size, id)
	}
	return nil
}

func (f *fakeGPU) SumRanks(ts ...kernels.Tensor) {
	f.calls = append(f.calls, fmt.Sprint("sum ", len(ts)))
	for _, t := range ts {
		x := make([]float32, t.Len())
		f.Download(x, t)
		if f.own.AllReduce(x) == nil {
			f.Upload(t, x)
		}
	}
}

func (f *fakeGPU) LeaveRanks() error {
	f.calls = append(f.calls, "leave")
	return nil
}

// TestReducerOnGPUs: devices that can add up themselves do so, in buckets.
func TestReducerOnGPUs(t *testing.T) {
	own := Local(2)
	errs := together(Local(2), func(g Group) error {
		gpu := &fakeGPU{Backend: ref.New(), own: own[g.Rank()]}
		r, err := NewReducer(g, gpu, nil)
		if err != nil {
			return err
		}
		r.size = 10
		var ts []kernels.Tensor
		for _, n := range []int{4, 7, 3} {
			ts = append(ts, filled(gpu.Backend, n, float32(g.Rank())))
			r.Add(ts[len(ts)-1])
		}
		r.Sum(ts[0]) // before the third is sent
		if err := errors.Join(r.Wait(), r.Close()); err != nil {
			return err
		}
		if want := []string{"sum 2", "sum 1", "await", "sum 1", "await", "leave"}; !slices.Equal(gpu.calls, want) {
			return fmt.Errorf("calls %v, want %v", gpu.calls, want)
		}
		if got := fmt.Sprint(gpu.Download64(ts[0]), gpu.Download64(ts[2])); got != "[2 6 10 14] [1 3 5]" {
			return fmt.Errorf("sums %v", got)
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// TestReducerWithoutNCCL: if one GPU has no NCCL, all go through the host, and rank 0
// learns of it.
func TestReducerWithoutNCCL(t *testing.T) {
	own := Local(2)
	said := make([]string, 2)
	errs := together(Local(2), func(g Group) error {
		gpu := &fakeGPU{Backend: ref.New(), own: own[g.Rank()]}
		if g.Rank() == 1 {
			gpu.absent = errors.New("libnccl.so.2: not found")
		}
		r, err := NewReducer(g, gpu, func(text string) { said[g.Rank()] = text })
		if err != nil {
			return err
		}
		x := filled(gpu.Backend, 1, 1)
		r.Add(x)
		if err := errors.Join(r.Wait(), r.Close()); err != nil {
			return err
		}
		if got := gpu.Download64(x); got[0] != 2 || len(gpu.calls) != 0 {
			return fmt.Errorf("sum %v, the device was called %v", got, gpu.calls)
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said[0], "1 of 2 ranks have no NCCL") || !strings.Contains(said[1], "not found") {
		t.Errorf("the messages are %q", said)
	}
}

// TestGPUsCannotJoin: a rank that cannot join ends the others' wait for it, and they
// name it. A rank that nobody names reports its own device's error.
func TestGPUsCannotJoin(t *testing.T) {
	for name, c := range map[string]struct {
		joins [2]func(context.Context) error
		abort bool
		want  [2]string
	}{
		"one cannot": {[2]func(context.Context) error{
			func(ctx context.Context) error { <-ctx.Done(); return errors.New("joining: the group has ended") },
			func(context.Context) error { return errors.New("no memory") },
		}, true, [2]string{"rank 1 gave up: no memory", "no memory"}},
		"the device notices first": {[2]func(context.Context) error{
			func(context.Context) error { return errors.New("remote process exited") },
			func(context.Context) error { time.Sleep(50 * time.Millisecond); return errors.New("no memory") },
		}, true, [2]string{"rank 1 gave up: no memory", "no memory"}},
		"the network between them is down": {[2]func(context.Context) error{
			func(context.Context) error { return errors.New("rank 0 of 2 has waited") },
			func(context.Context) error { return errors.New("rank 1 of 2 has waited") },
		}, false, [2]string{"rank 0 of 2 has waited", "rank 1 of 2 has waited"}},
	} {
		t.Run(name, func(t *testing.T) {
			own := Local(2)
			errs := together(Local(2), func(g Group) error {
				_, err := NewReducer(g, &fakeGPU{Backend: ref.New(), own: own[g.Rank()], joins: func(ctx context.Context) error {
					err := c.joins[g.Rank()](ctx)
					if g.Rank() == 1 && c.abort {
						g.Abort(err)
					}
					return err
				}}, nil)
				return err
			})
			for rank, err := range errs {
				if err == nil || !strings.Contains(err.Error(), c.want[rank]) {
					t.Errorf("rank %d: %v, want %q", rank, err, c.want[rank])
				}
			}
		})
	}
}

// TestGroupEndsGPUs: the failure of the group ends the devices' wait.
func TestGroupEndsGPUs(t *testing.T) {
	own, groups := Local(2), Local(2)
	errs := together(groups, func(g Group) error {
		gpu := &fakeGPU{Backend: ref.New(), own: own[g.Rank()]}
		r, err := NewReducer(g, gpu, nil)
		if err != nil {
			return err
		}
		if g.Rank() == 1 {
			g.Abort(errors.New("no room"))
			return r.Close()
		}
		r.Add(filled(gpu.Backend, 1, 1))
		if err := r.Wait(); err == nil || !strings.Contains(err.Error(), "no room") {
			return fmt.Errorf("the sum ends with %w", err)
		}
		return r.Close()
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}
