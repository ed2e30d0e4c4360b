// Layer norm over the channels of each pixel, x [B,C,P] with P = H·W:
//   x̂ = (x − mean) / √(var + 1e-5)      mean and var over the C channels of a pixel
//   u = weight ⊙ x̂ + bias
// and, with g = weight ⊙ du,
//   dx += (g − mean(g) − x̂ mean(g ⊙ x̂)) / √(var + 1e-5)  [+ residual]
//   dweight_c += Σ_bp du x̂,  dbias_c += Σ_bp du
//
// A 1×1 convolution w [O,C] can absorb the norm: w·u = (w ⊙ weight)·x̂ + w·bias. Then only
// the fold is computed here, conv1x1_norm reads x itself, and u is not written.
//
// Mapping: block (x, y) handles 32 pixels of sample y with all of their channels: a thread
// has 4 neighbouring pixels of every 32nd channel, so that 8 lanes read 128 consecutive
// bytes. Sums over channels cross the lanes and, through 1 KB of shared memory, the warps.
// A block reads its numbers once for each sum and once more for the result, after the
// first time from a cache: they take 4 KB per 32 channels.
//
// The gradient of both of them need not write du = wᵀ·dz either: layer_norm_conv1x1_grad
// computes it from dz [B,O,P], for the thin layers, which are bound by memory.
//
// fwd: 8 bytes and 8 operations per number. grad: 16 bytes (20 with the residual) and 14
// operations per number, and the two sums of each channel over the block's pixels, which
// rows_sum adds; of a convolution 12 bytes and 14 + 2·O operations, and 12 KB of shared
// memory. Bound by memory. In grad each thread has two loads of 16 bytes in flight.
// Threads a multiprocessor, at least: 2048, layer_norm_fwd* 1280, layer_norm_*grad* 1024.
#include "common.cuh"

constexpr int pixels = 32, rows = 32, threads = 256;
constexpr float epsilon = 1e-5f;

// Place locates a thread's numbers: 4 pixels from p on, channels row, row + 32, ...
struct Place {
  int p, row;
  bool wide;
  __device__ __forceinline__ Place(int P) {
    p = blockIdx.x * pixels + threadIdx.x % 8 * 4;
    row = threadIdx.x / 8;
    wide = P % 4 == 0;
  }
};

// sum_rows returns, in all of them, the sum of v over the block's threads with the same
// pixels.
__device__ __forceinline__ void sum_rows(float (&v)[4]) {
  __shared__ float partial[threads / 32][pixels];
  const int lane = threadIdx.x % 32, group = threadIdx.x % 8 * 4;
#pragma unroll
  for (int k = 0; k < 4; k++) {
    v[k] += __shfl_xor_sync(0xffffffffu, v[k], 8);
    v[k] += __shfl_xor_sync(0xffffffffu, v[k], 16);
  }
  __syncthreads();  // the previous call's reads are over
  if (lane < 8)
#pragma unroll
    for (int k = 0; k < 4; k++) partial[threadIdx.x / 32][group + k] = v[k];
  __syncthreads();
#pragma unroll
  for (int k = 0; k < 4; k++) {
    v[k] = 0.f;
#pragma unroll
    for (int w = 0; w < threads / 32; w++) v[k] += partial[w][group + k];
  }
}

