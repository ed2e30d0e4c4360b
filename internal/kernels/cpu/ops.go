package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// The operations, in the order of ops.h; kernels.go documents them.

// Fill sets every element of y to v.
func (b *Backend) Fill(y kernels.Tensor, v float32) { C.clusir_fill(b.ctx, view(y), C.float(v)) }

// Add computes y = a + s·c.
func (b *Backend) Add(y, a, c kernels.Tensor, s float32) {
	C.clusir_add(b.ctx, view(y), view(a), view(c), C.float(s))
}

// Linear computes y = x wᵀ + bias.
func (b *Backend) Linear(y, x, w, bias kernels.Tensor) {
	C.clusir_linear(b.ctx, view(y), view(x), view(w), view(bias))
}

// LinearGrad is the gradient of Linear.
func (b *Backend) LinearGrad(dx, dw, dbias, dy, x, w kernels.Tensor) {
	C.clusir_linear_grad(b.ctx, view(dx), view(dw), view(dbias), view(dy), view(x), view(w))
}

// Mix computes y_r = Σ_l a_rl c_l.
func (b *Backend) Mix(y, a, c kernels.Tensor) {
	C.clusir_mix(b.ctx, view(y), view(a), view(c))
}

// MixGrad is the gradient of Mix.
func (b *Backend) MixGrad(da, dc, dy, a, c kernels.Tensor) {
	C.clusir_mix_grad(b.ctx, view(da), view(dc), view(dy), view(a), view(c))
}

// Normalize computes y_r = x_r / max(‖x_r‖₂, 1e-12).
func (b *Backend) Normalize(y, x kernels.Tensor) {
	C.clusir_normalize(b.ctx, rows(y), rows(x))
}

// NormalizeGrad is the gradient of Normalize.
func (b *Backend) NormalizeGrad(dx, dy, x kernels.Tensor) {
	C.clusir_normalize_grad(b.ctx, rows(dx), rows(dy), rows(x))
}

// TopKSoftmax is the softmax over each row's k largest entries.
func (b *Backend) TopKSoftmax(y, x kernels.Tensor, k int) {
	C.clusir_top_k_softmax(b.ctx, rows(y), rows(x), C.int64_t(k))
}

// SoftmaxGrad is the gradient of TopKSoftmax.
func (b *Backend) SoftmaxGrad(dx, dy, y kernels.Tensor) {
	C.clusir_softmax_grad(b.ctx, rows(dx), rows(dy), rows(y))
}

// ScaleRows computes y_r = s_r x_r.
func (b *Backend) ScaleRows(y, x, s kernels.Tensor) {
	C.clusir_scale_rows(b.ctx, view(y), view(x), view(s))
}

// ScaleRowsGrad is the gradient of ScaleRows.
func (b *Backend) ScaleRowsGrad(dx, ds, dy, x, s kernels.Tensor) {
	C.clusir_scale_rows_grad(b.ctx, view(dx), view(ds), view(dy), view(x), view(s))
}

// Tokens computes t_bn = α_bn (μ_n + exp(logσ_n) ⊙ ε_bn).
func (b *Backend) Tokens(t, alpha, mu, logSigma, eps kernels.Tensor) {
	C.clusir_tokens(b.ctx, view(t), view(alpha), view(mu), view(logSigma), view(eps))
}

// TokensGrad is the gradient of Tokens.
func (b *Backend) TokensGrad(dalpha, dmu, dlogSigma, dt, alpha, mu, logSigma, eps kernels.Tensor) {
	C.clusir_tokens_grad(b.ctx, view(dalpha), view(dmu), view(dlogSigma), view(dt),
		view(alpha), view(mu), view(logSigma), view(eps))
}

// Attend is multi-head attention of q over the kept rows of k and v.
func (b *Backend) Attend(o, q, k, v, keep kernels.Tensor, heads int) {
	C.clusir_attend(b.ctx, view(o), view(q), view(k), view(v), view(keep), C.int64_t(heads))
}

