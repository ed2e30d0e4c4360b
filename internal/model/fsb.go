package model

import "clusir/internal/arch"

// FSB is the frequency self-mining block. It predicts, for each sample, a low-pass
// filter of k×k taps for each of G groups of channels, and splits LL with it.
type FSB struct {
	name           string
	groups, taps   int
	conv           *Var // [G·k²,C]
	weight, bias   *Var // of BatchNorm, [G·k²]
	mean, variance *Var // its running statistics
}

func (b builder) fsb(C int, c arch.Config) *FSB {
	taps := c.FSBKernel * c.FSBKernel
	n := c.FSBGroups * taps
	bn := b.at("bn")
	return &FSB{
		name: b.name(), groups: c.FSBGroups, taps: taps,
		conv:     b.conv1x1("conv", n, C),
		weight:   bn.param("weight", constant(1), n),
		bias:     bn.param("bias", constant(0), n),
		mean:     bn.buffer("running_mean", 0, n),
		variance: bn.buffer("running_var", 1, n),
	}
}

// Forward returns the low-pass part of ll [B,C,h,w] and the rest. The caller keeps ll.
func (f *FSB) Forward(t *pass, ll *Var) (low, high *Var) {
	B := ll.Shape[0]
	taps := t.global(f.name, func() *Var {
		logits := t.BatchNorm(t.Linear(t.MeanHW(ll), f.conv, nil), f.weight, f.bias, f.mean, f.variance)
		return t.Softmax(logits.Reshape(B, f.groups, f.taps)) // Eq. 11
	})
	low, high = t.DynamicFilter(ll, taps) // Eqs. 12, 13
	return t.as(f.name+".low", low), t.as(f.name+".high", high)
}
