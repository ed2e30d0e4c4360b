// Operations over all parameters, one launch for a thousand tensors: a table in device
// memory has their addresses, and a block of 256 threads handles 4096 numbers of one of
// them.
//
//   adam        m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g²,
//               p −= lr · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + eps)     28 bytes, 13 operations
//   clip_norm   g *= min(1, limit/‖all g‖₂)                      4 + 8 bytes, 3 operations
//   clear       x = 0                                            4 bytes
//   average     y += a (x − y)                                   12 bytes, 3 operations
//
// Bound by memory.
// Threads a multiprocessor, at least: 2048, adam_fwd 1280.
#include "common.cuh"

constexpr int threads = 256, per_block = 4096;

// Part is a line of the table, 8 words of 8 bytes: the number of its first block, the
// size, and the addresses of the tensors that belong together.
struct Part {
  long long first, n;
  float* t[6];
};

// Piece is the range of a block's numbers, from `start` to `end` of a part's tensors. The
// part is the last that begins at or before the block.
struct Piece {
  int part;
  long long start, end;
  __device__ __forceinline__ Piece(const Part* parts, int count) : part(0) {
    int high = count;
    while (high - part > 1) {
      const int middle = (part + high) / 2;
      if (parts[middle].first <= blockIdx.x) part = middle;
      else high = middle;
    }
    start = (blockIdx.x - parts[part].first) * per_block;
    end = min(start + per_block, parts[part].n);
  }
};

// adam_fwd: t is {param, grad, m, v, step, reached}; the last is null or a count of
// samples: if that is 0 the parameter does not change. step is the number of updates
// before this one; the last block to read it increments it, found by counting in done
// [count], which starts at 0. log1 and log2 are the logarithms of the betas:
// 1 − β^t = −expm1(t log β) stays precise for small t and β near 1.
extern "C" __global__ void __launch_bounds__(threads)
    adam_fwd(const Part* __restrict__ parts, unsigned* done, int count, float lr, float beta1, float rest1,
             float beta2, float rest2, float log1, float log2, float eps) {
  const Piece piece(parts, count);
  const Part& p = parts[piece.part];
  if (p.t[5] && p.t[5][0] == 0.f) return;
  __shared__ float steps;
  if (threadIdx.x == 0) {
    steps = p.t[4][0] + 1.f;
    __threadfence();
    const unsigned blocks = static_cast<unsigned>((p.n + per_block - 1) / per_block);
    if (atomicAdd(done + piece.part, 1u) == blocks - 1) {
      __threadfence();
      p.t[4][0] = steps;
    }
  }
  __syncthreads();
  const float rate = -lr / expm1f(steps * log1), root = 1.f / sqrtf(-expm1f(steps * log2));
  float *param = in_global(p.t[0]), *grad = in_global(p.t[1]), *first = in_global(p.t[2]), *second = in_global(p.t[3]);
  for (long long i = piece.start + 4 * threadIdx.x; i < piece.end; i += 4 * threads) {
    float w[4], g[4], m[4], v[4];
    load4(w, param, i, p.n);
    load4(g, grad, i, p.n);
    load4(m, first, i, p.n);
    load4(v, second, i, p.n);
#pragma unroll
    for (int k = 0; k < 4; k++) {
      m[k] = beta1 * m[k] + rest1 * g[k];
      v[k] = beta2 * v[k] + rest2 * g[k] * g[k];
      w[k] -= rate * m[k] / (sqrtf(v[k]) * root + eps);
    }
    store4(param, w, i, p.n);
    store4(first, m, i, p.n);
    store4(second, v, i, p.n);
  }
}

// norm_parts: partial_b = Σ g² over the numbers of block b.
extern "C" __global__ void __launch_bounds__(threads)
    norm_parts(float* __restrict__ partial, const Part* __restrict__ parts, int count) {
  const Piece piece(parts, count);
  const long long n = parts[piece.part].n;
  float* y = in_global(parts[piece.part].t[0]);
  float sum = 0.f;
  for (long long i = piece.start + 4 * threadIdx.x; i < piece.end; i += 4 * threads) {
    float v[4];
    load4(v, y, i, n);
    sum += v[0] * v[0] + v[1] * v[1] + v[2] * v[2] + v[3] * v[3];
  }
  sum = block_sum<threads>(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// clip_scale: scale = limit/√Σ partial if that is below 1, else 1; one block. A NaN norm
// gives a NaN scale.
extern "C" __global__ void __launch_bounds__(threads)
    clip_scale(float* __restrict__ scale, const float* __restrict__ partial, int n, float limit) {
  float sum = 0.f;
  for (int i = threadIdx.x; i < n; i += threads) sum += partial[i];
  sum = sqrtf(block_sum<threads>(sum));
  if (threadIdx.x == 0) scale[0] = sum <= limit ? 1.f : limit / sum;
}

// clip_fwd: g *= scale. If that is 1, it reads nothing.
extern "C" __global__ void __launch_bounds__(threads)
    clip_fwd(const Part* __restrict__ parts, int count, const float* __restrict__ scale) {
  const float s = scale[0];
  if (s == 1.f) return;
  const Piece piece(parts, count);
  const long long n = parts[piece.part].n;
  float* y = in_global(parts[piece.part].t[0]);
  for (long long i = piece.start + 4 * threadIdx.x; i < piece.end; i += 4 * threads) {
    float v[4];
    load4(v, y, i, n);
#pragma unroll
    for (int k = 0; k < 4; k++) v[k] *= s;
    store4(y, v, i, n);
  }
}

// clear_fwd: t is {x}.
extern "C" __global__ void __launch_bounds__(threads) clear_fwd(const Part* __restrict__ parts, int count) {
  const Piece piece(parts, count);
  const long long n = parts[piece.part].n;
  float* x = in_global(parts[piece.part].t[0]);
  const float zeros[4] = {};
  for (long long i = piece.start + 4 * threadIdx.x; i < piece.end; i += 4 * threads) store4(x, zeros, i, n);
}

// average_fwd: t is {y, x}.
extern "C" __global__ void __launch_bounds__(threads)
    average_fwd(const Part* __restrict__ parts, int count, float a) {
  const Piece piece(parts, count);
  const long long n = parts[piece.part].n;
  float* y = in_global(parts[piece.part].t[0]);
  const float* x = in_global(parts[piece.part].t[1]);
  for (long long i = piece.start + 4 * threadIdx.x; i < piece.end; i += 4 * threads) {
    float u[4], v[4];
    load4(u, y, i, n);
    load4(v, x, i, n);
#pragma unroll
    for (int k = 0; k < 4; k++) u[k] += a * (v[k] - u[k]);
    store4(y, u, i, n);
  }
}
