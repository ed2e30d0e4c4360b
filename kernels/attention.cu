// Channel attention between its products (product.cu, conv1x1.cu), for each sample b and
// each of its heads, blocks of d = C/heads channels:
//   q = Wq·s, k = Wk·s;  q̂_i = q_i / max(‖q_i‖, 1e-12) over the P pixels, k̂ likewise
//   c = q̂ k̂ᵀ [d,d];  A = softmax_j(temperature · c);  m = A·Wv, the head's rows of it
// and backward, from dA = dm·Wvᵀ:
//   g_ij = A_ij Σ_k A_ik (dA_ij − dA_ik);  dtemperature += Σ g ⊙ c;  dc = temperature · g
//   dq̂ = dc·k̂, dk̂ = dcᵀ·q̂;  dq_i = (dq̂_i − q̂_i ⟨q̂_i, dq̂_i⟩) / ‖q_i‖, dk likewise
// Rows are divided by their lengths, not multiplied by an inverse, so that with a single
// pixel q̂ is exactly ±1 and dq exactly 0.
//
// q̂ and k̂ are the halves of hat [B,2C,P]; c, A and their gradients are [B,heads,d,d], so
// that rows are numbered b·C + channel throughout.
// Mapping: a block of 128 threads handles a row of hat, a warp a row of c.
// Bound by memory, for the rows of hat; those of c are few and short.
// Threads a multiprocessor, at least: 1536, attention_unit_grad 1280.
#include "common.cuh"

constexpr int threads = 128;

// row_dot returns Σ x_p y_p over a row, in all threads.
__device__ __forceinline__ float row_dot(const float* x, const float* y, int P) {
  float sum = 0.f;
  for (int p = 4 * threadIdx.x; p < P; p += 4 * threads) {
    float u[4], v[4];
    load4(u, x, p, P, P % 4 == 0);
    load4(v, y, p, P, P % 4 == 0);
    sum += u[0] * v[0] + u[1] * v[1] + u[2] * v[2] + u[3] * v[3];
  }
  return block_sum<threads>(sum);
}

// attention_unit divides row blockIdx.x of hat by its length, in place; length gets ‖·‖
// itself. 12 bytes (4 of them from L1) and 3 operations per number.
extern "C" __global__ void __launch_bounds__(threads)
    attention_unit(float* __restrict__ hat, float* __restrict__ length, int P) {
  float* row = hat + static_cast<size_t>(blockIdx.x) * P;
  const float norm = sqrtf(row_dot(row, row, P)), divisor = fmaxf(norm, 1e-12f);
  for (int p = 4 * threadIdx.x; p < P; p += 4 * threads) {
    float v[4];
    load4(v, row, p, P, P % 4 == 0);
#pragma unroll
    for (int k = 0; k < 4; k++) v[k] /= divisor;
    store4(row, v, p, P, P % 4 == 0);
  }
  if (threadIdx.x == 0) length[blockIdx.x] = norm;
}

// attention_unit_grad turns the gradient of a row of hat into that of q or k, in place;
// a length at its lower limit is a constant. 20 bytes (8 of them from L1) and 6
// operations per number.
extern "C" __global__ void __launch_bounds__(threads)
    attention_unit_grad(float* __restrict__ grad, const float* __restrict__ hat, const float* __restrict__ length, int P) {
  float* row = grad + static_cast<size_t>(blockIdx.x) * P;
  hat += static_cast<size_t>(blockIdx.x) * P;
  const float norm = length[blockIdx.x], divisor = fmaxf(norm, 1e-12f);
  const float along = norm >= 1e-12f ? row_dot(row, hat, P) : 0.f;
  for (int p = 4 * threadIdx.x; p < P; p += 4 * threads) {
    float u[4], v[4];
    load4(u, row, p, P, P % 4 == 0);
    load4(v, hat, p, P, P % 4 == 0);
#pragma unroll
    for (int k = 0; k < 4; k++) u[k] = (u[k] - v[k] * along) / divisor;
    store4(row, u, p, P, P % 4 == 0);
  }
}

// Line is a warp's row of c, of the R = B·C.
struct Line {
  int row, b, head, lane;
  __device__ __forceinline__ Line(int C, int d) {
    row = blockIdx.x * (threads / 32) + threadIdx.x / 32;
    lane = threadIdx.x % 32;
    b = row / C;
    head = row % C / d;
  }
};

// attention_softmax: c is the sum of its parts [parts,R,d], and A its softmax.
// 4 (parts + 2) bytes and parts + 4 operations per number.
extern "C" __global__ void __launch_bounds__(threads)
    attention_softmax(float* __restrict__ a, float* __restrict__ cosine, const float* __restrict__ partial,
                      const float* __restrict__ temperature, int R, int C, int d, int parts) {
  const Line at(C, d);
  if (at.row >= R) return;
  const float scale = temperature[at.head];
  const long long start = static_cast<long long>(at.row) * d, part = static_cast<long long>(R) * d;
  float largest = -INFINITY, sum = 0.f;
  for (int j = at.lane; j < d; j += 32) {
    float c = 0.f;
    for (int z = 0; z < parts; z++) c += partial[z * part + start + j];
    cosine[start + j] = c;
    largest = fmaxf(largest, scale * c);
  }
  largest = warp_max(largest);
  for (int j = at.lane; j < d; j += 32) {
    const float e = expf(scale * cosine[start + j] - largest);
    a[start + j] = e;
    sum += e;
  }
  sum = warp_sum(sum);
  for (int j = at.lane; j < d; j += 32) a[start + j] /= sum;
}

// attention_softmax_grad: dc from dA, and along [heads,B,d], the contribution of each row
// to the temperatures' gradients. 16 bytes and 3d operations per number.
extern "C" __global__ void __launch_bounds__(threads)
    attention_softmax_grad(float* __restrict__ dc, float* __restrict__ along, const float* __restrict__ da,
                           const float* __restrict__ a, const float* __restrict__ cosine,
                           const float* __restrict__ temperature, int R, int C, int d) {
  const Line at(C, d);
  if (at.row >= R) return;
  const long long start = static_cast<long long>(at.row) * d;
  float sum = 0.f;
  for (int j = at.lane; j < d; j += 32) {
    const float own = da[start + j];
    float g = 0.f;
    for (int k = 0; k < d; k++) g += a[start + k] * (own - da[start + k]);
    g *= a[start + j];
    sum += g * cosine[start + j];
    dc[start + j] = temperature[at.head] * g;
  }
  sum = warp_sum(sum);
  if (at.lane == 0) along[(static_cast<long long>(at.head) * (R / C) + at.b) * d + at.row % d] = sum;
}
