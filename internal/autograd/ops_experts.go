package autograd

import "clusir/internal/kernels"

// FFN holds the weights of one gated feed-forward network with h hidden
// channels: Expand [2h,C], Depthwise [2h,3,3], Project [C,h].
type FFN struct{ Expand, Depthwise, Project *Var }

func (f FFN) vars() []*Var { return vars(f.Expand, f.Depthwise, f.Project) }

func (f FFN) fits(C, h int) bool {
	return is(f.Expand, 2*h, C) && is(f.Depthwise, 2*h, 3, 3) && is(f.Project, C, h)
}

// GatedFFN returns x + Σ_e route_be F_e(LN(x)): x [B,C,H,W], route [B,E], or absent for
// one expert of weight 1. Experts of weight 0 do not run; perSample is the number that
// run for each sample, on which the MACs depend.
func (t *Tape) GatedFFN(x *Var, n Norm, experts []FFN, route *Var, perSample int) *Var {
	B, C, H, W := dims4("GatedFFN", x)
	_, h := dims2("GatedFFN", experts[0].Project)
	in := vars(x, n.Weight, n.Bias, route)
	for _, e := range experts {
		check(e.fits(C, h), "GatedFFN", append(vars(x), e.vars()...)...)
		in = append(in, e.vars()...)
	}
	ok := absentOr(route, B, len(experts)) && (route != nil || len(experts) == 1 && perSample == 1)
	check(ok && is(n.Weight, C) && is(n.Bias, C) && perSample <= len(experts), "GatedFFN", in...)
	y := t.alloc(B, C, H, W)
	return t.result(y, op{
		name: "GatedFFN", macs: B * perSample * H * W * (2*h*C + 2*h*9 + C*h),
		in: in, keep: in,
		run: func() {
			t.B.GatedFFN(y.Tensor, x.Tensor, n.of((*Var).tensor), weightsOf(experts, (*Var).tensor), route.tensor())
		},
		grad: func() {
			t.B.GatedFFNGrad(t.grad(x), n.of(t.grad), weightsOf(experts, t.grad), t.grad(route),
				t.grad(y), x.Tensor, n.of((*Var).tensor), weightsOf(experts, (*Var).tensor), route.tensor())
		},
	})
}

// weightsOf returns a tensor of each weight: its value or its gradient.
func weightsOf(fs []FFN, of func(*Var) kernels.Tensor) []kernels.FFN {
	out := make([]kernels.FFN, len(fs))
	for i, f := range fs {
		out[i] = kernels.FFN{Expand: of(f.Expand), Depthwise: of(f.Depthwise), Project: of(f.Project)}
	}
	return out
}
