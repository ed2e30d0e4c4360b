package autograd

// MeanHW averages over space: [B,C,H,W] → [B,C].
func (t *Tape) MeanHW(x *Var) *Var {
	B, C, _, _ := dims4("MeanHW", x)
	y := t.alloc(B, C)
	return t.linear("MeanHW", y, x, t.B.MeanHW, t.B.MeanHWGrad)
}

// Resize resizes bilinearly to H×W.
func (t *Tape) Resize(x *Var, H, W int) *Var {
	B, C, _, _ := dims4("Resize", x)
	y := t.alloc(B, C, H, W)
	return t.linear("Resize", y, x, t.B.Resize, t.B.ResizeGrad)
}
