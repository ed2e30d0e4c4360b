package bench

import (
	"fmt"
	"math"
	"time"

	"clusir/internal/kernels"
)

// Minimum number and duration of the runs of each operation.
const (
	peakCalls = 5
	peakTime  = 60 * time.Millisecond
)

// peak is how fast the device runs large dense products, in 10⁹ MACs per second: the
// best of some suitable shapes, all of which fit its caches. It is the ceiling with
// which the network's thin layers are compared.
type peak struct {
	rate float64
	op   string
}

// measure finds the peak of b, once.
func (p *peak) measure(b kernels.Backend) {
	if p.rate > 0 {
		return
	}
	for _, s := range []struct{ C, side int }{{192, 64}, {384, 32}, {512, 16}} {
		p.try(b, fmt.Sprintf("Conv1x1 %d→%d at %d²", s.C, s.C, s.side), s.C*s.C*s.side*s.side, func(t *tensors) func() {
			y, w, x := t.alloc(1, s.C, s.side, s.side), t.alloc(s.C, s.C), t.alloc(1, s.C, s.side, s.side)
			return func() { b.Conv1x1(y, w, kernels.Tensor{}, x) }
		})
	}
	for _, s := range []struct{ C, side int }{{96, 64}, {192, 32}} {
		p.try(b, fmt.Sprintf("Conv3x3 %d→%d at %d²", s.C, s.C, s.side), 9*s.C*s.C*s.side*s.side, func(t *tensors) func() {
			y, w, x := t.alloc(1, s.C, s.side, s.side), t.alloc(s.C, s.C, 3, 3), t.alloc(1, s.C, s.side, s.side)
			return func() { b.Conv3x3(y, x, w) }
		})
	}
	const n = 512
	p.try(b, fmt.Sprintf("Linear %d×%d by %d", n, n, n), n*n*n, func(t *tensors) func() {
		y, x, w := t.alloc(n, n), t.alloc(n, n), t.alloc(n, n)
		return func() { b.Linear(y, x, w, kernels.Tensor{}) }
	})
}

// try times the function that prepare returns, and keeps its rate if it is the best.
func (p *peak) try(b kernels.Backend, name string, macs int, prepare func(*tensors) func()) {
	t := &tensors{b: b}
	defer t.free()
	run := prepare(t)
	if rate := float64(macs) / fastest(b, run).Seconds() / 1e9; rate > p.rate {
		p.rate, p.op = rate, name
	}
}

// fastest returns the shortest time that run takes.
func fastest(b kernels.Backend, run func()) time.Duration {
	best, begin := time.Duration(math.MaxInt64), time.Now()
	for i := 0; i < peakCalls || time.Since(begin) < peakTime; i++ {
		start := time.Now()
		run()
		if b.Sync() != nil {
			return math.MaxInt64 // a faulty device has no peak; the network's passes report the fault
		}
		best = min(best, time.Since(start))
	}
	return max(best, 1)
}

// tensors frees what it allocated.
type tensors struct {
	b    kernels.Backend
	made []kernels.Tensor
}

// alloc returns a tensor of ones, because the time of a multiplication may depend on
// undefined contents.
func (t *tensors) alloc(shape ...int) kernels.Tensor {
	x := t.b.Alloc(shape...)
	t.b.Fill(x, 1)
	t.made = append(t.made, x)
	return x
}

func (t *tensors) free() {
	for _, x := range t.made {
		t.b.Free(x)
	}
}
