// The terms of the objective other than MS-SSIM, each one number y.
//
//   l1              y = Σ h(|x − t|) / n,  h(e) = e²/2β for e < β, e − β/2 elsewhere
//   orthogonality   y = Σ_nm gap_nm² / N²,  gap = P̂P̂ᵀ − I,  P̂ the rows of p [N,D] divided
//                   by their lengths, at least 1e-12
//
// l1 is summed in two steps of fixed order: blocks of 4096 numbers, then their sums. 8
// bytes and 7 operations per number, bound by memory; its gradient has 16 bytes and 7
// operations. N is a few clusters: orthogonality is bound by its launch.
// Threads a multiprocessor, at least: 2048, orthogonality_* 1536.
#include "common.cuh"

constexpr int threads = 256;
constexpr float shortest = 1e-12f;

// l1_parts: partial_b = Σ h(|x − t|) over the 4096 numbers of block b.
extern "C" __global__ void __launch_bounds__(threads)
    l1_parts(float* __restrict__ partial, const float* __restrict__ x, const float* __restrict__ t, long long n,
             float beta) {
  const float curve = .5f / beta;  // not used if β = 0
  float sum = 0.f;
#pragma unroll
  for (int part = 0; part < 4; part++) {
    const long long i = 4096ll * blockIdx.x + 1024 * part + 4 * threadIdx.x;
    float u[4], v[4];
    load4(u, x, i, n);
    load4(v, t, i, n);
#pragma unroll
    for (int k = 0; k < 4; k++) {
      const float e = fabsf(u[k] - v[k]);
      sum += e < beta ? e * e * curve : e - .5f * beta;  // 0 past n, where e is 0
    }
  }
  sum = block_sum<threads>(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// mean_of: y = Σ partial / n, one block.
extern "C" __global__ void __launch_bounds__(threads)
    mean_of(float* __restrict__ y, const float* __restrict__ partial, int parts, long long n) {
  float sum = 0.f;
  for (int i = threadIdx.x; i < parts; i += threads) sum += partial[i];
  sum = block_sum<threads>(sum);
  if (threadIdx.x == 0) y[0] = sum / static_cast<float>(n);
}

// l1_grad: dx += dy s / n, where s is (x − t)/β within ±β, else sign(x − t); sign(0) = 0.
extern "C" __global__ void __launch_bounds__(threads)
    l1_grad(float* __restrict__ dx, const float* __restrict__ dy, const float* __restrict__ x,
            const float* __restrict__ t, long long n, float beta) {
  const long long i = 4 * (static_cast<long long>(blockIdx.x) * threads + threadIdx.x);
  const float g = dy[0] / static_cast<float>(n), slope = g / beta;
  float u[4], v[4];
  load4(u, x, i, n);
  load4(v, t, i, n);
#pragma unroll
  for (int k = 0; k < 4; k++) {
    const float e = u[k] - v[k];
    v[k] = fabsf(e) < beta ? e * slope : e > 0.f ? g : e < 0.f ? -g : 0.f;
  }
  add4(dx, v, i, n);
}

// dots computes p_n·p_m for all m into `dot`, and |p_m| into `length`: one warp per m.
__device__ __forceinline__ void dots(float* dot, float* length, const float* p, int n, int N, int D) {
  const int lane = threadIdx.x % 32;
  for (int m = threadIdx.x / 32; m < N; m += threads / 32) {
    float along = 0.f, square = 0.f;
    for (int d = lane; d < D; d += 32) {
      const float v = p[m * D + d];
      along += p[n * D + d] * v;
      square += v * v;
    }
    along = warp_sum(along);
    square = warp_sum(square);
    if (lane == 0) dot[m] = along, length[m] = fmaxf(sqrtf(square), shortest);
  }
  __syncthreads();
}

// orthogonality_fwd: one block. 2·N floats of shared memory.
extern "C" __global__ void __launch_bounds__(threads)
    orthogonality_fwd(float* __restrict__ y, const float* __restrict__ p, int N, int D) {
  DYN_SHARED(float, dot);
  float *length = dot + N, sum = 0.f;
  for (int n = 0; n < N; n++) {
    dots(dot, length, p, n, N, D);
    for (int m = threadIdx.x; m < N; m += threads) {
      const float gap = dot[m] / (length[n] * length[m]) - (m == n ? 1.f : 0.f);
      sum += gap * gap;
    }
    __syncthreads();
  }
  sum = block_sum<threads>(sum);
  if (threadIdx.x == 0) y[0] = sum / static_cast<float>(N * N);
}

// orthogonality_grad: dP̂ = 4 dy/N² gap P̂, and through the normalisation
// dp_n += (dP̂_n − P̂_n (P̂_n·dP̂_n)) / |p_n|, where P̂_n·dP̂_n = 4 dy/N² Σ_m gap_nm P̂_n·P̂_m;
// a row shorter than the minimum length has a constant one, without the second term.
// Block n handles row n. 2·N floats of shared memory.
extern "C" __global__ void __launch_bounds__(threads)
    orthogonality_grad(float* __restrict__ dp, const float* __restrict__ dy, const float* __restrict__ p, int N, int D) {
  DYN_SHARED(float, weight);
  float *length = weight + N, along = 0.f;
  const int n = blockIdx.x;
  const float scale = 4.f * dy[0] / static_cast<float>(N * N);
  dots(weight, length, p, n, N, D);
  for (int m = threadIdx.x; m < N; m += threads) {
    const float cosine = weight[m] / (length[n] * length[m]), gap = cosine - (m == n ? 1.f : 0.f);
    along += scale * gap * cosine;
    weight[m] = scale * gap / length[m];
  }
  along = block_sum<threads>(along);
  const float own = length[n], back = own > shortest ? along / own : 0.f;
  for (int d = threadIdx.x; d < D; d += threads) {
    float sum = -back * p[n * D + d];
#pragma unroll 1  // unrolled, it would preload weights past the end of shared memory
    for (int m = 0; m < N; m++) sum += weight[m] * p[m * D + d];
    dp[n * D + d] += sum / own;
  }
}
