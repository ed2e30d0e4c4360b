// Operations on the rows of [R,K], K the last axis, and on rows of any length.
//
// Mapping: normalize_*, topk_softmax_fwd and softmax_grad use one warp per row and 4 rows
// per block; K is at most some thousands (a stage's width, clusters, experts, taps).
// scale_rows_* use several blocks per row, for long rows.
// Bound by memory; for the router's few rows by the launch itself.
// Threads a multiprocessor, at least: 2048.
#include "common.cuh"

constexpr int threads = 128;
constexpr int rows_per_block = threads / 32;

// row_of_warp is this warp's row. If there is none, all lanes return.
__device__ __forceinline__ int row_of_warp() { return blockIdx.x * rows_per_block + threadIdx.x / 32; }

// norm returns max(‖x‖₂, 1e-12) of a row.
__device__ __forceinline__ float norm(const float* x, int K) {
  float sum = 0.f;
  for (int k = threadIdx.x % 32; k < K; k += 32) sum += x[k] * x[k];
  return fmaxf(sqrtf(warp_sum(sum)), 1e-12f);
}

// normalize_fwd: y_r = x_r / max(‖x_r‖₂, 1e-12). 8 bytes, 3 operations per number.
extern "C" __global__ void __launch_bounds__(threads)
    normalize_fwd(float* __restrict__ y, const float* __restrict__ x, int R, int K) {
  const int r = row_of_warp();
  if (r >= R) return;
  const float scale = 1.f / norm(x + r * K, K);
  for (int k = threadIdx.x % 32; k < K; k += 32) y[r * K + k] = x[r * K + k] * scale;
}

// normalize_grad: with y = x/‖x‖, dx += (dy − y (y·dy)) / ‖x‖; if the norm is at its lower
// limit, y is linear in x and dx += dy / 1e-12. 16 bytes, 9 operations per number.
extern "C" __global__ void __launch_bounds__(threads)
    normalize_grad(float* __restrict__ dx, const float* __restrict__ dy, const float* __restrict__ x, int R, int K) {
  const int r = row_of_warp();
  if (r >= R) return;
  const float length = norm(x + r * K, K), scale = 1.f / length;
  float along = 0.f;
  for (int k = threadIdx.x % 32; k < K; k += 32) along += x[r * K + k] * scale * dy[r * K + k];
  along = length > 1e-12f ? warp_sum(along) : 0.f;
  for (int k = threadIdx.x % 32; k < K; k += 32)
    dx[r * K + k] += (dy[r * K + k] - x[r * K + k] * scale * along) * scale;
}

// kept reports whether entry k is one of the top largest of a row; of equal
// entries the one with the lower index is the larger.
__device__ __forceinline__ bool kept(const float* x, int K, int k, int top) {
  const float v = x[k];
  int rank = 0;
  for (int j = 0; j < K; j++) rank += x[j] > v || (x[j] == v && j < k);
  return rank < top;
}

// topk_softmax_fwd: y_r = softmax over the top largest entries of x_r, 0
// elsewhere. 8 bytes and 2K operations per number; rows are short and in L1.
extern "C" __global__ void __launch_bounds__(threads)
    topk_softmax_fwd(float* __restrict__ y, const float* __restrict__ x, int R, int K, int top) {
  const int r = row_of_warp();
  if (r >= R) return;
  x += r * K;
  y += r * K;
  float largest = -INFINITY, sum = 0.f;
  for (int k = threadIdx.x % 32; k < K; k += 32) largest = fmaxf(largest, x[k]);
  largest = warp_max(largest);
  for (int k = threadIdx.x % 32; k < K; k += 32) {
    const float e = kept(x, K, k, top) ? expf(x[k] - largest) : 0.f;
    sum += e;
    y[k] = e;
  }
  const float scale = 1.f / warp_sum(sum);
  for (int k = threadIdx.x % 32; k < K; k += 32) y[k] *= scale;
}