// sum_pixels sums v over the 8 lanes that have the same channel.
__device__ __forceinline__ float sum_pixels(float v) {
#pragma unroll
  for (int o = 4; o; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
  return v;
}

// forward is layer_norm_fwd with u as U.
template <class U>
__device__ __forceinline__ void forward(U* u, float* stats, const float* x, const float* weight, const float* bias, int C, int P,
                                        bool tf32) {
  const Place at(P);
  const int line = pitch<U>(P);
  x += static_cast<long long>(blockIdx.y) * C * P;
  u += static_cast<long long>(blockIdx.y) * C * line;
  float v[4], mean[4] = {}, scale[4] = {};
  for (int c = at.row; c < C; c += rows) {
    load4(v, x + static_cast<long long>(c) * P, at.p, P, at.wide);
#pragma unroll
    for (int k = 0; k < 4; k++) mean[k] += v[k];
  }
  sum_rows(mean);
  const float share = 1.f / C;
#pragma unroll
  for (int k = 0; k < 4; k++) mean[k] *= share;
  for (int c = at.row; c < C; c += rows) {
    load4(v, x + static_cast<long long>(c) * P, at.p, P, at.wide);
#pragma unroll
    for (int k = 0; k < 4; k++) scale[k] += (v[k] - mean[k]) * (v[k] - mean[k]);
  }
  sum_rows(scale);
#pragma unroll
  for (int k = 0; k < 4; k++) scale[k] = 1.f / sqrtf(scale[k] * share + epsilon);
  for (int c = at.row; c < C; c += rows) {
    const float w = weight[c], add = bias[c];
    load4(v, x + static_cast<long long>(c) * P, at.p, P, at.wide);
#pragma unroll
    for (int k = 0; k < 4; k++) v[k] = rounded(w * ((v[k] - mean[k]) * scale[k]) + add, tf32);
    if (line > P)
#pragma unroll
      for (int k = 0; k < 4; k++)
        if (at.p + k >= P) v[k] = 0.f;
    store4(u + static_cast<long long>(c) * line, v, at.p, line, line % 4 == 0);
  }
  if (at.row > 0) return;
  stats += static_cast<long long>(blockIdx.y) * 2 * P;
  store4(stats, mean, at.p, P, at.wide);
  store4(stats + P, scale, at.p, P, at.wide);
}

// layer_norm_fwd writes u and stats [B,2,P]: the means, then
// 1/√(var + 1e-5). If tf32 is set, it rounds u for a product in TF32. layer_norm_fwd_packed
// writes u as Bf16, and 0 past the P numbers of a row.
#define LAYER_NORM(suffix, U)                                                                                          \
  extern "C" __global__ void __launch_bounds__(threads, 5)                                                             \
      layer_norm_fwd##suffix(U* __restrict__ u, float* __restrict__ stats, const float* __restrict__ x,                \
                             const float* __restrict__ weight, const float* __restrict__ bias, int C, int P, int tf32) { \
    forward(u, stats, x, weight, bias, C, P, tf32);                                                                    \
  }
LAYER_NORM(, float)
LAYER_NORM(_packed, Bf16)

// Given is du as U. Its two methods get a thread's 4 pixels of channel c, the first of them 0
// past the C channels.
template <class U>
struct Given {
  const U* du;
  int C, P;
  __device__ __forceinline__ Given(const U* all, int C, int P)
      : du(all + static_cast<long long>(blockIdx.y) * C * pitch<U>(P)), C(C), P(P) {}
  __device__ __forceinline__ void first(float (&d)[4], const Place& at, int c) const {
    load4(d, du + static_cast<long long>(c) * pitch<U>(P), at.p, c < C ? P : 0, at.wide);
  }
  __device__ __forceinline__ void again(float (&d)[4], const Place& at, int c) const {
    load4(d, du + static_cast<long long>(c) * pitch<U>(P), at.p, P, at.wide);
  }
};

// Convolved is du = wᵀ·dz; a thread keeps its numbers in shared memory.
constexpr int most_channels = 96;
struct Convolved {
  const float *w, *dz;
  float* kept;
  int C, O, P;
  __device__ __forceinline__ Convolved(const float* w, const float* all, float (&tile)[most_channels][pixels], int C, int O, int P)
      : w(w), dz(all + static_cast<long long>(blockIdx.y) * O * P), kept(&tile[0][threadIdx.x % 8 * 4]), C(C), O(O), P(P) {}
  __device__ __forceinline__ void first(float (&d)[4], const Place& at, int c) const {
#pragma unroll
    for (int k = 0; k < 4; k++) d[k] = 0.f;
    if (c >= C) return;
#pragma unroll 4
    for (int o = 0; o < O; o++) {
      float v[4];
      load4(v, dz + static_cast<long long>(o) * P, at.p, P, at.wide);
      const float factor = w[o * C + c];
#pragma unroll
      for (int k = 0; k < 4; k++) d[k] += factor * v[k];
    }
    *reinterpret_cast<float4*>(kept + c * pixels) = make_float4(d[0], d[1], d[2], d[3]);
  }
  __device__ __forceinline__ void again(float (&d)[4], const Place&, int c) const {
    const float4 v = *reinterpret_cast<const float4*>(kept + c * pixels);
    d[0] = v.x, d[1] = v.y, d[2] = v.z, d[3] = v.w;
  }
};

