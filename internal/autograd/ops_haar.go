package autograd

// DWT splits x [B,C,H,W] into its Haar subbands: ll [B,C,H/2,W/2] and bands
// [B,3C,H/2,W/2] (HL, LH, HH).
func (t *Tape) DWT(x *Var) (ll, bands *Var) {
	B, C, H, W := dims4("DWT", x)
	check(H%2 == 0 && W%2 == 0, "DWT", x)
	ll, bands = t.alloc(B, C, H/2, W/2), t.alloc(B, 3*C, H/2, W/2)
	t.apply(op{
		name: "DWT", in: vars(x), out: vars(ll, bands),
		run:  func() { t.B.DWT(ll.Tensor, bands.Tensor, x.Tensor, false) },
		grad: func() { t.B.IDWT(t.grad(x), t.grad(ll), t.grad(bands), t.grad(x)) },
	})
	return ll, bands
}

// IDWT inverts DWT and adds res [B,C,H,W] unless it is absent.
func (t *Tape) IDWT(ll, bands, res *Var) *Var {
	B, C, H, W := dims4("IDWT", ll)
	check(is(bands, B, 3*C, H, W) && absentOr(res, B, C, 2*H, 2*W), "IDWT", ll, bands, res)
	y := t.alloc(B, C, 2*H, 2*W)
	return t.result(y, op{
		name: "IDWT", in: vars(ll, bands, res), residual: res,
		run:  func() { t.B.IDWT(y.Tensor, ll.Tensor, bands.Tensor, res.tensor()) },
		grad: func() { t.B.DWT(t.grad(ll), t.grad(bands), t.grad(y), true) },
	})
}