// AttendGrad is the gradient of Attend.
func (b *Backend) AttendGrad(dq, dk, dv, do, q, k, v, keep kernels.Tensor, heads int) {
	C.clusir_attend_grad(b.ctx, view(dq), view(dk), view(dv), view(do),
		view(q), view(k), view(v), view(keep), C.int64_t(heads))
}

// SumKept computes y_b = Σ_n [keep_bn ≠ 0] t_bn.
func (b *Backend) SumKept(y, t, keep kernels.Tensor) {
	C.clusir_sum_kept(b.ctx, view(y), view(t), view(keep))
}

// SumKeptGrad is the gradient of SumKept.
func (b *Backend) SumKeptGrad(dt, dy, keep kernels.Tensor) {
	C.clusir_sum_kept_grad(b.ctx, view(dt), view(dy), view(keep))
}

// CountRouted counts the samples routed to each expert.
func (b *Backend) CountRouted(count, route kernels.Tensor) {
	C.clusir_count_routed(b.ctx, view(count), view(route))
}

// MeanHW averages each channel over its pixels.
func (b *Backend) MeanHW(y, x kernels.Tensor) {
	C.clusir_mean_hw(b.ctx, view(y), view(x))
}

// MeanHWGrad is the gradient of MeanHW.
func (b *Backend) MeanHWGrad(dx, dy kernels.Tensor) {
	C.clusir_mean_hw_grad(b.ctx, view(dx), view(dy))
}

// Resize is bilinear, from x's size to y's.
func (b *Backend) Resize(y, x kernels.Tensor) {
	C.clusir_resize(b.ctx, view(y), view(x))
}

// ResizeGrad is the gradient of Resize.
func (b *Backend) ResizeGrad(dx, dy kernels.Tensor) {
	C.clusir_resize_grad(b.ctx, view(dx), view(dy))
}

// Conv1x1 computes y = w·concat(xs) + bias.
func (b *Backend) Conv1x1(y, w, bias kernels.Tensor, xs ...kernels.Tensor) {
	C.clusir_conv1x1(b.ctx, view(y), view(w), view(bias), C.int64_t(len(xs)), views(xs))
}

// Conv1x1Grad is the gradient of Conv1x1.
func (b *Backend) Conv1x1Grad(dxs []kernels.Tensor, dw, dbias, dy, w kernels.Tensor, xs ...kernels.Tensor) {
	C.clusir_conv1x1_grad(b.ctx, views(dxs), view(dw), view(dbias),
		view(dy), view(w), C.int64_t(len(xs)), views(xs))
}

// Conv3x3 is the zero-padded 3×3 convolution.
func (b *Backend) Conv3x3(y, x, w kernels.Tensor) {
	C.clusir_conv3x3(b.ctx, view(y), view(x), view(w))
}

// Conv3x3Grad is the gradient of Conv3x3.
func (b *Backend) Conv3x3Grad(dx, dw, dy, x, w kernels.Tensor) {
	C.clusir_conv3x3_grad(b.ctx, view(dx), view(dw), view(dy), view(x), view(w))
}

// DWT splits x into its Haar subbands.
func (b *Backend) DWT(ll, bands, x kernels.Tensor, add bool) {
	C.clusir_dwt(b.ctx, view(ll), view(bands), view(x), C.bool(add))
}

// IDWT joins Haar subbands and adds res.
func (b *Backend) IDWT(y, ll, bands, res kernels.Tensor) {
	C.clusir_idwt(b.ctx, view(y), view(ll), view(bands), view(res))
}

// WaveletReduce computes concat(DWT(w·LN(x))).
func (b *Backend) WaveletReduce(y, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	C.clusir_wavelet_reduce(b.ctx, view(y), view(x), norm(n), view(w))
}

// WaveletReduceGrad is the gradient of WaveletReduce.
func (b *Backend) WaveletReduceGrad(dx kernels.Tensor, dn kernels.Norm, dw, dy, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	C.clusir_wavelet_reduce_grad(b.ctx, view(dx), norm(dn), view(dw), view(dy), view(x), norm(n), view(w))
}

