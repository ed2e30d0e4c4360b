package infer

import (
	"errors"
	"strings"
	"testing"

	"clusir/internal/kernels/cpu"
	"clusir/internal/model"
)

func TestMirror(t *testing.T) {
	for _, c := range []struct {
		n    int
		want []int
	}{
		{1, []int{0, 0, 0, 0}},
		{2, []int{0, 1, 0, 1, 0}},
		{4, []int{0, 1, 2, 3, 2, 1, 0, 1, 2}},
	} {
		for i, want := range c.want {
			if got := mirror(i, c.n); got != want {
				t.Errorf("mirror(%d, %d) = %d, want %d", i, c.n, got, want)
			}
		}
	}
}

// TestOddSizes holds images of any size to the identity, which an untrained
// network is.
func TestOddSizes(t *testing.T) {
	b, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	m, err := model.New(model.Variants()["nano"], b)
	if err != nil {
		t.Fatal(err)
	}
	m.Init(1)
	n := New(m, b)
	before := b.Used()
	for _, size := range [][2]int{{1, 1}, {1, 500}, {5, 3}, {16, 16}, {33, 47}, {64, 16}} {
		h, w := size[0], size[1]
		src := make([]float32, 3*h*w)
		for i := range src {
			src[i] = float32(i%97) / 97
		}
		got, routes, err := n.Restore(nil, src, h, w, model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(routes) != model.Stages {
			t.Errorf("%d×%d: %d routes", w, h, len(routes))
		}
		for i := range src {
			if d := got[i] - src[i]; d > 1e-6 || d < -1e-6 {
				t.Fatalf("%d×%d: value %d is %g, want %g", w, h, i, got[i], src[i])
			}
		}
	}
	n.tape.Reset()
	if after := b.Used(); after != before {
		t.Errorf("%d bytes are left behind", after-before)
	}
	if _, _, err := n.Restore(nil, make([]float32, 5), 1, 1, model.Options{}); err == nil {
		t.Error("a wrong length is accepted")
	}
}

// TestThrown ends a pass in its middle: by an error, which comes back and
// leaves nothing behind, and by a bug, which must not be taken for one.
func TestThrown(t *testing.T) {
	b, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	m, err := model.New(model.Variants()["nano"], b)
	if err != nil {
		t.Fatal(err)
	}
	n, src := New(m, b), make([]float32, 3*16*16)
	before := b.Used()
	stop := errors.New("enough")
	_, _, err = n.Restore(nil, src, 16, 16, model.Options{Probe: func(name string, _ *model.Var) {
		if name == "encoder.2" {
			panic(stop)
		}
	}})
	if !errors.Is(err, stop) || !strings.Contains(err.Error(), "16×16") {
		t.Errorf("got %v", err)
	}
	if after := b.Used(); after != before {
		t.Errorf("%d bytes are left behind", after-before)
	}
	defer func() {
		if recover() == nil {
			t.Error("a bug was swallowed")
		}
	}()
	n.Restore(nil, src, 16, 16, model.Options{Probe: func(string, *model.Var) { _ = src[len(src)] }})
}

func TestMeans(t *testing.T) {
	b, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
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
