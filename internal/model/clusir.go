package model

import (
	"fmt"

	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/kernels"
)

// ClusIR is the whole network with its parameters on a device.
type ClusIR struct {
	Config  arch.Config
	Params  []*Param // trained, in order of creation
	Buffers []*Param // saved but not trained: BatchNorm's running statistics

	memory   kernels.Memory
	stem     *Var // [dim,3,3,3]
	encoder  []*Stage
	down     []*Var // [C/2,C,3,3]
	MoE      []*MoE // one per stage; empty in the WTB-only ablation
	semantic []*Semantic
	dafmm    []*DAFMM
	up       []*Var // from the level below, [2C,C,3,3]
	skip     []*Var // [C,2C]
	decoder  []*Stage
	refine   *Stage
	head     *Var // [3,dim,3,3]
}

// New allocates a network. Its parameters are undefined until Init or Load.
func New(c arch.Config, memory kernels.Memory) (*ClusIR, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := &ClusIR{Config: c, memory: memory}
	b := builder{m: m}
	m.stem = b.conv3x3("stem", c.Dim, 3)
	for l := range arch.Stages {
		m.encoder = append(m.encoder, b.at("encoder", l).stage(c.EncBlocks[l], c.Width(l), c.Heads[l], c.FFNRatio))
		if c.UseMoE {
			m.MoE = append(m.MoE, b.at("moe", l).moe(l, c))
		}
	}
	for l := range arch.Levels {
		C := c.Width(l)
		m.down = append(m.down, b.conv3x3(fmt.Sprint("down.", l), C/2, C))
		if c.UseDAFMM {
			m.semantic = append(m.semantic, b.at("semantic", l).semantic(l, c))
			m.dafmm = append(m.dafmm, b.at("dafmm", l).dafmm(l, c))
		}
		m.up = append(m.up, b.conv3x3(fmt.Sprint("up.", l), 4*C, 2*C))
		m.skip = append(m.skip, b.conv1x1(fmt.Sprint("skip.", l), C, 2*C))
		m.decoder = append(m.decoder, b.at("decoder", l).stage(c.DecBlocks[l], C, c.Heads[l], c.FFNRatio))
	}
	m.refine = b.at("refine").stage(c.RefineBlocks, c.Dim, c.Heads[0], c.FFNRatio)
	m.head = b.param("head.weight", constant(0), 3, c.Dim, 3, 3) // the network starts as the identity
	m.ResetCounts()
	return m, nil
}

// Forward restores image [B,3,H,W] with values in 0..1; H and W must be multiples of
// arch.Align and at least Config.MinSide. The result is not clamped. There is one route
// per stage, or none without MoE.
func (m *ClusIR) Forward(tape *Tape, image *Var, o Options) (restored *Var, routes []*Route) {
	m.mustFit(image)
	t := &pass{Tape: tape, Options: o}
	x := t.as("stem", t.Conv3x3(image, m.stem))
	skips := make([]*Var, arch.Levels)
	for l := range arch.Stages {
		x = m.encoder[l].Forward(t, x)
		if m.Config.UseMoE {
			var route *Route
			x, route = m.MoE[l].Forward(t, x)
			routes = append(routes, route)
		}
		if l < arch.Levels {
			skips[l] = x
			x = t.as(fmt.Sprint("down.", l), t.ConvDown(x, m.down[l]))
		}
	}
	for l := arch.Levels - 1; l >= 0; l-- {
		x = m.join(t, l, x, skips[l])
		if m.Config.UseDAFMM {
			x = m.dafmm[l].Forward(t, x, m.semantic[l].Forward(t, routes[l], routes[arch.Stages-1]))
		}
		x = m.decoder[l].Forward(t, x)
	}
	x = m.refine.Forward(t, x)
	head := t.as("head", t.Conv3x3(last(x), m.head))
	return t.as("output", t.Add(image, last(head))), routes
}

// join upsamples x to decoder level l and merges the encoder's features into it.
func (m *ClusIR) join(t *pass, l int, x, skip *Var) *Var {
	up := t.as(fmt.Sprint("up.", l), t.ConvUp(last(x), m.up[l]))
	return t.as(fmt.Sprint("skip.", l), t.Conv1x1(m.skip[l], nil, last(up), last(skip)))
}

func (m *ClusIR) mustFit(image *Var) {
	s := image.Shape
	if len(s) != 4 || s[1] != 3 || s[2]%arch.Align != 0 || s[3]%arch.Align != 0 || min(s[2], s[3]) < m.Config.MinSide() {
		panic(fmt.Sprintf("model: image %v is not [B,3,H,W] with sides that are multiples of %d and at least %d",
			[]int(s), arch.Align, m.Config.MinSide()))
	}
}

// Init sets every parameter to its starting value, which depends only on the seed and
// the parameter's name.
func (m *ClusIR) Init(seed uint64) {
	for _, p := range m.Tensors() {
		w := make([]float32, p.Len())
		p.start(newNamedStream(seed, p.Name), w, p.Shape)
		m.memory.Upload(p.Tensor, w)
	}
}

// Tensors returns the parameters and then the buffers.
func (m *ClusIR) Tensors() []*Param { return append(append([]*Param{}, m.Params...), m.Buffers...) }

// ZeroGrads sets every parameter's gradient to zero.
func (m *ClusIR) ZeroGrads() {
	vs := make([]*Var, len(m.Params))
	for i, p := range m.Params {
		vs[i] = p.Var
	}
	autograd.ZeroGrads(m.memory, vs...)
}

// ResetCounts zeroes the counts of samples per expert at the start of a training step.
func (m *ClusIR) ResetCounts() {
	var counts []kernels.Tensor
	for _, e := range m.MoE {
		counts = append(counts, e.Count.Tensor)
	}
	m.memory.Clear(counts...)
}

// Free frees the network's memory.
func (m *ClusIR) Free() {
	for _, p := range m.Tensors() {
		p.Free(m.memory)
	}
	for _, e := range m.MoE {
		e.Count.Free(m.memory)
	}
}
