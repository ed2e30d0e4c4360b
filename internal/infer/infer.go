// Package infer runs a trained network on images of any size that lie in host
// memory: it pads them to what the network takes and crops the result.
package infer

import (
	"context"
	"errors"
	"fmt"

	"clusir/internal/autograd"
	"clusir/internal/kernels"
	"clusir/internal/model"
)

// Network is a model on a device, ready to restore. It may be used by one
// goroutine at a time.
type Network struct {
	Model *model.ClusIR
	// Metadata is what the checkpoint says of itself; treat it as read-only.
	Metadata map[string]string
	// Ensemble makes every result the mean over the eight flips and turns of the
	// image, which takes eight passes.
	Ensemble bool

	b    kernels.Backend
	tape *model.Tape
}

// New returns the network of m, whose weights are on b.
func New(m *model.ClusIR, b kernels.Backend) *Network {
	return &Network{Model: m, b: b, tape: &model.Tape{B: b}}
}

// Tape is the tape that the network runs on, to count or to trace.
func (n *Network) Tape() *model.Tape { return n.tape }

// Options are the choices of one call of [Network.Restore].
type Options struct {
	// Shared, where set, is filled by the first call that is given it and taken by
	// later ones: what the tiles of a picture have in common.
	Shared *Shared
	// Window is where in a larger picture the image lies. The zero value is all of it.
	Window model.Window
	// Probe is [model.Options.Probe].
	Probe func(name string, v *model.Var)
}

// Shared is what the network finds out about a picture as a whole, in each of its
// turns, of which only an ensemble looks at more than the first.
type Shared [turns]model.Globals

// Free gives the memory back.
func (s *Shared) Free(t *model.Tape) {
	for i := range s {
		s[i].Free(t)
	}
}

// turned are the options of the pass over h×w pixels that are turned.
func (o Options) turned(t turn, h, w int) model.Options {
	m := model.Options{Window: t.window(o.Window, h, w)}
	if o.Shared != nil {
		m.Globals = &o.Shared[t]
	}
	if t == 0 {
		m.Probe = o.Probe
	}
	return m
}

// Restore returns the restored image of src [3,h,w] in 0..1, not clamped, in
// dst if that is large enough. Sides that the network cannot take are extended
// by reflection at the right and at the bottom. The routes are valid until the
// next call.
//
// It returns the cause of ctx if that ends, an error that wraps [kernels.ErrMemory]
// if the device has no memory left, and one if the result is not a picture: no
// command can use one that holds NaN, and clamped it would look like a black one.
func (n *Network) Restore(ctx context.Context, dst, src []float32, h, w int, o Options) (restored []float32, routes []*model.Route, err error) {
	if len(src) != 3*h*w || h < 1 || w < 1 {
		return nil, nil, fmt.Errorf("an image of 3×%d×%d has %d values, not %d", h, w, 3*h*w, len(src))
	}
	n.tape.Reset()
	n.tape.Stop = func() error { return context.Cause(ctx) }
	defer func() {
		n.tape.Stop = nil
		if p := recover(); p != nil {
			n.tape.Reset()
			err = thrown(p)
		}
		if err != nil {
			restored, routes, err = nil, nil, fmt.Errorf("restoring %d×%d pixels: %w", w, h, err)
		}
	}()
	H, W := n.Padded(h), n.Padded(w)
	x := src
	if H != h || W != w {
		x = Reflect(src, h, w, H, W)
	}
	if cap(dst) < len(src) {
		dst = make([]float32, len(src))
	}
	dst = dst[:len(src)]
	if n.Ensemble {
		var out []float32
		out, routes = n.ensemble(x, H, W, o)
		crop(dst, out, h, w, H, W)
	} else {
		var y *model.Var
		y, routes = n.pass(x, H, W, o.turned(0, H, W))
		n.fetch(dst, y, h, w)
		n.tape.Release(y)
	}
	if err := n.b.Sync(); err != nil {
		return nil, nil, err
	}
	return dst, routes, CheckRestored(dst)
}

// pass runs the network on src [3,H,W].
func (n *Network) pass(src []float32, H, W int, o model.Options) (*model.Var, []*model.Route) {
	image := n.tape.Input(src, 1, 3, H, W)
	y, routes := n.Model.Forward(n.tape, image, o)
	n.tape.Release(image)
	return y, routes
}

// maxRestored bounds the values of a result. Those of a picture are in 0..1, and a
// network that works strays from that by little.
const maxRestored = 1000

// CheckRestored reports a network's result that is not a picture.
func CheckRestored(pixels []float32) error {
	for _, v := range pixels {
		if !(v >= -maxRestored && v <= maxRestored) { // NaN is neither
			return fmt.Errorf("the network's result holds %g where a picture has values from 0 to 1: "+
				"its weights are damaged, or its training diverged; use another --model", v)
		}
	}
	return nil
}

// fetch copies the upper left [3,h,w] of y.
func (n *Network) fetch(dst []float32, y *model.Var, h, w int) {
	H, W := y.Shape[2], y.Shape[3]
	if H == h && W == w {
		n.b.Download(dst, y.Tensor)
		return
	}
	out := make([]float32, y.Len())
	n.b.Download(out, y.Tensor)
	crop(dst, out, h, w, H, W)
}

// crop copies the upper left [3,h,w] of src [3,H,W].
func crop(dst, src []float32, h, w, H, W int) {
	for c := range 3 {
		for y := range h {
			copy(dst[(c*h+y)*w:][:w], src[(c*H+y)*W:])
		}
	}
}

// thrown is the error that a pass ended with; anything else is a bug and goes on as
// a panic.
func thrown(p any) error {
	err, ok := p.(error)
	switch {
	case !ok:
	case errors.As(err, new(*autograd.Stopped)):
		return errors.Unwrap(err)
	case errors.Is(err, kernels.ErrMemory):
		return err
	}
	panic(p)
}

// Padded is the side that the network is given for one of so many pixels.
func (n *Network) Padded(side int) int {
	a := (side + model.Align - 1) / model.Align * model.Align
	return max(a, n.Model.Config.MinSide())
}

// Reflect extends x [3,h,w] to [3,H,W] by reflection, the edge not repeated,
// as often as it takes.
func Reflect(x []float32, h, w, H, W int) []float32 {
	y := make([]float32, 3*H*W)
	cols := make([]int, W)
	for i := range cols {
		cols[i] = mirror(i, w)
	}
	for c := range 3 {
		for r := range H {
			src, dst := x[(c*h+mirror(r, h))*w:], y[(c*H+r)*W:]
			copy(dst[:w], src[:w])
			for i := w; i < W; i++ {
				dst[i] = src[cols[i]]
			}
		}
	}
	return y
}

// mirror is the pixel of a side of n that lies at i when the side is reflected
// to and fro.
func mirror(i, n int) int {
	if n == 1 {
		return 0
	}
	i %= 2 * (n - 1)
	return min(i, 2*(n-1)-i)
}

// Close gives the model's memory back; the backend stays.
func (n *Network) Close() {
	n.tape.Reset()
	n.Model.Free()
}
