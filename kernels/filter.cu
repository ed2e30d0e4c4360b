// The rest of FSB: batch norm of the taps' logits, the dynamic filter, and the
// gate of Eq. 15.
//
// batch_norm_*: x [B,N], statistics over B with eps 1e-5; one thread per column. N is
// the taps of all groups, B a batch: bound by the launch.
// dynamic_filter_*: x, low, high [B,C,H,W], taps f [B,G,k²]; Eqs. 12 and 13.
// sigmoid_gate_*: n numbers, 4 per thread, bound by memory.
// Threads a multiprocessor, at least: 2048, dynamic_filter_dx 1024, dynamic_filter_df
// 1440, sigmoid_gate_grad 1536.
#include "common.cuh"

constexpr int threads = 256, column_threads = 128;
constexpr float norm_eps = 1e-5f;

// ---- batch norm

// Column is the mean and the biased variance of column n, about the mean.
struct Column {
  float mean, variance;
  __device__ __forceinline__ Column(const float* x, int n, int B, int N) : mean(0.f), variance(0.f) {
    for (int b = 0; b < B; b++) mean += x[b * N + n];
    mean /= static_cast<float>(B);
    for (int b = 0; b < B; b++) variance += (x[b * N + n] - mean) * (x[b * N + n] - mean);
    variance /= static_cast<float>(B);
  }
  __device__ __forceinline__ float scale() const { return 1.f / sqrtf(variance + norm_eps); }
};

// batch_norm_fwd: y = weight (x − mean)/√(var + eps) + bias; the running mean and
// (unbiased) variance move by momentum. 12 bytes, 8 operations a number.
extern "C" __global__ void __launch_bounds__(column_threads)
    batch_norm_fwd(float* __restrict__ y, float* __restrict__ mean, float* __restrict__ variance,
                   const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias, int B,
                   int N, float momentum) {
  const int n = blockIdx.x * column_threads + threadIdx.x;
  if (n >= N) return;
  const Column c(x, n, B, N);
  const float scale = weight[n] * c.scale();
  for (int b = 0; b < B; b++) y[b * N + n] = (x[b * N + n] - c.mean) * scale + bias[n];
  if (momentum == 0.f) return;
  const float unbiased = c.variance * (static_cast<float>(B) / static_cast<float>(B - 1));
  mean[n] = (1.f - momentum) * mean[n] + momentum * c.mean;
  variance[n] = (1.f - momentum) * variance[n] + momentum * unbiased;
}

// batch_norm_grad: with g = weight dy, dx += (g − mean(g) − x̂ mean(g x̂))/√(var + eps);
// dweight += Σ_b dy x̂, dbias += Σ_b dy. Each may be left out. 24 bytes, 18 operations a number.
extern "C" __global__ void __launch_bounds__(column_threads)
    batch_norm_grad(float* __restrict__ dx, float* __restrict__ dweight, float* __restrict__ dbias,
                    const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ weight, int B,
                    int N) {
  const int n = blockIdx.x * column_threads + threadIdx.x;
  if (n >= N) return;
  const Column c(x, n, B, N);
  const float scale = c.scale(), share = weight[n] / static_cast<float>(B);
  float sum = 0.f, along = 0.f;
  for (int b = 0; b < B; b++) {
    sum += dy[b * N + n];
    along += dy[b * N + n] * (x[b * N + n] - c.mean) * scale;
  }
  if (dweight) dweight[n] += along;
  if (dbias) dbias[n] += sum;
  if (!dx) return;
  for (int b = 0; b < B; b++)
    dx[b * N + n] += (weight[n] * dy[b * N + n] - share * sum - (x[b * N + n] - c.mean) * scale * share * along) * scale;
}

// batch_norm_infer: y = weight (x − mean)/√(variance + eps) + bias with the running
// statistics, a thread a number.
extern "C" __global__ void __launch_bounds__(column_threads)
    batch_norm_infer(float* __restrict__ y, const float* __restrict__ x, const float* __restrict__ weight,
                     const float* __restrict__ bias, const float* __restrict__ mean, const float* __restrict__ variance,
                     int B, int N) {
  const int i = blockIdx.x * column_threads + threadIdx.x, n = i % N;
  if (i < B * N) y[i] = weight[n] * (x[i] - mean[n]) / sqrtf(variance[n] + norm_eps) + bias[n];
}

// ---- dynamic filter

