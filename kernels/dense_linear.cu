// Small matrix products of the router, the frequency branch and the prompts, in float32
// at every precision: together they take less than a thousandth of a training step.
//
//   linear   y_ro = bias_o + Σ_k w_ok x_rk    x [R,K], w [O,K], y [R,O]
//   mix      y_r = Σ_l a_rl c_l               a [R,L], c [L,n], y [R,n]
//
// The gradients of linear, dx = dy w and dw = dyᵀ x, are mixtures too.
// R is a batch or its tokens, K and O some hundreds, L a few, n up to a million.
// A thread or warp computes 4 rows of R at once, so that w and c are read from memory
// once per 4 rows.
// linear: 4·K·O bytes and 2·R·K·O operations, bound by the launch itself. mix: 4 (L + R) n
// bytes and 2·R·L·n operations, bound by memory.
// Threads a multiprocessor, at least: 2048, linear_fwd 1536, mix_fwd 1536, mix_grad
// 1536.
#include "common.cuh"

constexpr int threads = 128, long_threads = 256;
constexpr int rows = 4;  // of R at once

// linear_fwd: a warp computes output o of 4 rows. Block (x, y): outputs from 4x, rows
// from 4y.
extern "C" __global__ void __launch_bounds__(threads)
    linear_fwd(float* __restrict__ y, const float* __restrict__ x, const float* __restrict__ w,
               const float* __restrict__ bias, int R, int K, int O) {
  const int lane = threadIdx.x % 32, o = blockIdx.x * (threads / 32) + threadIdx.x / 32, r0 = blockIdx.y * rows;
  if (o >= O) return;
  float sum[rows] = {};
  for (int k = 4 * lane; k < K; k += 128) {
    float u[4], v[4];
    load4(u, w + static_cast<size_t>(o) * K, k, K, K % 4 == 0);
#pragma unroll
    for (int i = 0; i < rows; i++) {
      if (r0 + i >= R) continue;
      load4(v, x + static_cast<size_t>(r0 + i) * K, k, K, K % 4 == 0);
      sum[i] += u[0] * v[0] + u[1] * v[1] + u[2] * v[2] + u[3] * v[3];
    }
  }
#pragma unroll
  for (int i = 0; i < rows; i++) {
    sum[i] = warp_sum(sum[i]);
    if (lane == i && r0 + i < R) y[static_cast<size_t>(r0 + i) * O + o] = sum[i] + (bias ? bias[o] : 0.f);
  }
}

// mix: y_r = (or +=) Σ_l a[r·row + l·column] c_l. A thread computes 4 numbers of 4 rows;
// block (x, y): numbers from 1024x, rows from 4y.
template <bool ADD>
__device__ __forceinline__ void mix(float* y, const float* a, const float* c, int R, int L, int row, int column,
                                      long long n) {
  const long long i = 4 * (static_cast<long long>(blockIdx.x) * long_threads + threadIdx.x);
  const int r0 = blockIdx.y * rows;
  const bool wide = n % 4 == 0;
  float sum[rows][4] = {}, v[4];
  for (int l = 0; l < L; l++) {
    load4(v, c + l * n, i, n, wide);
#pragma unroll
    for (int q = 0; q < rows; q++) {
      const float s = r0 + q < R ? a[(r0 + q) * row + l * column] : 0.f;
#pragma unroll
      for (int k = 0; k < 4; k++) sum[q][k] += s * v[k];
    }
  }
#pragma unroll
  for (int q = 0; q < rows; q++) {
    if (r0 + q >= R) continue;
    put4(y + (r0 + q) * n, sum[q], i, n, wide, ADD);
  }
}

extern "C" __global__ void __launch_bounds__(long_threads)
    mix_fwd(float* __restrict__ y, const float* __restrict__ a, const float* __restrict__ c, int R, int L, long long n) {
  mix<false>(y, a, c, R, L, L, 1, n);
}
// mix_grad adds to dx what mix computes: the gradients of c, and of linear's x and w.
extern "C" __global__ void __launch_bounds__(long_threads)
    mix_grad(float* __restrict__ dx, const float* __restrict__ a, const float* __restrict__ c, int R, int L, int row,
             int column, long long n) {
  mix<true>(dx, a, c, R, L, row, column, n);
}

// mix_dots: partial[r L + l][b] = dy_r·c_l over the 1024 numbers of block b of row
// r = blockIdx.y; their sum, by rows_sum, is da_rl.
extern "C" __global__ void __launch_bounds__(long_threads)
    mix_dots(float* __restrict__ partial, const float* __restrict__ dy, const float* __restrict__ c, int L, long long n) {
  const long long i = 4 * (static_cast<long long>(blockIdx.x) * long_threads + threadIdx.x);
  float u[4], v[4];
  load4(u, dy + blockIdx.y * n, i, n, n % 4 == 0);
  for (int l = 0; l < L; l++) {
    load4(v, c + l * n, i, n, n % 4 == 0);
    const float sum = block_sum<long_threads>(u[0] * v[0] + u[1] * v[1] + u[2] * v[2] + u[3] * v[3]);
    if (threadIdx.x == 0) partial[(static_cast<long long>(blockIdx.y) * L + l) * gridDim.x + blockIdx.x] = sum;
  }
}
