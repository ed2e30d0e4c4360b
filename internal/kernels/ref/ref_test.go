package ref

import (
	"math"
	"strings"
	"testing"

	"clusir/internal/kernels"
)

// tensor uploads v in full precision.
func tensor(b *Backend, v []float64, shape ...int) kernels.Tensor {
	t := b.Alloc(shape...)
	b.Upload64(t, v)
	return t
}

func TestMisuseOfMemoryPanics(t *testing.T) {
	none := kernels.Tensor{}
	for _, c := range []struct {
		name, says string
		misuse     func(b *Backend)
	}{
		{"use after Free", "use of a freed tensor [2 3]", func(b *Backend) { x := b.Alloc(2, 3); b.Free(x); b.Fill(x, 1) }},
		{"use of a view after Free", "use of a freed tensor [6]", func(b *Backend) { x := b.Alloc(2, 3); v := x.Reshape(6); b.Free(x); b.Fill(v, 1) }},
		{"Free twice", "use of a freed tensor [1]", func(b *Backend) { x := b.Alloc(1); b.Free(x); b.Free(x) }},
		{"a result too small", "shape [2 4 1 1], want [2 5 1 1]", func(b *Backend) { b.Linear(b.Alloc(2, 4), b.Alloc(2, 3), b.Alloc(5, 3), none) }},
		{"a gradient too small", "shape [4], want [5]", func(b *Backend) {
			b.LinearGrad(none, none, b.Alloc(4), b.Alloc(2, 5), b.Alloc(2, 3), b.Alloc(5, 3))
		}},
		{"an upload too long", "shape [2], want [3]", func(b *Backend) { b.Upload(b.Alloc(2), make([]float32, 3)) }},
		{"groups that do not divide", "do not fit", func(b *Backend) {
			b.DynamicFilter(b.Alloc(1, 5, 4, 4), b.Alloc(1, 5, 4, 4), b.Alloc(1, 5, 4, 4), b.Alloc(1, 2, 9))
		}},
		{"an image smaller than the window", "shorter than the window", func(b *Backend) { b.MSSSIM(b.Alloc(1), b.Alloc(1, 1, 10, 40), b.Alloc(1, 1, 10, 40)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, c.says) {
					t.Errorf("it says %q, not %q", said, c.says)
				}
			}()
			c.misuse(New())
		})
	}
}

func TestAllocIsPoisonedAndCounted(t *testing.T) {
	b := New()
	x := b.Alloc(2, 2)
	for i, v := range b.Download64(x) {
		if !math.IsNaN(v) {
			t.Errorf("element %d of new memory is %v, not NaN", i, v)
		}
	}
	if b.Live() != 1 {
		t.Errorf("Live is %d after one Alloc", b.Live())
	}
	b.Free(x)
	b.Free(kernels.Tensor{})
	if b.Live() != 0 {
		t.Errorf("Live is %d after Free", b.Live())
	}
}

// TestAdamByHand follows one number with g = 1, 3 and lr = 0.1, β = ½, ¾: m = .5, 1.75;
// v = .25, 2.4375; m̂ = 1, 7/3; v̂ = 1, 39/7.
func TestAdamByHand(t *testing.T) {
	b := New()
	p := kernels.AdamParam{Param: tensor(b, []float64{1}, 1), M: tensor(b, []float64{0}, 1), V: tensor(b, []float64{0}, 1), Step: tensor(b, []float64{0}, 1)}
	want := 1.0
	for i, g := range []float64{1, 3} {
		p.Grad = tensor(b, []float64{g}, 1)
		b.Adam([]kernels.AdamParam{p}, kernels.Adam{LR: .1, Beta1: .5, Beta2: .75})
		want -= .1 * []float64{1, 7. / 3 / math.Sqrt(39./7)}[i]
		if got := b.Download64(p.Param)[0]; math.Abs(got-want) > 1e-15 {
			t.Errorf("after step %d: %.17g, by hand %.17g", i+1, got, want)
		}
	}
}

func TestTopKTiesGoToTheLowerIndex(t *testing.T) {
	b := New()
	y := b.Alloc(2, 4)
	b.TopKSoftmax(y, tensor(b, []float64{1, 1, 1, 1, 0, 5, 2, 2}, 2, 4), 2)
	e := 1 / (1 + math.Exp(-3))
	for i, want := range []float64{.5, .5, 0, 0, 0, e, 1 - e, 0} {
		if got := b.Download64(y)[i]; math.Abs(got-want) > 1e-15 {
			t.Errorf("entry %d: got %v, want %v", i, got, want)
		}
	}
}

func TestScalesThatFit(t *testing.T) {
	for _, c := range []struct{ h, w, scales int }{
		{11, 11, 1}, {21, 90, 1}, {22, 22, 2}, {43, 99, 2}, {44, 44, 3}, {87, 88, 3}, {88, 88, 4}, {128, 128, 4}, {175, 300, 4}, {176, 176, 5}, {400, 352, 5},
	} {
		m := newMultiScale(newGrid(1, 1, c.h, c.w), newGrid(1, 1, c.h, c.w))
		sum := 0.0
		for _, a := range m.exponent {
			sum += a
		}
		if len(m.term) != c.scales || math.Abs(sum-1) > 1e-15 {
			t.Errorf("%d×%d: %d scales with exponents that sum to %v, want %d and 1", c.h, c.w, len(m.term), sum, c.scales)
		}
	}
}

func TestMSSSIMOfEqualImagesIsOne(t *testing.T) {
	b := New()
	v := make([]float64, 2*30*40)
	for i := range v {
		v[i] = math.Mod(float64(i)*.37, 1)
	}
	x, y, dx := tensor(b, v, 1, 2, 30, 40), b.Alloc(1), b.Alloc(1, 2, 30, 40)
	b.MSSSIM(y, x, x)
	b.Fill(dx, 0)
	b.MSSSIMGrad(dx, tensor(b, []float64{1}, 1), x, x)
	if got := b.Download64(y)[0]; math.Abs(got-1) > 1e-14 {
		t.Errorf("MSSSIM(x, x) = %v", got)
	}
	for i, d := range b.Download64(dx) {
		if math.Abs(d) > 1e-14 {
			t.Fatalf("the gradient at the maximum is %v at %d", d, i)
		}
	}
}

func TestNeighbours(t *testing.T) {
	for _, c := range []struct {
		i, to, from, i0, i1 int
		weight              float64
	}{
		{0, 8, 4, 0, 1, 0}, {1, 8, 4, 0, 1, .25}, {2, 8, 4, 0, 1, .75}, {7, 8, 4, 3, 3, .25}, // up
		{0, 4, 8, 0, 1, .5}, {3, 4, 8, 6, 7, .5}, {2, 5, 5, 2, 3, 0}, {0, 3, 1, 0, 0, 0}, {2, 3, 1, 0, 0, 1. / 3},
	} {
		i0, i1, w := neighbours(c.i, c.to, c.from)
		if i0 != c.i0 || i1 != c.i1 || math.Abs(w-c.weight) > 1e-15 {
			t.Errorf("pixel %d of %d in %d: %d, %d and %v, want %d, %d and %v", c.i, c.to, c.from, i0, i1, w, c.i0, c.i1, c.weight)
		}
	}
}