// Patch locates a thread's 4 numbers: row i, columns j to j + 3 of a plane.
// Block (x, y, z): 1024 numbers of plane y + 65535·z of the B·C.
struct Patch {
  bool any, wide;
  int plane, i, j;
  long long start, row;  // where the plane starts, and its row
  __device__ __forceinline__ Patch(int planes, int H, int W) {
    const int across = (W + 3) / 4, at = blockIdx.x * threads + threadIdx.x;
    plane = blockIdx.y + 65535 * blockIdx.z;
    i = at / across;
    j = at % across * 4;
    any = plane < planes && i < H;
    wide = W % 4 == 0;
    start = static_cast<long long>(plane) * H * W;
    row = start + static_cast<long long>(i) * W;
  }
};

// reflect folds i into 0..n−1 without repeating the edge. Further out than the filter
// reaches, the result is an arbitrary index inside, which is not used.
__device__ __forceinline__ int reflect(int i, int n) {
  i = abs(i);
  return max(i >= n ? 2 * (n - 1) - i : i, 0);
}

// correlate: sum_q += Σ_uv tap(u, v) x(i + u − K/2, j + q + v − K/2) for q = 0..3,
// with 4 + K − 1 reads of x per row. FLIP reverses the taps, which gives the transpose.
template <bool FLIP, class X>
__device__ __forceinline__ void correlate(float (&sum)[4], const float* taps, int K, int i, int j, X x) {
  const int r = K / 2;
  for (int u = 0; u < K; u++) {
    const int y = i + u - r;
    float v[4] = {x(y, j - r), x(y, j + 1 - r), x(y, j + 2 - r), 0.f};
    for (int t = 0; t < K; t++) {
      v[3] = x(y, j + 3 + t - r);
      const float tap = taps[FLIP ? K * K - 1 - (u * K + t) : u * K + t];
#pragma unroll
      for (int q = 0; q < 4; q++) sum[q] += tap * v[q];
      v[0] = v[1], v[1] = v[2], v[2] = v[3];
    }
  }
}

// taps_of returns the taps of a plane: those of its sample and of its group of channels.
__device__ __forceinline__ const float* taps_of(const float* f, int plane, int C, int G, int K) {
  return f + (plane / C * G + plane % C / (C / G)) * K * K;
}

// dynamic_filter_fwd: low = the taps over x, reflected at its edges, high = x − low.
// 12 bytes and 2k² + 1 operations a number; neighbours come from L1. Bound by memory.
extern "C" __global__ void __launch_bounds__(threads)
    dynamic_filter_fwd(float* __restrict__ low, float* __restrict__ high, const float* __restrict__ x,
                       const float* __restrict__ f, int B, int C, int H, int W, int G, int K) {
  const Patch p(B * C, H, W);
  if (!p.any) return;
  const float* plane = x + p.start;
  float sum[4] = {}, v[4];
  correlate<false>(sum, taps_of(f, p.plane, C, G, K), K, p.i, p.j,
                   [&](int y, int c) { return plane[reflect(y, H) * W + reflect(c, W)]; });
  load4(v, x + p.row, p.j, W, p.wide);
#pragma unroll
  for (int k = 0; k < 4; k++) v[k] -= sum[k];
  store4(low + p.row, sum, p.j, W, p.wide);
  store4(high + p.row, v, p.j, W, p.wide);
}

// Difference is g = dlow − dhigh in a plane, 0 outside.
struct Difference {
  const float *low, *high;
  int H, W;
  __device__ __forceinline__ float operator()(int y, int c) const {
    return y >= 0 && y < H && c >= 0 && c < W ? low[y * W + c] - high[y * W + c] : 0.f;
  }
};

// image returns the a-th position whose reflection at the edges is i, in a frame r wide: i
// itself, and positions beyond one edge or the other. −r − 1 means none.
__device__ __forceinline__ int image(int i, int a, int n, int r) {
  if (a == 0) return i;
  const int to = a == 1 ? -i : 2 * (n - 1) - i;
  return a == 1 ? (i > 0 && i <= r ? to : -r - 1) : (i < n - 1 && to < n + r ? to : -r - 1);
}

// reflected returns what a pixel receives through its images beyond the edges.
__device__ __forceinline__ float reflected(const float* taps, int K, int i, int j, const Difference& g) {
  const int r = K / 2;
  float sum = 0.f;
  for (int a = 1; a < 9; a++) {
    const int y = image(i, a / 3, g.H, r), c = image(j, a % 3, g.W, r);
    if (y < -r || c < -r) continue;
    for (int t = 0; t < K * K; t++) sum += taps[K * K - 1 - t] * g(y + t / K - r, c + t % K - r);
  }
  return sum;
}

