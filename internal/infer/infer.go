// Package infer runs a trained network on images of any size in host memory: it pads
// them to a size that the network accepts and crops the result.
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

// Network is a model on a device, ready to restore images. It must not be used by
// several goroutines at once.
type Network struct {
	Model *model.ClusIR
	// Metadata is the checkpoint's metadata; treat it as read-only.
	Metadata map[string]string
	// Ensemble makes every result a mean over flips and turns of the image, of which each
	// takes a pass.
	Ensemble Ensemble
	// Progress, if set, receives the share of Restore's multiply-accumulates that have
	// run, before each operation and at the end. It never decreases within a call, and
	// ends at 1. On a device with a queue it counts queued operations.
	Progress func(done float64)

	b       kernels.Backend
	tape    *model.Tape
	counted map[[2]int]int64 // multiply-accumulates of a pass, by image size
}

// New returns the network of m, whose weights must be on b.
func New(m *model.ClusIR, b kernels.Backend) *Network {
	return &Network{Model: m, b: b, tape: &model.Tape{B: b}, counted: map[[2]int]int64{}}
}

// Tape returns the tape that the network runs on, for counting or tracing.
func (n *Network) Tape() *model.Tape { return n.tape }

// Options are the settings of one call of [Network.Restore].
type Options struct {
	// Shared, if set, is filled by the first call that receives it and used by later
	// ones: it holds what the tiles of a picture have in common.
	Shared *Shared
	// Window is where the image lies in a larger picture. The zero value means that the
	// image is the whole picture.
	Window model.Window
	// Probe is [model.Options.Probe].
	Probe func(name string, v *model.Var)
}

// Shared holds what the network computes from a picture as a whole, for each of its
// turns; only an ensemble uses more than the first.
type Shared [planar.Turns]model.Globals

// Free frees the memory.
func (s *Shared) Free(t *model.Tape) {
	for i := range s {
		s[i].Free(t)
	}
}

// turned returns the options of the pass over the turned image of h×w pixels.
func (o Options) turned(t planar.Turn, h, w int) model.Options {
	m := model.Options{Window: turnedWindow(o.Window, t, h, w)}
	if o.Shared != nil {
		m.Globals = &o.Shared[t]
	}
	if t == 0 {
		m.Probe = o.Probe
	}
	return m
}

// Restore returns the restored picture of src, not clamped, in dst if that is large
// enough. If the network does not accept the size, the image is extended by reflection
// at the right and at the bottom. The routes are valid until the next call.
//
// It returns the cause of ctx if that ends, an error that wraps [kernels.ErrMemory] if
// the device has no memory left, and an error if the result holds NaN or the like,
// which no command could use and which clamping would turn into a black picture.
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
	if n.Ensemble > 0 {
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

// pass runs the network on src, whose size it must accept. It frees what the previous
// pass left on the device.
func (n *Network) pass(dst, src planar.Image, o model.Options) []*model.Route {
	n.tape.Reset()
	y, routes := n.Model.Forward(n.tape, n.tape.Input(src.Pix, 1, 3, src.H, src.W), o)
	n.b.Download(dst.Pix, y.Tensor)
	return routes
}

// maxRestored bounds the values of a result. A picture's values are in 0..1, and a
// working network exceeds that range only slightly.
const maxRestored = 1000

// CheckRestored returns an error if a network's result is not a picture.
func CheckRestored(pixels []float32) error {
	for _, v := range pixels {
		if !(v >= -maxRestored && v <= maxRestored) { // false for NaN too
			return fmt.Errorf("the network's result holds %g where a picture has values from 0 to 1: "+
				"its weights are damaged, or its training diverged; use another --model", v)
		}
	}
	return nil
}

// thrown returns the error that a pass panicked with. Any other panic is a bug and is
// re-raised.
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

// Padded returns the size to which the network pads a side.
func (n *Network) Padded(side int) int {
	a := (side + arch.Align - 1) / arch.Align * arch.Align
	return max(a, n.Model.Config.MinSide())
}

// Close frees the model's memory; the backend stays open.
func (n *Network) Close() {
	n.tape.Reset()
	n.Model.Free()
}