// WaveletMerge computes y = x + w·concat(IDWT(m·s), IDWT(s)).
func (b *Backend) WaveletMerge(y, x, s, m, w kernels.Tensor) {
	C.clusir_wavelet_merge(b.ctx, view(y), view(x), view(s), view(m), view(w))
}

// WaveletMergeGrad is the gradient of WaveletMerge except for x.
func (b *Backend) WaveletMergeGrad(ds, dm, dw, dy, s, m, w kernels.Tensor) {
	C.clusir_wavelet_merge_grad(b.ctx, view(ds), view(dm), view(dw), view(dy), view(s), view(m), view(w))
}

// AttentionMap folds channel attention and the value projection into m.
func (b *Backend) AttentionMap(m, s, qkv, temperature kernels.Tensor) {
	C.clusir_attention_map(b.ctx, view(m), view(s), view(qkv), view(temperature))
}

// AttentionMapGrad is the gradient of AttentionMap.
func (b *Backend) AttentionMapGrad(ds, dqkv, dtemperature, dm, s, qkv, temperature kernels.Tensor) {
	C.clusir_attention_map_grad(b.ctx, view(ds), view(dqkv), view(dtemperature),
		view(dm), view(s), view(qkv), view(temperature))
}

// GatedFFN computes y = x + Σ_e route_e F_e(LN(x)).
func (b *Backend) GatedFFN(y, x kernels.Tensor, n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	C.clusir_gated_ffn(b.ctx, view(y), view(x), norm(n), C.int64_t(len(experts)), ffns(experts), view(route))
}

// GatedFFNGrad is the gradient of GatedFFN.
func (b *Backend) GatedFFNGrad(dx kernels.Tensor, dn kernels.Norm, dexperts []kernels.FFN, droute, dy, x kernels.Tensor,
	n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	C.clusir_gated_ffn_grad(b.ctx, view(dx), norm(dn), ffns(dexperts), view(droute), view(dy),
		view(x), norm(n), C.int64_t(len(experts)), ffns(experts), view(route))
}

// RFFT2 is the orthonormal 2-D FFT.
func (b *Backend) RFFT2(z, x kernels.Tensor, inner float32, add bool) {
	C.clusir_rfft2(b.ctx, view(z), view(x), C.float(inner), C.bool(add))
}

// IRFFT2 is the orthonormal inverse of RFFT2.
func (b *Backend) IRFFT2(x, z kernels.Tensor, inner float32, add bool) {
	C.clusir_irfft2(b.ctx, view(x), view(z), C.float(inner), C.bool(add))
}

// SpectralFusion computes y = z·(1 + gain)·e^{i·turn} (Eq. 14).
func (b *Backend) SpectralFusion(y, z, l kernels.Tensor, amplitude, phase kernels.Fuse) {
	C.clusir_spectral_fusion(b.ctx, view(y), view(z), view(l), fuse(amplitude), fuse(phase))
}

// SpectralFusionGrad is the gradient of SpectralFusion.
func (b *Backend) SpectralFusionGrad(dz, dl kernels.Tensor, damplitude, dphase kernels.Fuse, dy, z, l kernels.Tensor,
	amplitude, phase kernels.Fuse) {
	C.clusir_spectral_fusion_grad(b.ctx, view(dz), view(dl), fuse(damplitude), fuse(dphase),
		view(dy), view(z), view(l), fuse(amplitude), fuse(phase))
}

// BatchNorm normalises x over the batch and moves the running statistics.
func (b *Backend) BatchNorm(y, x, weight, bias, mean, variance kernels.Tensor, momentum float32) {
	C.clusir_batch_norm(b.ctx, view(y), view(x), view(weight),
		view(bias), view(mean), view(variance), C.float(momentum))
}

// BatchNormGrad is the gradient of BatchNorm.
func (b *Backend) BatchNormGrad(dx, dweight, dbias, dy, x, weight kernels.Tensor) {
	C.clusir_batch_norm_grad(b.ctx, view(dx), view(dweight), view(dbias), view(dy), view(x), view(weight))
}

