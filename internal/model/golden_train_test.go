package model

import (
	"fmt"
	"strings"

	"clusir/internal/autograd"
	"clusir/internal/kernels"
)

// goldenAdam is the reference's optimiser.
var goldenAdam = kernels.Adam{LR: 2e-4, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}

// training compares the loss, every gradient, BatchNorm's statistics after one step,
// and five steps of Adam.
func (g *goldenRun) training() {
	image, clean := g.input("in.image", true), g.input("in.clean", false)
	adam := newAdamState(g.b, g.m)
	for step := 1; step <= 5; step++ {
		terms := g.step(image, clean, step == 1)
		g.check("loss", fmt.Sprint("adam.loss", step), one(terms.Loss), g.read(fmt.Sprint("adam.loss", step)), tolLoss, 0)
		if step == 1 {
			g.firstStep(image, terms)
		}
		g.b.Adam(adam, goldenAdam)
	}
	g.updates()
}

// step runs one pass and leaves its gradients in the parameters.
func (g *goldenRun) step(image, clean *Var, first bool) Terms {
	g.m.ZeroGrads()
	g.m.ResetCounts()
	autograd.ZeroGrads(g.b, image)
	tape := &Tape{B: g.b, Train: true}
	defer tape.Reset()
	restored, _ := g.m.Forward(tape, image, Options{Noise: goldenNoise{g}})
	if first {
		in := g.download(image.Tensor)
		g.check("output", "training output − input", difference(g.download(restored.Tensor), in),
			difference(g.read("train.output"), in), tolOutput, 0)
	}
	loss := DefaultObjective().Loss(tape, g.m, restored, clean, nil)
	loss.Backward(tape, 1)
	return loss.Terms(g.b)
}

func (g *goldenRun) firstStep(image *Var, terms Terms) {
	g.check("loss", "loss", one(terms.Loss), g.read("train.loss"), tolLoss, 0)
	g.check("loss", "l1", one(terms.L1), g.read("train.l1"), tolLoss, 0)
	g.check("loss", "ms_ssim", one(terms.MSSSIM), g.read("train.ms_ssim"), tolLoss, 0)
	if g.m.Config.UseMoE {
		g.check("loss", "orthogonality", one(terms.Orthogonality), g.read("train.orthogonality"), tolLoss, 0)
	}
	g.check("grad", "in.image", g.download(image.Grad()), g.read("grad.in.image"), tolGrad, absGrad)
	compared := 1
	for _, p := range g.m.Params {
		g.check("grad", p.Name, g.download(p.Grad()), g.read("grad."+p.Name, p.Shape...), tolGrad, absGrad)
		compared++
	}
	for _, name := range g.f.Names() {
		if strings.HasPrefix(name, "grad.") {
			compared--
		}
	}
	if compared != 0 {
		g.t.Errorf("the file lacks %d gradients", compared)
	}
	for _, p := range g.m.Buffers {
		g.check("buffer", p.Name, g.download(p.Tensor), g.read("step1."+p.Name), tolBuffer, 0)
	}
}

// updates compares how far five steps moved each parameter, and BatchNorm's statistics
// after them, which depend on the parameters.
func (g *goldenRun) updates() {
	for _, p := range g.m.Params {
		if norm(g.read("grad."+p.Name)) <= minGradNorm {
			continue
		}
		before := g.read("model." + p.Name)
		g.check("update", p.Name, difference(g.download(p.Tensor), before),
			difference(g.read("adam."+p.Name), before), tolUpdate, 0)
	}
	for _, p := range g.m.Buffers {
		g.check("moved", p.Name, g.download(p.Tensor), g.read("adam."+p.Name), tolUpdate, 0)
	}
}

func newAdamState(b kernels.Backend, m *ClusIR) []kernels.AdamParam {
	m.ZeroGrads()
	var ps []kernels.AdamParam
	for _, p := range m.Params {
		s := kernels.AdamParam{
			Param: p.Tensor, Grad: p.Grad(), Reached: p.Reached,
			M: b.Alloc(p.Shape...), V: b.Alloc(p.Shape...), Step: b.Alloc(1),
		}
		for _, z := range []kernels.Tensor{s.M, s.V, s.Step} {
			b.Fill(z, 0)
		}
		ps = append(ps, s)
	}
	return ps
}

func one(x float64) []float32 { return []float32{float32(x)} }
