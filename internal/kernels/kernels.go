// Package kernels defines the operations that a compute device must provide.
//
// A [Backend] is all that the rest of clusir knows about a device: kernels/cpu is the
// fast one on the host, kernels/cuda runs the CUDA kernels, and kernels/ref is the
// naive float64 specification that both are tested against. Every operation obeys one
// contract:
//
//   - Destinations come first and alias no source, unless an operation's comment says
//     so.
//   - Tensors are float32, contiguous and row-major. Nothing broadcasts unless an
//     operation's formula says so.
//   - Op(y, x, ...) overwrites y. OpGrad(dx, ..., dy, ...) adds to each of its
//     destinations; the zero Tensor as a destination means that the gradient is not
//     wanted. dy is the gradient of Op's result and has its shape.
//   - Shapes are correct: packages autograd and model check them. A backend may
//     panic on a wrong one.
//   - Operations may run asynchronously, in call order. Sync returns the device's
//     faults.
//   - The same inputs give the same bits, whatever the number of threads.
//
// Letters: B batch, C channels, H and W sides, N clusters, M experts of a
// cluster, E = N·M, D a stage's width. A spectrum of [B,C,H,W] is
// [B,2C,H,W/2+1]: the C real planes, then the C imaginary ones.
package kernels

import "errors"

// ErrMemory is the fault of an allocation for which a device, or the system, has no
// memory. A backend panics with it, or returns it from Sync.
var ErrMemory = errors.New("out of memory")

// Memory owns device memory and moves data between it and the host.
type Memory interface {
	// Alloc returns memory with undefined contents.
	Alloc(shape ...int) Tensor
	// Free frees t, which must come from Alloc. It ignores the zero Tensor.
	Free(t Tensor)
	// Fill sets every element of t to v.
	Fill(t Tensor, v float32)
	// Clear sets every element of ts to 0, for many tensors at once.
	Clear(ts ...Tensor)
	// Copy sets dst to src, of the same size.
	Copy(dst, src Tensor)
	// Upload sets dst to src, which may change as soon as it returns.
	Upload(dst Tensor, src []float32)
	// Download waits for all earlier work and sets dst to src.
	Download(dst []float32, src Tensor)
	// Sync waits for all work and returns the first fault since the last Sync.
	Sync() error
	// Close frees everything; no method may be called after it.
	Close() error
}

// Zeros allocates a tensor full of zeros.
func Zeros(m Memory, shape ...int) Tensor {
	t := m.Alloc(shape...)
	m.Fill(t, 0)
	return t
}

// Pointwise holds operations on tensors of equal shape.
type Pointwise interface {
	// Add computes y = a + s·b; y may be a.
	Add(y, a, b Tensor, s float32)
}

// Dense holds small matrix products and operations on rows.
type Dense interface {
	// Linear computes y = x wᵀ + bias: x [R,K], w [O,K], bias [O] or absent, y [R,O].
	Linear(y, x, w, bias Tensor)
	LinearGrad(dx, dw, dbias, dy, x, w Tensor)
	// Mix computes y_r = Σ_l a_rl c_l: a [R,L], c [L,...], y [R,...].
	Mix(y, a, c Tensor)
	MixGrad(da, dc, dy, a, c Tensor)
	// Normalize computes y_r = x_r / max(‖x_r‖₂, 1e-12) over the last axis.
	Normalize(y, x Tensor)
	NormalizeGrad(dx, dy, x Tensor)
	// TopKSoftmax keeps the k largest entries of each row of the last axis
	// (ties: the lower index) and writes their softmax; the others become 0.
	// k equal to the row's length gives the plain softmax.
	TopKSoftmax(y, x Tensor, k int)
	// SoftmaxGrad is the gradient of TopKSoftmax in terms of its result y.
	SoftmaxGrad(dx, dy, y Tensor)
	// ScaleRows computes y_r = s_r x_r: x and y [R,...], s [R].
	ScaleRows(y, x, s Tensor)
	ScaleRowsGrad(dx, ds, dy, x, s Tensor)
}