// gradient is layer_norm_grad with a Given or a Convolved.
template <class Du>
__device__ __forceinline__ void gradient(float* dx, float* partial, const Du& du, const float* residual, const float* x,
                                         const float* stats, const float* weight, int C, int P, bool add) {
  const Place at(P);
  const long long sample = static_cast<long long>(blockIdx.y) * C * P;
  const int block = blockIdx.y * gridDim.x + blockIdx.x, blocks = gridDim.x * gridDim.y;
  float mean[4], scale[4], d[4], v[4], g[4] = {}, gx[4] = {};
  load4(mean, stats + static_cast<long long>(blockIdx.y) * 2 * P, at.p, P, at.wide);
  load4(scale, stats + (static_cast<long long>(blockIdx.y) * 2 + 1) * P, at.p, P, at.wide);
  for (int c0 = 0; c0 < C; c0 += rows) {  // the same loop in all lanes, for sum_pixels
    const int c = c0 + at.row, n = c < C ? P : 0;
    const long long plane = sample + static_cast<long long>(c) * P;
    du.first(d, at, c);
    load4(v, x + plane, at.p, n, at.wide);
    const float w = c < C ? weight[c] : 0.f;
    float along = 0.f, sum = 0.f;
#pragma unroll
    for (int k = 0; k < 4; k++) {
      const float hat = d[k] * ((v[k] - mean[k]) * scale[k]);
      along += hat, sum += d[k];
      g[k] += w * d[k], gx[k] += w * hat;
    }
    if (!partial) continue;
    along = sum_pixels(along), sum = sum_pixels(sum);
    if (threadIdx.x % 8 || c >= C) continue;
    partial[static_cast<long long>(c) * blocks + block] = along;
    partial[static_cast<long long>(C + c) * blocks + block] = sum;
  }
  if (!dx) return;
  sum_rows(g);
  sum_rows(gx);
  const float share = 1.f / C;
#pragma unroll
  for (int k = 0; k < 4; k++) g[k] *= share, gx[k] *= share;
  for (int c = at.row; c < C; c += rows) {
    const long long plane = sample + static_cast<long long>(c) * P;
    const float w = weight[c];
    du.again(d, at, c);
    load4(v, x + plane, at.p, P, at.wide);
#pragma unroll
    for (int k = 0; k < 4; k++) v[k] = (w * d[k] - g[k] - (v[k] - mean[k]) * scale[k] * gx[k]) * scale[k];
    if (residual) {
      load4(d, residual + plane, at.p, P, at.wide);
#pragma unroll
      for (int k = 0; k < 4; k++) v[k] += d[k];
    }
    load4(d, dx + plane, at.p, add ? P : 0, at.wide);
#pragma unroll
    for (int k = 0; k < 4; k++) d[k] += v[k];
    store4(dx + plane, d, at.p, P, at.wide);
  }
}

// layer_norm_grad: partial [2,C,blocks] gets each block's sums of du x̂ and of du.
// dx, residual and partial may be absent. Without `add`, dx is overwritten. The du of
// layer_norm_grad_packed is Bf16.
#define LAYER_NORM_GRAD(suffix, U)                                                                                     \
  extern "C" __global__ void __launch_bounds__(threads, 4)                                                             \
      layer_norm_grad##suffix(float* __restrict__ dx, float* __restrict__ partial, const U* __restrict__ du,           \
                              const float* __restrict__ residual, const float* __restrict__ x,                         \
                              const float* __restrict__ stats, const float* __restrict__ weight, int C, int P,         \
                              int add) {                                                                               \
    gradient(dx, partial, Given<U>(du, C, P), residual, x, stats, weight, C, P, add);                                  \
  }
LAYER_NORM_GRAD(, float)
LAYER_NORM_GRAD(_packed, Bf16)

// layer_norm_conv1x1_grad is layer_norm_grad of du = wᵀ·dz, w [O,C], for at most 96 channels.
extern "C" __global__ void __launch_bounds__(threads, 4)
    layer_norm_conv1x1_grad(float* __restrict__ dx, float* __restrict__ partial, const float* __restrict__ dz,
                            const float* __restrict__ w, int O, const float* __restrict__ x, const float* __restrict__ stats,
                            const float* __restrict__ weight, int C, int P, int add) {
  __shared__ __align__(16) float kept[most_channels][pixels];
  gradient(dx, partial, Convolved(w, dz, kept, C, O, P), nullptr, x, stats, weight, C, P, add);
}

// layer_norm_fold: folded = w ⊙ weight and folded_bias = w·bias, one warp for each of w's O
// rows. 8 bytes and 3 operations per number of w.
extern "C" __global__ void __launch_bounds__(threads)
    layer_norm_fold(float* __restrict__ folded, float* __restrict__ folded_bias, const float* __restrict__ w,
                    const float* __restrict__ weight, const float* __restrict__ bias, int O, int C) {
  const int o = blockIdx.x * (threads / 32) + threadIdx.x / 32;
  if (o >= O) return;
  float sum = 0.f;
  for (int c = threadIdx.x % 32; c < C; c += 32) {
    const float v = w[o * C + c];
    folded[o * C + c] = v * weight[c];
    sum += v * bias[c];
  }
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) folded_bias[o] = sum;
}
