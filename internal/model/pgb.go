package model

import "clusir/internal/arch"

// PGB is the prompt generation block: a semantic prompt selects a mixture of learned
// spatial components.
type PGB struct {
	name       string
	level      int
	components *Var // [length,C,s,s]
	weights    linear
	conv       *Var // [C,C,3,3]
}

func (b builder) pgb(l int, c arch.Config) *PGB {
	C, s := c.Width(l), c.PromptSize[l]
	return &PGB{
		name:       b.name(),
		level:      l,
		components: b.param("components", unit, c.PromptLen, C, s, s),
		weights:    b.linear("weights", c.PromptLen, C),
		conv:       b.conv3x3("conv", C, C),
	}
}

// Forward maps p [B,C] to the spatial prompt [B,C,H,W].
func (g *PGB) Forward(t *pass, p *Var, H, W int) *Var {
	w := t.Softmax(g.weights.forward(t, p)) // [B,length]
	mixed := t.Mix(w, g.components)         // [B,C,s,s]
	wide := g.spread(t, mixed, H, W)
	return t.as(g.name, t.Conv3x3(last(wide), g.conv))
}

// spread resizes the mixed components [B,C,s,s] to H×W, or to the part of a larger
// picture's prompt that lies in the pass's window. It releases mixed.
func (g *PGB) spread(t *pass, mixed *Var, H, W int) *Var {
	if t.Window == (Window{}) {
		return t.Resize(last(mixed), H, W)
	}
	B, C, s := mixed.Shape[0], mixed.Shape[1], mixed.Shape[2]
	// Bilinear resizing is a matrix product on either side. The one along H is a 1×1
	// convolution of B·C images of one row each, whose channels are the s rows.
	along := t.Input(lerp(t.Window.X>>g.level, W, s, t.Window.W>>g.level), W, s)
	down := t.Input(lerp(t.Window.Y>>g.level, H, s, t.Window.H>>g.level), H, s)
	rows := t.Linear(last(mixed.Reshape(B*C*s, s)), last(along), nil)
	return t.Conv1x1(last(down), nil, last(rows.Reshape(B*C, s, 1, W))).Reshape(B, C, H, W)
}

// lerp returns the matrix [n,s] that resizes s values to a side of length all, cut to
// the n rows from first: half-pixel centres, edges clamped, as in Tape.Resize.
func lerp(first, n, s, all int) []float32 {
	m := make([]float32, n*s)
	for i := range n {
		at := min(max((float32(first+i)+.5)*float32(s)/float32(all)-.5, 0), float32(s-1))
		lo := int(at)
		m[i*s+lo] += 1 - (at - float32(lo))
		m[i*s+min(lo+1, s-1)] += at - float32(lo)
	}
	return m
}
