//go:build cuda

package cuda

import "clusir/internal/kernels"

// channelAttention holds the intermediate results between s [B,C,h,w] and A; see
// kernels/attention.cu. All products except the last in each direction, A·Wv and dq·sᵀ,
// are as exact as float32 at every precision, since their terms cancel: ‖q_i‖ is often
// a tenth or less of ‖Wq_i‖‖s‖, and dA and dq̂ matter by their differences from a mean.
type channelAttention struct {
	B, C, P, heads, d int

	s, weights kernels.Tensor // weights [2C,C]: those of q and k
	hat        kernels.Tensor // [B,2C,h,w]: q̂ and k̂
	length     kernels.Tensor // [B,2C]
	cosine, a  kernels.Tensor // [B,heads,d,d]
}

// The matrices of each sample and head.

// half returns the head's d rows of the first or second C of t [B,2C,P].
func (a *channelAttention) half(t kernels.Tensor, second int) matrix {
	return matrix{inside(t, second*a.C*a.P, a.B, a.C, a.P), a.P, 2 * a.C * a.P, a.d * a.P}
}

// square returns t [B,heads,d,d] as matrices.
func (a *channelAttention) square(t kernels.Tensor) matrix {
	return matrix{from{t, 0}, a.d, a.C * a.d, a.d * a.d}
}

// rows returns the head's rows of t [B,C,C].
func (a *channelAttention) rows(t kernels.Tensor) matrix {
	return matrix{from{t, 0}, a.C, a.C * a.C, a.d * a.C}
}

// values returns the head's rows of Wv, the last C of qkv [3C,C].
func (a *channelAttention) values(qkv kernels.Tensor) matrix {
	return matrix{inside(qkv, 2*a.C*a.C, a.C, a.C), a.C, 0, a.d * a.C}
}

// times describes a product for each sample and head.
func (a *channelAttention) times(rows, columns, terms int) batched {
	return batched{a.B, a.heads, rows, columns, terms}
}

// attendChannels computes A and its intermediate results, for the caller to release.
func (b *Backend) attendChannels(s, qkv, temperature kernels.Tensor) *channelAttention {
	a := &channelAttention{B: s.Shape[0], C: s.Shape[1], P: s.Shape[2] * s.Shape[3], heads: temperature.Len(), s: s}
	check(a.C%a.heads == 0 && qkv.Len() == 3*a.C*a.C, "AttentionMap", s, qkv, temperature)
	a.d = a.C / a.heads
	a.weights = kernels.Tensor{Shape: kernels.Shape{2 * a.C, a.C}, Data: qkv.Data}
	a.hat, a.length = b.Alloc(a.B, 2*a.C, s.Shape[2], s.Shape[3]), b.Alloc(a.B, 2*a.C)
	a.cosine, a.a = b.Alloc(a.B, a.C, a.d), b.Alloc(a.B, a.C, a.d)

	b.project(b.nearly("conv1x1_fwd"), a.hat, a.weights, kernels.Tensor{}, s)
	b.launch("attention_unit", a.perRow(), a.hat, a.length, a.P)
	p := a.times(a.d, a.d, a.P)
	parts := p.cut()
	partial := b.Alloc(parts, a.B, a.C, a.d)
	b.product(productNT, b.nearly, p, a.square(partial), a.half(a.hat, 0), a.half(a.hat, 1), parts)
	b.launch("attention_softmax", perRow(a.B*a.C), a.a, a.cosine, partial, temperature, a.B*a.C, a.C, a.d, parts)
	b.Free(partial)
	return a
}

// perRow returns a grid with a block for each row of hat.
func (a *channelAttention) perRow() grid { return grid{x: a.B * 2 * a.C, y: 1, z: 1} }

func (a *channelAttention) free(b *Backend) { b.free(a.hat, a.length, a.cosine, a.a) }

// AttentionMap folds channel attention and the value projection into m = A·Wv.
func (b *Backend) AttentionMap(m, s, qkv, temperature kernels.Tensor) {
	a := b.attendChannels(s, qkv, temperature)
	b.product(productNN, b.precise, a.times(a.d, a.C, a.d), a.rows(m), a.square(a.a), a.values(qkv), 1)
	a.free(b)
}

// AttentionMapGrad is AttentionMap's gradient.
func (b *Backend) AttentionMapGrad(ds, dqkv, dtemperature, dm, s, qkv, temperature kernels.Tensor) {
	a := b.attendChannels(s, qkv, temperature)
	if !dqkv.IsZero() {
		b.valuesGrad(a, dqkv, dm)
	}
	dc := b.cosinesGrad(a, dtemperature, dm, qkv, temperature)
	if !dqkv.IsZero() || !ds.IsZero() {
		b.queriesGrad(a, ds, dqkv, dc)
	}
	b.Free(dc)
	a.free(b)
}

// valuesGrad adds dWv = Σ_b Aᵀ·dm to dqkv.
func (b *Backend) valuesGrad(a *channelAttention, dqkv, dm kernels.Tensor) {
	each := b.Alloc(a.B, a.C, a.C)
	b.product(productTN, b.precise, a.times(a.d, a.C, a.d), a.rows(each), a.square(a.a), a.rows(dm), 1)
	b.addParts(inside(dqkv, 2*a.C*a.C, a.C, a.C), each, 1, a.B)
	b.Free(each)
}

// cosinesGrad returns dc, for the caller to free, and adds to dtemperature.
func (b *Backend) cosinesGrad(a *channelAttention, dtemperature, dm, qkv, temperature kernels.Tensor) kernels.Tensor {
	da, dc, along := b.Alloc(a.B, a.C, a.d), b.Alloc(a.B, a.C, a.d), b.Alloc(a.heads, a.B, a.d)
	b.product(productNT, b.nearly, a.times(a.d, a.d, a.C), a.square(da), a.rows(dm), a.values(qkv), 1)
	b.launch("attention_softmax_grad", perRow(a.B*a.C), dc, along, da, a.a, a.cosine, temperature, a.B*a.C, a.C, a.d)
	b.gradient("rows_sum", perRow(a.heads), dtemperature, along, a.heads, a.B*a.d)
	b.free(da, along)
	return dc
}

// queriesGrad adds to ds and to the rows of q and k in dqkv; either may be absent.
func (b *Backend) queriesGrad(a *channelAttention, ds, dqkv, dc kernels.Tensor) {
	d := b.Alloc(a.hat.Shape...)
	p := a.times(a.d, a.P, a.d)
	b.product(productNN, b.nearly, p, a.half(d, 0), a.square(dc), a.half(a.hat, 1), 1)
	b.product(productTN, b.nearly, p, a.half(d, 1), a.square(dc), a.half(a.hat, 0), 1)
	b.launch("attention_unit_grad", a.perRow(), d, a.hat, a.length, a.P)
	c := newConv1x1("AttentionMapGrad", d, a.weights, []kernels.Tensor{a.s})
	b.conv1x1Weights(c, kernels.Tensor{Shape: a.weights.Shape, Data: dqkv.Data}, d)
	b.conv1x1Input(b.nearly("conv1x1_dx"), c, ds, d, a.weights, a.C, true)
	b.Free(d)
}
