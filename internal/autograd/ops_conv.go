package autograd

// Conv1x1 returns w·concat(xs) + bias over channels: w [O,ΣC], bias [O] or absent.
func (t *Tape) Conv1x1(w, bias *Var, xs ...*Var) *Var {
	O, C := dims2("Conv1x1", w)
	B, _, H, W := dims4("Conv1x1", xs[0])
	sum := 0
	for _, x := range xs {
		_, c, _, _ := dims4("Conv1x1", x)
		check(is(x, B, c, H, W), "Conv1x1", xs...)
		sum += c
	}
	all := append(vars(w, bias), xs...)
	check(sum == C && absentOr(bias, O), "Conv1x1", all...)
	y := t.alloc(B, O, H, W)
	return t.result(y, op{
		name: "Conv1x1", macs: B * O * C * H * W,
		in: all, keep: append(vars(w), xs...),
		run: func() { t.B.Conv1x1(y.Tensor, w.Tensor, bias.tensor(), tensorsOf(xs, (*Var).tensor)...) },
		grad: func() {
			t.B.Conv1x1Grad(tensorsOf(xs, t.grad), t.grad(w), t.grad(bias), t.grad(y), w.Tensor, tensorsOf(xs, (*Var).tensor)...)
		},
	})
}

// Conv3x3 is a zero-padded cross-correlation: x [B,C,H,W], w [O,C,3,3] → [B,O,H,W].
func (t *Tape) Conv3x3(x, w *Var) *Var {
	B, _, H, W := dims4("Conv3x3", x)
	return t.conv3x3(x, w, B, w.Shape[0], H, W)
}

// ConvDown is Conv3x3 followed by the pixel-unshuffle: → [B,4O,H/2,W/2].
func (t *Tape) ConvDown(x, w *Var) *Var {
	B, _, H, W := dims4("ConvDown", x)
	check(H%2 == 0 && W%2 == 0, "ConvDown", x, w)
	return t.conv3x3(x, w, B, 4*w.Shape[0], H/2, W/2)
}

// ConvUp is Conv3x3 followed by the pixel-shuffle: → [B,O/4,2H,2W].
func (t *Tape) ConvUp(x, w *Var) *Var {
	B, _, H, W := dims4("ConvUp", x)
	check(w.Shape[0]%4 == 0, "ConvUp", x, w)
	return t.conv3x3(x, w, B, w.Shape[0]/4, 2*H, 2*W)
}

func (t *Tape) conv3x3(x, w *Var, shape ...int) *Var {
	O, C := w.Shape[0], x.Shape[1]
	check(is(w, O, C, 3, 3), "Conv3x3", x, w)
	y := t.alloc(shape...)
	return t.binary("Conv3x3", y.Len()*C*9, y, x, w, t.B.Conv3x3, t.B.Conv3x3Grad)
}
