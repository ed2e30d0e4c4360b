// The fusion of two spectra, Eq. 14: y = z (1 + gain) e^(i·turn), where gain and
// turn come from small networks (conv1x1.cu) of
//   |z| = √(re² + im² + 1e-4),  log(1 + |z|),  u = z/|z|
//
// z, y [B,2n]: the n real numbers of a sample's C·H·(W/2+1), then the imaginary
// ones; u is shaped like z; log|z|, gain and turn [B,n].
// Mapping: a thread handles 4 numbers of each, 16 bytes at a time if n is a multiple of 4.
// Block (x, y): 1024 numbers from 1024·x on, of sample y.
// Bound by memory: at most 60 operations for 20 bytes and more.
// Threads a multiprocessor, at least: 1536, leaky_* 2048.
#include "common.cuh"

constexpr int threads = 256;
constexpr float leak = .1f;  // of LeakyReLU

// Place locates a thread's 4 numbers: `one` among the B·n, re and im among the B·2n.
struct Place {
  long long one, re, im;
  int valid;
  bool wide;
  __device__ __forceinline__ explicit Place(int n) {
    const long long i = 4ll * (static_cast<long long>(blockIdx.x) * threads + threadIdx.x), b = blockIdx.y;
    one = b * n + i, re = 2 * b * n + i, im = re + n;
    valid = static_cast<int>(max(0ll, min(4ll, n - i)));
    wide = n % 4 == 0;
  }
  // Real numbers, shaped like log|z|.
  __device__ __forceinline__ void load(float (&v)[4], const float* p) const { load4(v, p + one, 0, valid, wide); }
  __device__ __forceinline__ void store(float* p, const float (&v)[4]) const { store4(p + one, v, 0, valid, wide); }
  // Complex numbers a + ib, shaped like z.
  __device__ __forceinline__ void load(float (&a)[4], float (&b)[4], const float* p) const {
    load4(a, p + re, 0, valid, wide), load4(b, p + im, 0, valid, wide);
  }
  template <bool ADD = false>
  __device__ __forceinline__ void store(float* p, const float (&a)[4], const float (&b)[4]) const {
    put4(p + re, a, 0, valid, wide, ADD), put4(p + im, b, 0, valid, wide, ADD);
  }
};

__device__ __forceinline__ float modulus(float re, float im) { return sqrtf(re * re + im * im + 1e-4f); }

// sine_cosine sets c and s to the cosine and the sine of x. It converts x to half turns and
// subtracts whole turns before anything is rounded.
__device__ __forceinline__ void sine_cosine(float x, float& c, float& s) {
  constexpr float inverse = .31830987f, rest = 1.28412767e-8f;  // of 1/π
  const float whole = 2.f * rintf(.5f * inverse * x);
  const float r = fmaf(x, inverse, -whole) + x * rest;
  c = cospif(r), s = sinpif(r);
}

// polar_fwd: 8 bytes read and 12 written, 12 operations per number of log|z|.
extern "C" __global__ void __launch_bounds__(threads)
    polar_fwd(float* __restrict__ log, float* __restrict__ u, const float* __restrict__ z, int n) {
  const Place at(n);
  float re[4], im[4], out[4];
  at.load(re, im, z);
#pragma unroll
  for (int k = 0; k < 4; k++) {
    const float a = modulus(re[k], im[k]);
    out[k] = log1pf(a);
    re[k] /= a, im[k] /= a;
  }
  at.store(log, out);
  at.store(u, re, im);
}