// Router holds the operations of PCGRM, the two-stage router.
type Router interface {
	// Tokens computes t_bn = α_bn (μ_n + exp(logσ_n) ⊙ ε_bn), the summands of Eq. 7:
	// alpha [B,N], mu and logSigma [N,D], t [B,N,D], eps [B,N,D] or absent, which means
	// ε = 0.
	Tokens(t, alpha, mu, logSigma, eps Tensor)
	TokensGrad(dalpha, dmu, dlogSigma, dt, alpha, mu, logSigma, eps Tensor)
	// Attend is multi-head attention without its projections: q and o [B,T,D], k and v
	// [B,S,D]; heads are contiguous blocks of D/heads channels, and the scale is
	// (D/heads)^-½. Row s of sample b takes part if keep [B,S] is not 0; each sample
	// has at least one such row.
	Attend(o, q, k, v, keep Tensor, heads int)
	AttendGrad(dq, dk, dv, do, q, k, v, keep Tensor, heads int)
	// SumKept computes y_b = Σ_n [keep_bn ≠ 0] t_bn: t [B,N,D], keep [B,N], y [B,D].
	SumKept(y, t, keep Tensor)
	SumKeptGrad(dt, dy, keep Tensor)
	// CountRouted adds to count_e the number of samples b with route_be ≠ 0:
	// route [B,E], count [E]. It has no gradient.
	CountRouted(count, route Tensor)
}

// Spatial holds operations over [B,C,H,W].
type Spatial interface {
	// MeanHW computes y_bc = mean over h, w of x_bchw; y is [B,C].
	MeanHW(y, x Tensor)
	MeanHWGrad(dx, dy Tensor)
	// Resize resizes x to the size of y: bilinear, half-pixel centres, edges clamped,
	// no antialiasing.
	Resize(y, x Tensor)
	ResizeGrad(dx, dy Tensor)
}

// Conv holds convolutions.
type Conv interface {
	// Conv1x1 computes y = w·concat(xs) + bias over channels: w [O,ΣC],
	// bias [O] or absent.
	Conv1x1(y, w, bias Tensor, xs ...Tensor)
	// Conv1x1Grad takes dxs of the same length as xs.
	Conv1x1Grad(dxs []Tensor, dw, dbias, dy, w Tensor, xs ...Tensor)
	// Conv3x3 is a zero-padded cross-correlation of x [B,C,H,W] with w [O,C,3,3],
	// stored as y's shape indicates: [B,O,H,W] plain, [B,4O,H/2,W/2] through the
	// pixel-unshuffle, [B,O/4,2H,2W] through the pixel-shuffle (channel 4c + 2·dy +
	// dx).
	Conv3x3(y, x, w Tensor)
	Conv3x3Grad(dx, dw, dy, x, w Tensor)
}

// Haar holds the Haar transform. For a 2×2 block a b / c d: LL=(a+b+c+d)/2,
// HL=(a−b+c−d)/2, LH=(a+b−c−d)/2, HH=(a−b−c+d)/2.
type Haar interface {
	// DWT splits x [B,C,H,W] into ll [B,C,H/2,W/2] and bands [B,3C,H/2,W/2]:
	// HL, LH, HH; or adds to them. Either may be absent.
	DWT(ll, bands, x Tensor, add bool)
	// IDWT inverts DWT and adds res, shaped like y, unless it is absent; y may be res.
	// As the transform is orthonormal, IDWT(dx, dll, dbands, dx) is DWT's gradient, and
	// DWT(dll, dbands, dy, true) is IDWT's, except for that of res, which is dy.
	IDWT(y, ll, bands, res Tensor)
}

// Norm holds the weight and bias [C] of a layer norm over channels.
type Norm struct{ Weight, Bias Tensor }

