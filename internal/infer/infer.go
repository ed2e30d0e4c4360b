// Package infer runs a trained network on images of any size that lie in host
// memory: it pads them to what the network takes and crops the result.
package infer

import (
	"context"
	"errors"
	"fmt"
	"image"

	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/planar"
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
	// Progress, if set, receives from Restore, before each operation and at the end,
	// the share of its multiply-accumulates that have run. It never falls within a
	// call, and ends at 1. A device with a queue counts what was queued.
	Progress func(done float64)

	b       kernels.Backend
	tape    *model.Tape
	counted map[[2]int]int64 // multiply-accumulates of a pass, by its sides
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

// Restore returns the restored picture of src, not clamped, in dst if that is large
// enough. Sides that the network cannot take are extended
// by reflection at the right and at the bottom. The routes are valid until the
// next call.
//
// It returns the cause of ctx if that ends, an error that wraps [kernels.ErrMemory]
// if the device has no memory left, and one if the result is not a picture: no
// command can use one that holds NaN, and clamped it would look like a black one.
func (n *Network) Restore(ctx context.Context, dst []float32, src planar.Image, o Options) (restored planar.Image, routes []*model.Route, err error) {
	h, w := src.H, src.W
	if src.C != 3 || len(src.Pix) != 3*h*w || h < 1 || w < 1 {
		return restored, nil, fmt.Errorf("an image of %d×%d×%d with %d values: it must have 3×%[2]d×%[3]d", src.C, h, w, len(src.Pix))
	}
	H, W := n.Padded(h), n.Padded(w)
	if n.tape.Before, err = n.watch(ctx, H, W); err != nil {
		return restored, nil, err
	}
	defer func() {
		n.tape.Before = nil
		if p := recover(); p != nil {
			n.tape.Reset()
			err = thrown(p)
		}
		if err != nil {
			restored, routes, err = planar.Image{}, nil, fmt.Errorf("restoring %d×%d pixels: %w", w, h, err)
		}
	}()
	x := src.Extend(H, W)
	out := planar.Image{C: 3, H: x.H, W: x.W}
	whole := x.H == h && x.W == w
	if whole && cap(dst) >= len(x.Pix) {
		out.Pix = dst[:len(x.Pix)]
	} else {
		out = planar.New(3, x.H, x.W)
	}
	if n.Ensemble {
		routes = n.ensemble(out, x, o)
	} else {
		routes = n.pass(out, x, o.turned(0, x.H, x.W))
	}
	if err := n.b.Sync(); err != nil {
		return restored, nil, err
	}
	if n.Progress != nil {
		n.Progress(1)
	}
	if restored = out; !whole {
		restored = out.Cut(dst, image.Rect(0, 0, w, h))
	}
	return restored, routes, CheckRestored(restored.Pix)
}

// pass runs the network on src, of sides that it takes. What the pass before has left on
// the device is freed.
func (n *Network) pass(dst, src planar.Image, o model.Options) []*model.Route {
	n.tape.Reset()
	y, routes := n.Model.Forward(n.tape, n.tape.Input(src.Pix, 1, 3, src.H, src.W), o)
	n.b.Download(dst.Pix, y.Tensor)
	return routes
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
	a := (side + arch.Align - 1) / arch.Align * arch.Align
	return max(a, n.Model.Config.MinSide())
}

// Close gives the model's memory back; the backend stays.
func (n *Network) Close() {
	n.tape.Reset()
	n.Model.Free()
}
