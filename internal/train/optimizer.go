package train

import (
	"clusir/internal/config"
	"clusir/internal/kernels"
	"clusir/internal/model"
)

// optimizer is Adam with the paper's settings, or Muon for matrices and Adam for the
// other parameters, gradient clipping and the moving average of the weights. A parameter
// that no sample reached in a step keeps its moments and its step count, like a PyTorch
// parameter without a gradient.
type optimizer struct {
	b      kernels.Backend
	m      *model.ClusIR
	clip   float64
	decay  float64
	params []kernels.AdamParam // all, in the model's order; Muon's have no V and no Step
	// The parameters of either rule.
	matrices, others []kernels.AdamParam
	// average holds the moving average of every tensor of the model, including buffers;
	// nil if decay is 0.
	average []kernels.Tensor
}

func newOptimizer(m *model.ClusIR, b kernels.Backend, t config.Train) *optimizer {
	o := &optimizer{b: b, m: m, clip: t.GradClip, decay: t.EMA}
	m.ZeroGrads()
	for _, p := range m.Params {
		s := kernels.AdamParam{Param: p.Tensor, Grad: p.Grad(), M: kernels.Zeros(b, p.Shape...), Reached: p.Reached}
		if t.Optimizer == "muon" && isMatrix(p) {
			o.matrices = append(o.matrices, s)
		} else {
			s.V, s.Step = kernels.Zeros(b, p.Shape...), kernels.Zeros(b, 1)
			o.others = append(o.others, s)
		}
		o.params = append(o.params, s)
	}
	if o.decay > 0 {
		for _, p := range m.Tensors() {
			o.average = append(o.average, b.Alloc(p.Shape...))
		}
		o.restartAverage()
	}
	return o
}

// restartAverage restarts the moving average from the current weights.
func (o *optimizer) restartAverage() {
	for i, a := range o.average {
		o.b.Copy(a, o.m.Tensors()[i].Tensor)
	}
}

func (o *optimizer) step(lr float64) {
	if o.clip > 0 {
		var grads []kernels.Tensor
		for _, p := range o.params {
			grads = append(grads, p.Grad)
		}
		o.b.ClipNorm(grads, float32(o.clip))
	}
	o.b.Adam(o.others, kernels.NewAdam(lr))
	o.muonStep(lr)
	if o.decay > 0 {
		var weights []kernels.Tensor
		for _, p := range o.m.Tensors() {
			weights = append(weights, p.Tensor)
		}
		o.b.Average(o.average, weights, float32(1-o.decay))
	}
}

// withAverage calls f while the model holds the averaged weights.
func (o *optimizer) withAverage(f func() error) error {
	if o.decay == 0 {
		return f()
	}
	o.swap()
	defer o.swap()
	return f()
}

// swap exchanges the model's weights and their average.
func (o *optimizer) swap() {
	for i, p := range o.m.Tensors() {
		t := o.b.Alloc(p.Shape...)
		o.b.Copy(t, p.Tensor)
		o.b.Copy(p.Tensor, o.average[i])
		o.b.Copy(o.average[i], t)
		o.b.Free(t)
	}
}

func (o *optimizer) free() {
	for _, p := range o.params {
		o.b.Free(p.M)
		o.b.Free(p.V)
		o.b.Free(p.Step)
	}
	for _, a := range o.average {
		o.b.Free(a)
	}
}