// polar_grad: d|z| = dlog/(1 + |z|) − ⟨du, z⟩/|z|², dz += du/|z| + d|z| u. 28 bytes
// read and 8 written, 20 operations per number of log|z|.
extern "C" __global__ void __launch_bounds__(threads)
    polar_grad(float* __restrict__ dz, const float* __restrict__ dlog, const float* __restrict__ du,
               const float* __restrict__ z, int n) {
  const Place at(n);
  float re[4], im[4], ure[4], uim[4], d[4];
  at.load(re, im, z);
  at.load(ure, uim, du);
  at.load(d, dlog);
#pragma unroll
  for (int k = 0; k < 4; k++) {
    const float scale = 1.f / modulus(re[k], im[k]), zre = re[k] * scale, zim = im[k] * scale;
    const float da = d[k] * scale / (scale + 1.f) - (ure[k] * zre + uim[k] * zim) * scale;
    re[k] = ure[k] * scale + da * zre;
    im[k] = uim[k] * scale + da * zim;
  }
  at.store<true>(dz, re, im);
}

// fusion_fwd: y = z (1 + gain) e^(i·turn). 16 bytes read and 8 written, 40 operations.
extern "C" __global__ void __launch_bounds__(threads)
    fusion_fwd(float* __restrict__ y, const float* __restrict__ z, const float* __restrict__ gain,
               const float* __restrict__ turn, int n) {
  const Place at(n);
  float re[4], im[4], g[4], t[4];
  at.load(re, im, z);
  at.load(g, gain);
  at.load(t, turn);
#pragma unroll
  for (int k = 0; k < 4; k++) {
    float c, s;
    sine_cosine(t[k], c, s);
    const float a = re[k], b = im[k], scale = 1.f + g[k];
    re[k] = scale * (a * c - b * s);
    im[k] = scale * (a * s + b * c);
  }
  at.store(y, re, im);
}

// fusion_grad: with r = (1 + gain) e^(i·turn), dz += dy r̄ if wanted,
// dgain = Re(ȳ dy)/(1 + gain) and dturn = Im(ȳ dy). 24 bytes read and 8 written (16
// more for dz), 60 operations.
extern "C" __global__ void __launch_bounds__(threads)
    fusion_grad(float* __restrict__ dz, float* __restrict__ dgain, float* __restrict__ dturn, const float* __restrict__ dy,
                const float* __restrict__ z, const float* __restrict__ gain, const float* __restrict__ turn, int n) {
  const Place at(n);
  float re[4], im[4], dre[4], dim[4], g[4], t[4];
  at.load(re, im, z);
  at.load(dre, dim, dy);
  at.load(g, gain);
  at.load(t, turn);
#pragma unroll
  for (int k = 0; k < 4; k++) {
    float c, s;
    sine_cosine(t[k], c, s);
    const float a = re[k] * c - im[k] * s, b = re[k] * s + im[k] * c, scale = 1.f + g[k];
    g[k] = dre[k] * a + dim[k] * b;
    t[k] = scale * (dim[k] * a - dre[k] * b);
    re[k] = scale * (dre[k] * c + dim[k] * s);
    im[k] = scale * (dim[k] * c - dre[k] * s);
  }
  at.store(dgain, g);
  at.store(dturn, t);
  if (!dz) return;
  at.store<true>(dz, re, im);
}

// leaky_fwd: x becomes LeakyReLU(x), all B·n numbers of it. 8 bytes, 2 operations.
extern "C" __global__ void __launch_bounds__(threads) leaky_fwd(float* __restrict__ x, long long n) {
  const long long i = 4 * (static_cast<long long>(blockIdx.x) * threads + threadIdx.x);
  float v[4];
  load4(v, x, i, n);
#pragma unroll
  for (int k = 0; k < 4; k++) v[k] = fmaxf(v[k], leak * v[k]);
  store4(x, v, i, n);
}

// leaky_grad: replaces the gradient d of LeakyReLU's result y with that of its operand,
// which has y's sign. 12 bytes, 2 operations.
extern "C" __global__ void __launch_bounds__(threads)
    leaky_grad(float* __restrict__ d, const float* __restrict__ y, long long n) {
  const long long i = 4 * (static_cast<long long>(blockIdx.x) * threads + threadIdx.x);
  float v[4], u[4];
  load4(v, d, i, n);
  load4(u, y, i, n);
#pragma unroll
  for (int k = 0; k < 4; k++) v[k] = u[k] < 0.f ? leak * v[k] : v[k];
  store4(d, v, i, n);
}
