package autograd

import "clusir/internal/kernels"

// MSSSIM returns the multi-scale SSIM of x and target [B,C,H,W], [1]; H and W are at least
// kernels.SSIMWindow. The target has no gradient.
func (t *Tape) MSSSIM(x, target *Var) *Var {
	_, _, H, W := dims4("MSSSIM", x)
	check(is(target, x.Shape...) && min(H, W) >= kernels.SSIMWindow, "MSSSIM", x, target)
	y := t.alloc(1)
	return t.result(y, op{
		name: "MSSSIM", in: vars(x), keep: vars(x, target),
		run:  func() { t.B.MSSSIM(y.Tensor, x.Tensor, target.Tensor) },
		grad: func() { t.B.MSSSIMGrad(t.grad(x), t.grad(y), x.Tensor, target.Tensor) },
	})
}
