package model

// PGB is the prompt generation block: a semantic prompt chooses a mixture of
// learned spatial components.
type PGB struct {
	name       string
	components *Var // [length,C,s,s]
	weights    linear
	conv       *Var // [C,C,3,3]
}

func (b builder) pgb(l int, c Config) *PGB {
	C, s := c.Width(l), c.PromptSize[l]
	return &PGB{
		name:       b.name(),
		components: b.param("components", unit, c.PromptLen, C, s, s),
		weights:    b.linear("weights", c.PromptLen, C),
		conv:       b.conv3x3("conv", C, C),
	}
}

// Forward is p [B,C] → spatial prompt [B,C,H,W].
func (g *PGB) Forward(t *pass, p *Var, H, W int) *Var {
	w := t.Softmax(g.weights.forward(t, p)) // [B,length]
	mixed := t.Mix(w, g.components)         // [B,C,s,s]
	wide := t.Resize(mixed, H, W)
	t.Release(mixed)
	y := t.Conv3x3(wide, g.conv)
	t.Release(wide)
	t.probe(g.name, y)
	return y
}