// Wavelet holds the steps of wavelet attention between x and its coefficients.
type Wavelet interface {
	// WaveletReduce computes concat(DWT(w·LN(x))): x [B,C,H,W], w [C/4,C],
	// y [B,C,H/2,W/2] as LL, HL, LH, HH. LN is over channels, eps 1e-5.
	WaveletReduce(y, x Tensor, n Norm, w Tensor)
	WaveletReduceGrad(dx Tensor, dn Norm, dw, dy, x Tensor, n Norm, w Tensor)
	// WaveletMerge computes y = x + w·concat(IDWT(m·s), IDWT(s)), each operand
	// of IDWT split into quarters LL, HL, LH, HH: x and y [B,C,H,W],
	// s [B,C,H/2,W/2], m [B,C,C], w [C,C/2].
	WaveletMerge(y, x, s, m, w Tensor)
	// WaveletMergeGrad leaves out the gradient of x, which is dy.
	WaveletMergeGrad(ds, dm, dw, dy, s, m, w Tensor)
}

// Attention holds the channel attention on those coefficients.
type Attention interface {
	// AttentionMap folds channel attention and the value projection into one matrix per
	// sample: s [B,C,h,w], qkv [3C,C], temperature [heads], m [B,C,C] with m·s = A·v.
	// q, k, v = split(qkv·s); per head (contiguous channels) the rows of q and k are
	// normalised over pixels, max(‖·‖, 1e-12), and A = softmax(temperature · q kᵀ).
	// Over a single pixel these rows are signs, and the gradient through them is
	// exactly 0.
	AttentionMap(m, s, qkv, temperature Tensor)
	AttentionMapGrad(ds, dqkv, dtemperature, dm, s, qkv, temperature Tensor)
}

// FFN holds the weights of one gated feed-forward network with h hidden
// channels: Expand [2h,C], Depthwise [2h,3,3], Project [C,h].
type FFN struct{ Expand, Depthwise, Project Tensor }

// Experts holds the gated feed-forward networks.
type Experts interface {
	// GatedFFN computes y = x + Σ_e route_be F_e(LN(x)) with
	// F(u) = Project·(GELU(a) ⊙ b), a and b the halves of depthwise3×3(Expand·u), GELU
	// in its erf form, LN over channels with eps 1e-5. route is [B,E], and experts of
	// weight 0 do not run; if route is absent, there is one expert of weight 1. All
	// experts have the same h.
	GatedFFN(y, x Tensor, n Norm, experts []FFN, route Tensor)
	// GatedFFNGrad takes dexperts of the same length as experts. It adds to dx also dy,
	// the residual's gradient, and to droute only where route is not 0.
	GatedFFNGrad(dx Tensor, dn Norm, dexperts []FFN, droute, dy, x Tensor, n Norm, experts []FFN, route Tensor)
}

// FFT holds the Fourier transforms. H and W are even. Both multiply columns 1..W/2−1 of
// the spectrum, which stand for two of the full one each, by inner, and add to their
// result on request. So RFFT2's gradient is IRFFT2(dx, dz, ½, true), and IRFFT2's is
// RFFT2(dz, dx, 2, true). If the result is absent, they do nothing.
type FFT interface {
	// RFFT2 is the orthonormal 2-D FFT of x [B,C,H,W], as z [B,2C,H,W/2+1].
	RFFT2(z, x Tensor, inner float32, add bool)
	// IRFFT2 is the orthonormal inverse: complex along H, then complex-to-real
	// along W, which ignores the imaginary part of columns 0 and W/2.
	IRFFT2(x, z Tensor, inner float32, add bool)
}

// Fuse holds conv 1×1 → LeakyReLU 0.1 → conv 1×1: W1 [C,K], B1 [C], W2 [C,C], B2 [C].
type Fuse struct{ W1, B1, W2, B2 Tensor }

// Spectral holds the fusion of Eq. 14.
type Spectral interface {
	// SpectralFusion computes y = z·(1 + gain)·e^{i·turn} (Eq. 14) with
	// |z| = √(re²+im²+1e-4), u = z/|z|,
	// gain = amplitude(log(1+|z|), log(1+|l|)) and
	// turn = phase(re u_z, im u_z, re u_l, im u_l).
	// y, z, l are spectra [B,2C,H,W/2+1].
	SpectralFusion(y, z, l Tensor, amplitude, phase Fuse)
	SpectralFusionGrad(dz, dl Tensor, damplitude, dphase Fuse, dy, z, l Tensor, amplitude, phase Fuse)
}