// softmax_grad: dx_k += y_k Σ_j y_j (dy_k − dy_j), which equals y_k (dy_k − y·dy) for
// Σ y = 1; but if one entry of y is nearly 1, the latter difference would be its rounding
// error. 16 bytes and 3K operations per number; rows are in L1.
extern "C" __global__ void __launch_bounds__(threads)
    softmax_grad(float* __restrict__ dx, const float* __restrict__ dy, const float* __restrict__ y, int R, int K) {
  const int r = row_of_warp();
  if (r >= R) return;
  dy += r * K;
  y += r * K;
  for (int k = threadIdx.x % 32; k < K; k += 32) {
    float sum = 0.f;
    for (int j = 0; j < K; j++) sum += y[j] * (dy[k] - dy[j]);
    dx[r * K + k] += y[k] * sum;
  }
}

// ---- rows of any length: block (x, y, z) handles 1024 numbers, from `first` on, of row y + 65535·z

constexpr int long_threads = 256;
constexpr int per_block = 4 * long_threads;

struct Row {
  int row;
  bool any, wide;     // the row exists; it starts at a multiple of 16 bytes
  long long n, first; // its length; this thread's first number
  __device__ __forceinline__ Row(int R, long long n) : n(n) {
    row = blockIdx.y + 65535 * blockIdx.z;
    any = row < R;
    wide = n % 4 == 0;
    first = static_cast<long long>(blockIdx.x) * per_block + 4 * threadIdx.x;
  }
};

// scale_rows_fwd: y_r = s_r x_r. 8 bytes, 1 operation per number.
extern "C" __global__ void __launch_bounds__(long_threads)
    scale_rows_fwd(float* __restrict__ y, const float* __restrict__ x, const float* __restrict__ s, int R, long long n) {
  const Row r(R, n);
  if (!r.any) return;
  float v[4];
  load4(v, x + r.row * n, r.first, n, r.wide);
#pragma unroll
  for (int k = 0; k < 4; k++) v[k] *= s[r.row];
  store4(y + r.row * n, v, r.first, n, r.wide);
}

// scale_rows_grad: dx_r += s_r dy_r, if dx is wanted. 12 bytes, 2 operations per number.
extern "C" __global__ void __launch_bounds__(long_threads)
    scale_rows_grad(float* __restrict__ dx, const float* __restrict__ dy, const float* __restrict__ s, int R, long long n) {
  const Row r(R, n);
  if (!r.any) return;
  float v[4];
  load4(v, dy + r.row * n, r.first, n, r.wide);
#pragma unroll
  for (int k = 0; k < 4; k++) v[k] *= s[r.row];
  add4(dx + r.row * n, v, r.first, n, r.wide);
}

// scale_rows_dots: partial[r][b] = x·dy over the numbers of block b of row r; their
// sum, by rows_sum, is ds_r. 8 bytes, 2 operations per number.
extern "C" __global__ void __launch_bounds__(long_threads)
    scale_rows_dots(float* __restrict__ partial, const float* __restrict__ dy, const float* __restrict__ x, int R,
                    long long n) {
  const Row r(R, n);
  if (!r.any) return;
  float u[4], v[4], sum = 0.f;
  load4(u, dy + r.row * n, r.first, n, r.wide);
  load4(v, x + r.row * n, r.first, n, r.wide);
#pragma unroll
  for (int k = 0; k < 4; k++) sum += u[k] * v[k];
  sum = block_sum<long_threads>(sum);
  if (threadIdx.x == 0) partial[static_cast<long long>(r.row) * gridDim.x + blockIdx.x] = sum;
}

// rows_sum: y_r += Σ_k x_rk, one warp per row. 4 bytes, 1 operation per number.
extern "C" __global__ void __launch_bounds__(threads)
    rows_sum(float* __restrict__ y, const float* __restrict__ x, int R, int K) {
  const int r = row_of_warp();
  if (r >= R) return;
  float sum = 0.f;
  for (int k = threadIdx.x % 32; k < K; k += 32) sum += x[static_cast<long long>(r) * K + k];
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) y[r] += sum;
}
