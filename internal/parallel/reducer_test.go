package parallel

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/ref"
)

// filled returns a tensor of n numbers v, v+1, ...
func filled(b *ref.Backend, n int, v float32) kernels.Tensor {
	t := b.Alloc(n)
	x := make([]float32, n)
	for i := range x {
		x[i] = v + float32(i)
	}
	b.Upload(t, x)
	return t
}

// TestReducer: tensors of all sizes hold their sums after Wait, whatever the buckets,
// with other sums in between, step after step.
func TestReducer(t *testing.T) {
	errs := together(Local(2), func(g Group) error {
		b := ref.New()
		r, err := NewReducer(g, b, func(string) {})
		if err != nil {
			return err
		}
		defer r.Close()
		r.size = 10
		var ts []kernels.Tensor
		for _, n := range []int{1, 7, 30, 10, 3, 1} {
			ts = append(ts, filled(b, n, float32(n)))
		}
		for step := 1; step <= 3; step++ {
			at := filled(b, 2, float32(g.Rank()))
			for i, x := range ts {
				r.Add(x)
				if i == 3 {
					r.Sum(at)
				}
			}
			if err := r.Wait(); err != nil {
				return err
			}
			if got := b.Download64(at); fmt.Sprint(got) != "[1 3]" {
				return fmt.Errorf("step %d: Sum is %v", step, got)
			}
			for _, x := range ts {
				for i, v := range b.Download64(x) {
					if want := float64(x.Len()+i) * float64(int(1)<<step); v != want {
						return fmt.Errorf("step %d: %g at %d of %d, want %g", step, v, i, x.Len(), want)
					}
				}
			}
		}
		if len(r.buckets) != 3 {
			return fmt.Errorf("%d buckets were made, want 3 that are used again", len(r.buckets))
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// TestReducerFails: when a rank gives up, Wait and Err of the others report it.
func TestReducerFails(t *testing.T) {
	groups := Local(2)
	r, err := NewReducer(groups[0], ref.New(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Err(); err != nil {
		t.Errorf("a new reducer fails: %v", err)
	}
	groups[1].Abort(errors.New("no room"))
	x := filled(r.memory.(*ref.Backend), 3, 0)
	for name, err := range map[string]error{"Err": r.Err(), "Wait": func() error { r.Add(x); return r.Wait() }()} {
		if err == nil || !strings.Contains(err.Error(), "rank 1 gave up: no room") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
