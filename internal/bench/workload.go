package bench

import (
	"cmp"
	"errors"
	"time"

	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/model"
)

// trainingPasses is the cost of a training step in forward passes: in the backward pass
// each product has two gradients, each of which takes as many MACs.
const trainingPasses = 3

// workload is one pass over a batch, which can be repeated.
type workload struct {
	b      kernels.Backend
	m      *model.ClusIR
	tape   *model.Tape
	shape  kernels.Shape
	image  []float32
	clean  []float32
	weight model.Objective
	params []kernels.AdamParam
	steps  int
	// checked reports that the first result was a picture.
	checked bool
	// onTime, if set, receives the time of what is not an operation of the tape.
	onTime func(name string, d time.Duration)
	fault  error // the error of a Sync for onTime
}

func newWorkload(o Options, b kernels.Backend, s Size) (*workload, error) {
	m, err := o.Subject.load(b)
	if err != nil {
		return nil, err
	}
	w := &workload{
		b: b, m: m, tape: &model.Tape{B: b, Train: o.Train}, weight: o.Objective,
		shape: kernels.Shape{o.Batch, 3, s.H, s.W},
	}
	w.image = randomImages(o.Subject.Seed, w.shape.Len())
	if o.Train {
		for _, v := range w.image {
			w.clean = append(w.clean, 0.9*v)
		}
		m.ZeroGrads()
		for _, p := range m.Params {
			w.params = append(w.params, kernels.AdamParam{
				Param: p.Tensor, Grad: p.Grad(), Reached: p.Reached,
				M: kernels.Zeros(b, p.Shape...), V: kernels.Zeros(b, p.Shape...), Step: kernels.Zeros(b, 1),
			})
		}
	}
	return w, nil
}

func (w *workload) free() {
	for _, p := range w.params {
		w.b.Free(p.M)
		w.b.Free(p.V)
		w.b.Free(p.Step)
	}
	w.m.Free()
}

// pass runs one pass and waits for it.
func (w *workload) pass() error {
	if w.tape.Train {
		return w.step()
	}
	image := w.tape.Input(w.image, w.shape...)
	restored, _ := w.m.Forward(w.tape, image, model.Options{})
	err := w.tape.Sync()
	if err == nil && !w.checked { // a network that does not make pictures is not timed
		w.checked = true
		pixels := w.tape.Fetch(restored)
		err = cmp.Or(w.tape.Sync(), infer.CheckRestored(pixels))
	}
	w.tape.Reset()
	return err
}

func (w *workload) step() error {
	w.timed("ZeroGrads", func() {
		w.m.ZeroGrads()
		w.m.ResetCounts()
	})
	image, clean := w.tape.Input(w.image, w.shape...), w.tape.Input(w.clean, w.shape...)
	noise := model.Gaussian{Step: w.steps}
	restored, _ := w.m.Forward(w.tape, image, model.Options{Noise: noise})
	w.weight.Loss(w.tape, w.m, restored, clean, nil).Backward(w.tape, 1)
	w.timed("Adam", func() {
		w.b.Adam(w.params, kernels.NewAdam(2e-4))
	})
	w.steps++
	err := errors.Join(w.fault, w.tape.Sync())
	w.tape.Reset()
	return err
}

// timed runs f, which is not part of any operation of the tape.
func (w *workload) timed(name string, f func()) {
	if w.onTime == nil {
		f()
		return
	}
	start := time.Now()
	f()
	w.fault = errors.Join(w.fault, w.b.Sync())
	w.onTime(name, time.Since(start))
}
