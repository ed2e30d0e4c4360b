package infer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/kernels"
	"clusir/internal/kernels/cpu"
	"clusir/internal/model"
	"clusir/internal/planar"
)

func newCPU(t *testing.T, threads int) *cpu.Backend {
	b, err := cpu.New(cpu.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func newNano(t *testing.T, b kernels.Backend) *model.ClusIR {
	m, err := model.New(arch.Variants()["nano"], b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestOddSizes checks images of any size against the identity, which is what an
// untrained network computes.
func TestOddSizes(t *testing.T) {
	b := newCPU(t, 2)
	m := newNano(t, b)
	m.Init(1)
	n := New(m, b)
	before := b.Used()
	for _, size := range [][2]int{{1, 1}, {1, 500}, {5, 3}, {16, 16}, {33, 47}, {64, 16}} {
		h, w := size[0], size[1]
		src := make([]float32, 3*h*w)
		for i := range src {
			src[i] = float32(i%97) / 97
		}
		got, routes, err := n.Restore(t.Context(), nil, planar.Image{C: 3, H: h, W: w, Pix: src}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(routes) != arch.Stages {
			t.Errorf("%d×%d: %d routes", w, h, len(routes))
		}
		for i := range src {
			if d := got.Pix[i] - src[i]; d > 1e-6 || d < -1e-6 {
				t.Fatalf("%d×%d: value %d is %g, want %g", w, h, i, got.Pix[i], src[i])
			}
		}
	}
	n.tape.Reset()
	if after := b.Used(); after != before {
		t.Errorf("%d bytes are left behind", after-before)
	}
	if _, _, err := n.Restore(t.Context(), nil, planar.Image{C: 3, H: 1, W: 1, Pix: make([]float32, 5)}, Options{}); err == nil {
		t.Error("an image of the wrong length is accepted")
	}
}

// TestEnds ends a pass in its middle: by its context and by a device without memory,
// which are errors and leak nothing, and by a bug, which must stay a panic.
func TestEnds(t *testing.T) {
	b := newCPU(t, 1)
	m := newNano(t, b)
	n, src := New(m, b), make([]float32, 3*16*16)
	before, enough := b.Used(), errors.New("enough")
	ctx, stop := context.WithCancelCause(t.Context())
	for _, c := range []struct {
		name string
		at   func()
		want error
		bug  bool
	}{
		{"memory", func() { panic(fmt.Errorf("allocating: %w", kernels.ErrMemory)) }, kernels.ErrMemory, false},
		{"bug", func() { _ = src[len(src)] }, nil, true},
		{"an unexpected error", func() { panic(enough) }, nil, true},
		{"context", func() { stop(enough) }, enough, false},
	} {
		func() {
			defer func() {
				if p := recover(); (p != nil) != c.bug {
					t.Errorf("%s: panic %v", c.name, p)
				}
			}()
			modules := 0
			_, _, err := n.Restore(ctx, nil, planar.Image{C: 3, H: 16, W: 16, Pix: src}, Options{Probe: func(name string, _ *model.Var) {
				if modules++; name == "encoder.2" {
					c.at()
				} else if name == "encoder.3" {
					t.Errorf("%s: the pass continued", c.name)
				}
			}})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "16×16") {
				t.Errorf("%s: got %v", c.name, err)
			}
		}()
		if after := b.Used(); after != before {
			t.Errorf("%s: %d bytes are left behind", c.name, after-before)
		}
	}
}

// TestNoPicture: a result of damaged weights is an error, not a black picture.
func TestNoPicture(t *testing.T) {
	b := newCPU(t, 1)
	src := make([]float32, 3*16*16)
	for i := range src {
		src[i] = float32(i) / float32(len(src))
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), 1e10, -1e10} {
		m, err := model.New(arch.Variants()["nano"], b)
		if err != nil {
			t.Fatal(err)
		}
		m.Init(1)
		for _, p := range m.Params {
			if p.Name == "head.weight" {
				w := make([]float32, p.Len())
				w[7] = float32(bad)
				b.Upload(p.Tensor, w)
			}
		}
		n := New(m, b)
		out, _, err := n.Restore(t.Context(), nil, planar.Image{C: 3, H: 16, W: 16, Pix: src}, Options{})
		if err == nil || out.Pix != nil || !strings.Contains(err.Error(), "the network's result holds ") {
			t.Errorf("%g in the weights: %v", bad, err)
		}
		n.Close()
	}
}

func TestMeans(t *testing.T) {
	b := newCPU(t, 2)
	n := New(nil, b)
	const C, H, W = 3, 8, 12
	x := make([]float32, C*H*W)
	for i := range x {
		x[i] = float32(i*i%17) / 16
	}
	v := n.tape.Input(x, 1, C, H, W)
	defer n.tape.Reset()
	for _, side := range []int{1, 2, 4} {
		got := n.Means(v, side)
		w := W / side
		if len(got) != C*H*W/side/side {
			t.Fatalf("side %d: %d values", side, len(got))
		}
		for i, value := range got {
			c, y, x0 := i%C, i/C/w*side, i/C%w*side
			sum := float32(0)
			for k := range side * side {
				sum += x[(c*H+y+k/side)*W+x0+k%side]
			}
			if d := value - sum/float32(side*side); d > 1e-6 || d < -1e-6 {
				t.Errorf("side %d: value %d is off by %g", side, i, d)
			}
		}
	}
}
