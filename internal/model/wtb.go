package model

import "clusir/internal/autograd"

// WTB is a wavelet transformer block: x += Attn(LN(x)); x += FFN(LN(x)).
//
// The attention is among channels, per head, over the Haar subbands of a quarter of the
// channels, so its cost is linear in pixels. This differs from Wave-ViT, which the
// paper cites.
type WTB struct {
	name string

	norm1       autograd.Norm
	reduce      *Var // [C/4,C]
	filter      *Var // [C,C,3,3]
	qkv         *Var // [3C,C]
	temperature *Var // [heads]
	proj        *Var // [C,C/2]

	norm2 autograd.Norm
	ffn   autograd.FFN
}

func (b builder) wtb(C, heads int, ratio float64) *WTB {
	w := &WTB{name: b.name(), norm1: b.norm("norm1", C)}
	attn := b.at("attn")
	w.temperature = attn.param("temperature", constant(1), heads, 1, 1).Reshape(heads)
	w.reduce = attn.conv1x1("reduce", C/4, C)
	w.filter = attn.conv3x3("filter", C, C)
	w.qkv = attn.conv1x1("qkv", 3*C, C)
	w.proj = attn.conv1x1("proj", C, C/2)
	w.norm2 = b.norm("norm2", C)
	w.ffn = b.at("ffn").ffn(C, ratio)
	return w
}

// Forward maps [B,C,H,W] to [B,C,H,W].
func (w *WTB) Forward(t *pass, x *Var) *Var {
	return t.Block(func() *Var {
		bands := t.WaveletReduce(x, w.norm1, w.reduce) // [B,C,H/2,W/2]
		s := t.Conv3x3(last(bands), w.filter)
		m := t.global(w.name, func() *Var { // A and the projection to v combined, [B,C,C]
			return t.AttentionMap(s, w.qkv, w.temperature)
		})
		y := t.as(w.name+".attn", t.WaveletMerge(last(x), last(s), last(m), w.proj)) // x + proj(IDWT(A v), IDWT(s))
		return t.as(w.name, t.GatedFFN(last(y), w.norm2, []autograd.FFN{w.ffn}, nil, 1))
	})
}

// Stage is a stack of WTBs.
type Stage struct {
	name   string
	blocks []*WTB
}

func (b builder) stage(n, C, heads int, ratio float64) *Stage {
	s := &Stage{name: b.name()}
	for i := range n {
		s.blocks = append(s.blocks, b.at(i).wtb(C, heads, ratio))
	}
	return s
}

// Forward maps [B,C,H,W] to [B,C,H,W].
func (s *Stage) Forward(t *pass, x *Var) *Var {
	for _, w := range s.blocks {
		x = w.Forward(t, x)
	}
	return t.as(s.name, x)
}