// BatchNormInfer normalises with the running statistics.
func (b *Backend) BatchNormInfer(y, x, weight, bias, mean, variance kernels.Tensor) {
	C.clusir_batch_norm_infer(b.ctx, view(y), view(x), view(weight), view(bias), view(mean), view(variance))
}

// DynamicFilter splits x into its low and its high frequencies.
func (b *Backend) DynamicFilter(low, high, x, f kernels.Tensor) {
	C.clusir_dynamic_filter(b.ctx, view(low), view(high), view(x), view(f))
}

// DynamicFilterGrad is the gradient of DynamicFilter.
func (b *Backend) DynamicFilterGrad(dx, df, dlow, dhigh, x, f kernels.Tensor) {
	C.clusir_dynamic_filter_grad(b.ctx, view(dx), view(df), view(dlow), view(dhigh), view(x), view(f))
}

// SigmoidGate computes y = σ(g) ⊙ x.
func (b *Backend) SigmoidGate(y, g, x kernels.Tensor) {
	C.clusir_sigmoid_gate(b.ctx, view(y), view(g), view(x))
}

// SigmoidGateGrad is the gradient of SigmoidGate.
func (b *Backend) SigmoidGateGrad(dg, dx, dy, g, x kernels.Tensor) {
	C.clusir_sigmoid_gate_grad(b.ctx, view(dg), view(dx), view(dy), view(g), view(x))
}

// L1 is the mean of |x − t|, smooth within ±β.
func (b *Backend) L1(y, x, t kernels.Tensor, beta float32) {
	C.clusir_l1(b.ctx, view(y), view(x), view(t), C.float(beta))
}

// L1Grad is the gradient of L1.
func (b *Backend) L1Grad(dx, dy, x, t kernels.Tensor, beta float32) {
	C.clusir_l1_grad(b.ctx, view(dx), view(dy), view(x), view(t), C.float(beta))
}

// Orthogonality measures how far the rows of p are from orthogonal.
func (b *Backend) Orthogonality(y, p kernels.Tensor) {
	C.clusir_orthogonality(b.ctx, view(y), view(p))
}

// OrthogonalityGrad is the gradient of Orthogonality.
func (b *Backend) OrthogonalityGrad(dp, dy, p kernels.Tensor) {
	C.clusir_orthogonality_grad(b.ctx, view(dp), view(dy), view(p))
}

// MSSSIM is the multi-scale structural similarity of x and t.
func (b *Backend) MSSSIM(y, x, t kernels.Tensor) {
	C.clusir_ms_ssim(b.ctx, view(y), view(x), view(t))
}

// MSSSIMGrad is the gradient of MSSSIM in x.
func (b *Backend) MSSSIMGrad(dx, dy, x, t kernels.Tensor) {
	C.clusir_ms_ssim_grad(b.ctx, view(dx), view(dy), view(x), view(t))
}

// Adam takes one step for every parameter that a sample reached.
func (b *Backend) Adam(ps []kernels.AdamParam, a kernels.Adam) {
	cs := list(ps, func(p kernels.AdamParam) C.clusir_adam_param {
		return C.clusir_adam_param{param: view(p.Param), grad: view(p.Grad), m: view(p.M), v: view(p.V),
			step: view(p.Step), reached: element(p.Reached)}
	})
	C.clusir_adam(b.ctx, cs, C.int64_t(len(ps)), C.double(a.LR), C.double(a.Beta1), C.double(a.Beta2), C.double(a.Eps))
}

// ClipNorm scales gs so that their norm is at most limit.
func (b *Backend) ClipNorm(gs []kernels.Tensor, limit float32) {
	C.clusir_clip_norm(b.ctx, views(gs), C.int64_t(len(gs)), C.float(limit))
}

// Average moves each y towards its x.
func (b *Backend) Average(ys, xs []kernels.Tensor, a float32) {
	C.clusir_average(b.ctx, views(ys), views(xs), C.int64_t(len(ys)), C.float(a))
}