// dynamic_filter_dx: with g = dlow − dhigh, 0 outside, dx += dhigh + the reversed taps
// over g, at the pixel and at its images. 20 bytes and 3k² operations per number; bound by
// memory, except in a frame of k/2 pixels.
extern "C" __global__ void __launch_bounds__(threads, 4)
    dynamic_filter_dx(float* __restrict__ dx, const float* __restrict__ dlow, const float* __restrict__ dhigh,
                      const float* __restrict__ f, int B, int C, int H, int W, int G, int K) {
  const Patch p(B * C, H, W);
  if (!p.any) return;
  const float* taps = taps_of(f, p.plane, C, G, K);
  const Difference g = {dlow + p.start, dhigh + p.start, H, W};
  const int r = K / 2;
  float sum[4];
  load4(sum, dhigh + p.row, p.j, W, p.wide);
  correlate<true>(sum, taps, K, p.i, p.j, g);
  if (p.i <= r || p.i >= H - 1 - r || p.j <= r || p.j + 3 >= W - 1 - r) {
#pragma unroll
    for (int k = 0; k < 4; k++)
      if (p.j + k < W) sum[k] += reflected(taps, K, p.i, p.j + k, g);
  }
  add4(dx + p.row, sum, p.j, W, p.wide);
}

// dynamic_filter_df: partial[(b G + g) K² + t][blockIdx.x] = Σ (dlow − dhigh) x at tap t
// over 32 rows of one plane of group y = b G + g; their sum, by rows_sum, is df. Each of 9
// warps computes a tap: the rows are read from memory once, and from L1 by the other
// warps. 12 bytes and 3k² operations per number; bound by L1.
constexpr int df_threads = 288, df_rows = 32;
extern "C" __global__ void __launch_bounds__(df_threads)
    dynamic_filter_df(float* __restrict__ partial, const float* __restrict__ dlow, const float* __restrict__ dhigh,
                      const float* __restrict__ x, int C, int H, int W, int G, int K) {
  const int r = K / 2, across = (W + 3) / 4, slices = (H + df_rows - 1) / df_rows;
  const int b = blockIdx.y / G, c = blockIdx.y % G * (C / G) + blockIdx.x / slices;
  const int i0 = blockIdx.x % slices * df_rows, end = min(df_rows, H - i0) * across;
  const long long plane = (static_cast<long long>(b) * C + c) * H * W;
  for (int t = threadIdx.x / 32; t < K * K; t += df_threads / 32) {
    float sum = 0.f;
    for (int n = threadIdx.x % 32; n < end; n += 32) {
      const int i = i0 + n / across, j = n % across * 4;
      const long long row = plane + static_cast<long long>(i) * W, from = plane + reflect(i + t / K - r, H) * W;
      float u[4], v[4];
      load4(u, dlow + row, j, W, W % 4 == 0);
      load4(v, dhigh + row, j, W, W % 4 == 0);
#pragma unroll
      for (int k = 0; k < 4; k++) sum += (u[k] - v[k]) * x[from + reflect(j + k + t % K - r, W)];
    }
    sum = warp_sum(sum);
    if (threadIdx.x % 32 == 0) partial[(static_cast<long long>(blockIdx.y) * K * K + t) * gridDim.x + blockIdx.x] = sum;
  }
}

// ---- gate

__device__ __forceinline__ float sigmoid(float v) { return 1.f / (1.f + expf(-v)); }

// sigmoid_gate_fwd: y = σ(g) x. 12 bytes, 5 operations a number.
extern "C" __global__ void __launch_bounds__(threads)
    sigmoid_gate_fwd(float* __restrict__ y, const float* __restrict__ g, const float* __restrict__ x, long long n) {
  const long long i = 4 * (static_cast<long long>(blockIdx.x) * threads + threadIdx.x);
  float u[4], v[4];
  load4(u, g, i, n);
  load4(v, x, i, n);
#pragma unroll
  for (int k = 0; k < 4; k++) v[k] *= sigmoid(u[k]);
  store4(y, v, i, n);
}

// sigmoid_gate_grad: dg += σ(1 − σ) x dy, dx += σ dy; either may be left out, and without
// `add` they are overwritten. 28 bytes, 12 operations a number.
extern "C" __global__ void __launch_bounds__(threads)
    sigmoid_gate_grad(float* __restrict__ dg, float* __restrict__ dx, const float* __restrict__ dy,
                      const float* __restrict__ g, const float* __restrict__ x, long long n, int add) {
  const long long i = 4 * (static_cast<long long>(blockIdx.x) * threads + threadIdx.x);
  float d[4], u[4], v[4];
  load4(d, dy, i, n);
  load4(u, g, i, n);
  load4(v, x, i, n);
#pragma unroll
  for (int k = 0; k < 4; k++) {
    const float s = sigmoid(u[k]);
    v[k] *= s * (1.f - s) * d[k];
    u[k] = s * d[k];
  }
  if (dg) put4(dg, v, i, n, true, add);
  if (dx) put4(dx, u, i, n, true, add);
}
