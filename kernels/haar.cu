// The Haar transform. For a 2×2 block a b / c d:
//   LL=(a+b+c+d)/2  HL=(a−b+c−d)/2  LH=(a+b−c−d)/2  HH=(a−b−c+d)/2
// It is orthonormal: the inverse is the transpose, and the gradient of each transform adds
// the other.
//
// x [B,C,2h,2w]; ll [B,C,h,w]; bands [B,3C,h,w], HL, LH, HH. The samples of x, ll and bands
// are xs, ls and bs channels apart, so that ll and bands can be parts of one [B,4C,h,w],
// and x of a concatenation. The x of the kernels *_packed, or its gradient, is Bf16, and 0
// past each plane; they have no res.
// Mapping: a thread handles 4 neighbouring blocks of a row: it reads or writes two rows of
// 8 numbers and 4 numbers of each subband, 16 bytes at a time if w is a multiple of 4.
// Block (x, y, z): 1024 of a plane's h·⌈w/4⌉·4 blocks, in plane y + 65535·z of the B·C.
// 32 bytes and 12 operations per block of 4 numbers (48 bytes if it adds): bound by
// memory.
// Threads a multiprocessor, at least: 1280.
#include "common.cuh"

constexpr int threads = 256;

// Place locates a thread's 4 blocks: in the image's rows from x0 and x1 on, in LL from s
// on, in HL, LH and HH from b, b + step and b + 2·step on.
struct Place {
  bool any, wide, first;  // first: of its plane
  long long x0, x1, s, b, step;
  int n;  // how many of the 4 blocks are inside
  __device__ __forceinline__ Place(int B, int C, int h, int w, int xs, int ls, int bs, int pitch_x) {
    const long long plane = blockIdx.y + 65535ll * blockIdx.z;
    const int groups = (w + 3) / 4;
    const int i = blockIdx.x * threads + threadIdx.x;
    const int row = i / groups, column = i % groups * 4;
    any = plane < static_cast<long long>(B) * C && row < h;
    first = any && i == 0;
    wide = w % 4 == 0;
    n = min(4, w - column);
    const long long batch = plane / C, channel = plane - batch * C, P = static_cast<long long>(h) * w;
    step = C * P;
    s = (batch * ls + channel) * P + row * w + column;
    b = s + batch * (bs - ls) * P;
    x0 = (batch * xs + channel) * pitch_x + 2ll * (2 * row * w + column);
    x1 = x0 + 2 * w;
  }
};

// load8 reads 2n numbers of a row, store8 writes them.
template <class X>
__device__ __forceinline__ void load8(float (&v)[8], const X* p, int n, bool wide) {
  float u[4];
#pragma unroll
  for (int i = 0; i < 8; i += 4) {
    load4(u, p, i, 2 * n, wide);
#pragma unroll
    for (int k = 0; k < 4; k++) v[i + k] = u[k];
  }
}
template <class X>
__device__ __forceinline__ void store8(X* p, const float (&v)[8], int n, bool wide) {
  float u[4];
#pragma unroll
  for (int i = 0; i < 8; i += 4) {
#pragma unroll
    for (int k = 0; k < 4; k++) u[k] = v[i + k];
    store4(p, u, i, 2 * n, wide);
  }
}

// end_plane writes 0 past the n numbers of a plane.
__device__ __forceinline__ void end_plane(float*, int) {}
__device__ __forceinline__ void end_plane(Bf16* plane, int n) {
  for (int i = n; i < pitch<Bf16>(n); i++) plane[i].bits = 0;
}

// analyse: ll, bands = (or +=) DWT(x). Either may be absent.
template <bool ADD, class X>
__device__ __forceinline__ void analyse(float* ll, float* bands, const X* x, int B, int C, int h, int w, int xs, int ls,
                                        int bs) {
  const Place p(B, C, h, w, xs, ls, bs, pitch<X>(4 * h * w));
  if (!p.any) return;
  float top[8], bottom[8], out[4][4];
  load8(top, x + p.x0, p.n, p.wide);
  load8(bottom, x + p.x1, p.n, p.wide);
#pragma unroll
  for (int k = 0; k < 4; k++) {
    const float a = top[2 * k], b = top[2 * k + 1], c = bottom[2 * k], d = bottom[2 * k + 1];
    out[0][k] = .5f * (a + b + c + d);
    out[1][k] = .5f * (a - b + c - d);
    out[2][k] = .5f * (a + b - c - d);
    out[3][k] = .5f * (a - b - c + d);
  }
  if (ll) put4(ll + p.s, out[0], 0, p.n, p.wide, ADD);
  if (!bands) return;
#pragma unroll
  for (int i = 0; i < 3; i++) put4(bands + p.b + i * p.step, out[i + 1], 0, p.n, p.wide, ADD);
}

// synthesise: x = IDWT(ll, bands) [+ res]; x may be res.
template <class X>
__device__ __forceinline__ void synthesise(X* x, const float* ll, const float* bands, const float* res, int B, int C,
                                           int h, int w, int xs, int ls, int bs) {
  const Place p(B, C, h, w, xs, ls, bs, pitch<X>(4 * h * w));
  if (!p.any) return;
  float in[4][4], top[8] = {}, bottom[8] = {};
  load4(in[0], ll + p.s, 0, p.n, p.wide);
#pragma unroll
  for (int i = 0; i < 3; i++) load4(in[i + 1], bands + p.b + i * p.step, 0, p.n, p.wide);
  if (res) {
    load8(top, res + p.x0, p.n, p.wide);
    load8(bottom, res + p.x1, p.n, p.wide);
  }
#pragma unroll
  for (int k = 0; k < 4; k++) {
    const float l = in[0][k], u = in[1][k], v = in[2][k], d = in[3][k];
    top[2 * k] += .5f * (l + u + v + d);
    top[2 * k + 1] += .5f * (l - u + v - d);
    bottom[2 * k] += .5f * (l + u - v - d);
    bottom[2 * k + 1] += .5f * (l - u - v + d);
  }
  store8(x + p.x0, top, p.n, p.wide);
  store8(x + p.x1, bottom, p.n, p.wide);
  if (p.first) end_plane(x + p.x0, 4 * h * w);
}

#define HAAR(suffix, X)                                                                                                \
  extern "C" __global__ void __launch_bounds__(threads)                                                                \
      dwt_fwd##suffix(float* __restrict__ ll, float* __restrict__ bands, const X* __restrict__ x, int B, int C, int h, \
                      int w, int xs, int ls, int bs) {                                                                 \
    analyse<false>(ll, bands, x, B, C, h, w, xs, ls, bs);                                                              \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(threads, 5)                                                             \
      idwt_fwd##suffix(X* y, const float* __restrict__ ll, const float* __restrict__ bands, const float* res, int B,   \
                       int C, int h, int w, int xs, int ls, int bs) {                                                  \
    synthesise(y, ll, bands, res, B, C, h, w, xs, ls, bs);                                                             \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(threads)                                                                \
      idwt_grad##suffix(float* __restrict__ dll, float* __restrict__ dbands, const X* __restrict__ dy, int B, int C,   \
                        int h, int w, int xs, int ls, int bs) {                                                        \
    analyse<true>(dll, dbands, dy, B, C, h, w, xs, ls, bs);                                                            \
  }
HAAR(, float)
HAAR(_packed, Bf16)