// Filter holds the rest of FSB and the gate of Eq. 15.
type Filter interface {
	// BatchNorm normalises x [B,N] over B with its biased variance, eps 1e-5, and
	// updates the running mean and (unbiased) variance [N] by momentum. Momentum 0
	// leaves them unchanged.
	BatchNorm(y, x, weight, bias, mean, variance Tensor, momentum float32)
	BatchNormGrad(dx, dweight, dbias, dy, x, weight Tensor)
	// BatchNormInfer normalises with the running statistics. It has no gradient.
	BatchNormInfer(y, x, weight, bias, mean, variance Tensor)
	// DynamicFilter correlates each group of C/G channels of x [B,C,H,W] with
	// its own taps f [B,G,k²] under reflection padding (Eqs. 12, 13):
	// low is the result, high = x − low.
	DynamicFilter(low, high, x, f Tensor)
	DynamicFilterGrad(dx, df, dlow, dhigh, x, f Tensor)
	// SigmoidGate computes y = σ(g) ⊙ x (Eq. 15).
	SigmoidGate(y, g, x Tensor)
	SigmoidGateGrad(dg, dx, dy, g, x Tensor)
}

// Loss holds terms of the objective. Each writes one number, shape [1].
type Loss interface {
	// L1 is the mean of |x − t|, less β/2; where |x − t| < β, of (x − t)²/2β instead, so
	// that the gradient falls to 0 with the difference (smooth L1, Girshick 2015). With
	// β = 0 it is the mean absolute difference, whose gradient at 0 is 0.
	L1(y, x, t Tensor, beta float32)
	L1Grad(dx, dy, x, t Tensor, beta float32)
	// Orthogonality is the mean squared entry of P̂P̂ᵀ − I, P̂ the rows of
	// p [N,D] normalised.
	Orthogonality(y, p Tensor)
	OrthogonalityGrad(dp, dy, p Tensor)
}

// SSIMWindow is the side of MSSSIM's window.
const SSIMWindow = 11

// MSSSIM holds the term of the objective that compares structure.
type MSSSIM interface {
	// MSSSIM is the multi-scale SSIM of x and t [B,C,H,W], averaged over B and C, as
	// specified by package ref. H and W are at least SSIMWindow.
	MSSSIM(y, x, t Tensor)
	MSSSIMGrad(dx, dy, x, t Tensor)
}

// AdamParam is one parameter and its state. Reached, if present, is a count; if it is 0,
// no sample reached the parameter, and the parameter and its step count stay unchanged.
type AdamParam struct {
	Param, Grad, M, V Tensor
	Step              Tensor // [1], the number of updates so far
	Reached           Element
}

// Adam holds the optimiser's settings.
type Adam struct {
	LR, Beta1, Beta2, Eps float64
}

// NewAdam returns the paper's settings, which are Adam's own defaults, with a learning
// rate.
func NewAdam(lr float64) Adam { return Adam{LR: lr, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8} }

// Optim holds operations over all parameters.
type Optim interface {
	// Adam takes one bias-corrected step for every parameter:
	// m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g²,
	// p −= lr · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + eps).
	Adam(ps []AdamParam, a Adam)
	// ClipNorm scales all of gs by min(1, limit/‖gs‖₂), where ‖gs‖₂ is the norm of all
	// of them together.
	ClipNorm(gs []Tensor, limit float32)
	// Average moves each y towards its x: y += a·(x − y).
	Average(ys, xs []Tensor, a float32)
}

// Backend is a compute device.
type Backend interface {
	Memory
	Pointwise
	Dense
	Router
	Spatial
	Conv
	Haar
	Wavelet
	Attention
	Experts
	FFT
	Spectral
	Filter
	Loss
	MSSSIM
	Optim
}
