// The gated feed-forward networks of the experts, y_b = x_b + Σ_e route_be F_e(u_b),
// u = LN(x), as matrix products (gemm.cuh). experts_gate.cu has the operations between the
// products, experts_fused.cu all of it for the forward pass of thin layers, and
// experts_fused_grad.cu the first half of their gradient at bf16. Routing stays on the
// device: a job is an expert that a sample runs, and experts_dispatch lists the jobs. The
// host launches grids for S jobs per sample, and as many rounds as there could be; blocks
// without a job return at once.
//
// x, u, dy, y, du [B,C,P]; e and de [B,S,2h,P], gated and dgated [B,S,h,P] of a round; a
// table holds the addresses of each expert's weights. u, du, e, de, gated and dgated are Bf16
// if that is the precision; past the P numbers of a row, u, de and gated are then 0.
//
//               A                  B             C, grid (x, y, z)
//   expand_fwd  Expand             u_b           e of a job     tiles, B·S
//   project_fwd [Project ...]      [gated; ...]  y_b            tiles, B
//   project_dx  Projectᵀ           dy_b          dgated         tiles, B·S
//   expand_dx   [Expandᵀ ...]      [de; ...]     du_b           tiles, B
//   expand_dw   [de ...]           [u ...]ᵀ      dExpand of e   tiles, E, parts
//   project_dw  [dy ...]           [gated ...]ᵀ  dProject of e  tiles, E, parts
//
// project_fwd and expand_dx gather: each is one product along all hidden channels of a
// sample's jobs, in the order of their experts, and writes the sum with the residual
// once; gated and dgated include the routes' weights. The dw are products along all
// pixels of the samples that ran an expert, split into parts whose sums experts_dw_sum
// adds in fixed order.
//
// A job of 3·C·h multiply-accumulates per pixel moves 4 (C + 2h) bytes in expand and
// 4 (h + C) in project, half of u's and the hidden channels' share at bf16: bound by memory
// up to some 200 channels at tf32 on an A100, by the tensor cores above. A block has 128
// threads, those of dw 256, at bf16 512; shared memory 41, 41, 39, 39 and 61 KB, at bf16 98.
// If the precision is TF32, u, gated and de are already rounded to it.
// Threads a multiprocessor, at least: 384, experts_*_dw_* 512, experts_dispatch 2048,
// experts_dw_sum 2048.
#include "gemm.cuh"

using gemm::Precision;
using gemm::Stored;
using gemm::Tile;
using gemm::Walk;

// experts_dispatch, one block: for every sample b and expert e
//   slot [B,E]        e's rank among the experts that b runs, or −1 if route_be is 0
// and for every round r of S slots
//   expert [R,B,S]    the expert in a slot, or −1
//   list [R,E,count]  the jobs of e, as b·S + the slot in the round; rows of B
//   count [R,E]
// Without a route every sample runs every expert. Some 12·B·E bytes: bound by the latency
// of the launch.
extern "C" __global__ void __launch_bounds__(128)
    experts_dispatch(int* __restrict__ slot, int* __restrict__ expert, int* __restrict__ list, int* __restrict__ count,
                     const float* __restrict__ route, int B, int E, int S) {
  const int rounds = (E + S - 1) / S;
  for (int b = threadIdx.x; b < B; b += 128) {
    int n = 0;
    for (int e = 0; e < E; e++) {
      const bool runs = !route || route[b * E + e] != 0.f;
      slot[b * E + e] = runs ? n : -1;
      if (!runs) continue;
      expert[(n / S * B + b) * S + n % S] = e;
      n++;
    }
    for (; n < rounds * S; n++) expert[(n / S * B + b) * S + n % S] = -1;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < rounds * E; i += 128) {
    int n = 0;
    for (int b = 0; b < B; b++) {
      const int s = slot[b * E + i % E];
      if (s >= 0 && s / S == i / E) list[i * B + n++] = b * S + s % S;
    }
    count[i] = n;
  }
}

// product computes a tile of Σ_i W_i x_i over the first `count` jobs. W_i, the weight of
// experts[i], is [M,K], or [K,M] if TRANSPOSED; x is [count,K,P], ROUNDED if already
// rounded for this product.
template <Precision P_, bool TRANSPOSED, bool ROUNDED, class X, class Emit>
__device__ __forceinline__ void product(const float* const* weights, const int* experts, int count, const X* x, int M, int K,
                                        int P, Emit emit) {
  using A = Tile<gemm::M, !TRANSPOSED>;
  using B = Tile<gemm::N, false, ROUNDED, X>;
  const int across = (M + gemm::M - 1) / gemm::M;
  const int m0 = blockIdx.x % across * gemm::M, n0 = blockIdx.x / across * gemm::N;
  const bool wide = P % 4 == 0, wide_w = (TRANSPOSED ? M : K) % 4 == 0;
  Walk<A> a;
  Walk<B> b;
  int left = 0;  // channels left of the job whose tiles are being copied
  gemm::multiply<P_, A, B>(
      count * ((K + gemm::K - 1) / gemm::K),
      [&](float* to_a, float* to_b) {
        if (left <= 0) {
          const float* w = weights[*experts++];
          if (TRANSPOSED) a.start(w, M, K, M, 0, m0);
          else a.start(w, K, M, K, m0, 0);
          b.start(x, pitch<X>(P), K, P, 0, n0);
          x += static_cast<size_t>(K) * pitch<X>(P);
          left = K;
        }
        a.fill(to_a, wide_w);
        b.fill(to_b, wide);
        a.next(), b.next();
        left -= gemm::K;
      },
      [&](int m, int n, const float (&v)[4]) {
        if (m0 + m < M) emit(m0 + m, n0 + n, v);
      });
}

// spread: y [B,S,M,P], each job's W x_b. x [B,K,P].
template <Precision P_, bool TRANSPOSED, bool ROUNDED, class X>
__device__ __forceinline__ void spread(Stored<P_>* y, const float* const* weights, const int* experts, const X* x, int S,
                                       int M, int K, int P) {
  const int job = blockIdx.y, line = pitch<Stored<P_>>(P);
  if (experts[job] < 0) return;
  product<P_, TRANSPOSED, ROUNDED>(weights, experts + job, 1, x + static_cast<size_t>(job / S) * K * pitch<X>(P), M, K, P,
                                   [&](int m, int n, const float (&v)[4]) {
                                     store4(y + (static_cast<size_t>(job) * M + m) * line, v, n, line, line % 4 == 0);
                                   });
}

// gather: y_b = base_b + the sum of W x over the jobs of sample b. x [B,S,K,P];
// base may be y, or absent.
template <Precision P_, bool TRANSPOSED, class Y>
__device__ __forceinline__ void gather(Y* y, const Y* base, const float* const* weights, const int* experts,
                                       const Stored<P_>* x, int S, int M, int K, int P) {
  const int b = blockIdx.y;
  experts += b * S;
  int count = 0;
  while (count < S && experts[count] >= 0) count++;
  if (count == 0 && base == y) return;
  product<P_, TRANSPOSED, true>(weights, experts, count, x + static_cast<size_t>(b) * S * K * pitch<Stored<P_>>(P), M, K, P,
                                [&](int m, int n, const float (&v)[4]) {
                                  const size_t row = (static_cast<size_t>(b) * M + m) * pitch<Y>(P);
                                  float sum[4] = {};
                                  if (base) load4(sum, base + row, n, P, P % 4 == 0);
#pragma unroll
                                  for (int k = 0; k < 4; k++) sum[k] += v[k];
                                  store4(y + row, sum, n, P, P % 4 == 0);
                                });
}

// weights writes part z of an expert's Σ dy xᵀ: partial [parts,E,M,N]. One of dy [.,M,P]
// and x [.,N,P] has a matrix per job and the other one per sample; with OF_JOBS dy is the
// former. The pixels of each job are divided into steps of 16. u, gated and de are
// already rounded.
template <Precision P_, bool OF_JOBS, class DY>
__device__ __forceinline__ void weights(float* partial, const DY* dy, const Stored<P_>* x, const int* list, const int* count,
                                        int B_, int S, int M, int N, int P) {
  using A = Tile<gemm::M, true, OF_JOBS, DY, P_ == gemm::bf16, true>;
  using B = Tile<gemm::M, true, true, Stored<P_>, P_ == gemm::bf16, true>;
  constexpr int G = gemm::groups<P_>;
  const int line_dy = pitch<DY>(P), line_x = pitch<Stored<P_>>(P);
  const int e = blockIdx.y, E = gridDim.y;
  if (count[e] == 0) return;
  const int across = (M + gemm::M - 1) / gemm::M;
  const int m0 = blockIdx.x % across * gemm::M, n0 = blockIdx.x / across * gemm::M;
  const int per_job = (P + gemm::K - 1) / gemm::K, all = count[e] * per_job;
  const int parts = gridDim.z * G, steps = (all + parts - 1) / parts, first = (blockIdx.z * G + gemm::group()) * steps;
  list += e * B_;
  const int* end = list + count[e];  // past the last job all tiles are 0
  list += first / per_job;
  int p = first % per_job * gemm::K;  // where the job's tiles start
  int left = 0;                       // pixels left of the job whose tiles are being copied
  const bool wide = P % 4 == 0;
  Walk<A> a;
  Walk<B> b;
  a.start(dy, line_dy, 0, 0, 0, 0);
  b.start(x, line_x, 0, 0, 0, 0);
  gemm::multiply<P_, A, B>(
      steps,
      [&](float* to_a, float* to_b) {
        if (left <= 0 && list < end) {
          const int job = *list++, sample = job / S;
          a.start(dy + static_cast<size_t>(OF_JOBS ? job : sample) * M * line_dy, line_dy, M, P, m0, p);
          b.start(x + static_cast<size_t>(OF_JOBS ? sample : job) * N * line_x, line_x, N, P, n0, p);
          left = P - p;
          p = 0;
        }
        a.fill(to_a, wide);
        b.fill(to_b, wide);
        a.next(), b.next();
        left -= gemm::K;
      },
      [&](int m, int n, const auto& v) {
        if (m0 + m >= M) return;
        float* row = partial + ((static_cast<size_t>(blockIdx.z) * E + e) * M + m0 + m) * N;
#pragma unroll
        for (int k = 0; k < int(sizeof v / sizeof v[0]); k++)
          if (n0 + n + k < N) row[n0 + n + k] = v[k];
      });
}

#define EXPERTS(P_)                                                                                                      \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                         \
      experts_expand_fwd_##P_(Stored<gemm::P_>* __restrict__ e, const float* const* __restrict__ expand,                 \
                              const int* __restrict__ expert, const Stored<gemm::P_>* __restrict__ u, int S, int M,      \
                              int K, int P) {                                                                            \
    spread<gemm::P_, false, true>(e, expand, expert, u, S, M, K, P);                                                     \
  }                                                                                                                      \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                         \
      experts_project_fwd_##P_(float* y, const float* base, const float* const* __restrict__ project,                    \
                               const int* __restrict__ expert, const Stored<gemm::P_>* __restrict__ gated, int S, int M, \
                               int K, int P) {                                                                           \
    gather<gemm::P_, false>(y, base, project, expert, gated, S, M, K, P);                                                \
  }                                                                                                                      \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                         \
      experts_project_dx_##P_(Stored<gemm::P_>* __restrict__ dgated, const float* const* __restrict__ project,           \
                              const int* __restrict__ expert, const float* __restrict__ dy, int S, int M, int K,         \
                              int P) {                                                                                   \
    spread<gemm::P_, true, false>(dgated, project, expert, dy, S, M, K, P);                                              \
  }                                                                                                                      \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                         \
      experts_expand_dx_##P_(Stored<gemm::P_>* du, const Stored<gemm::P_>* base,                                         \
                             const float* const* __restrict__ expand, const int* __restrict__ expert,                    \
                             const Stored<gemm::P_>* __restrict__ de, int S, int M, int K, int P) {                      \
    gather<gemm::P_, true>(du, base, expand, expert, de, S, M, K, P);                                                    \
  }                                                                                                                      \
  extern "C" __global__ void __launch_bounds__(gemm::threads * gemm::groups<gemm::P_>, 4 / gemm::groups<gemm::P_>)       \
      experts_expand_dw_##P_(float* __restrict__ partial, const Stored<gemm::P_>* __restrict__ de,                       \
                             const Stored<gemm::P_>* __restrict__ u, const int* __restrict__ list,                       \
                             const int* __restrict__ count, int B, int S, int M, int N, int P) {                         \
    weights<gemm::P_, true>(partial, de, u, list, count, B, S, M, N, P);                                                 \
  }                                                                                                                      \
  extern "C" __global__ void __launch_bounds__(gemm::threads * gemm::groups<gemm::P_>, 4 / gemm::groups<gemm::P_>)       \
      experts_project_dw_##P_(float* __restrict__ partial, const float* __restrict__ dy,                                 \
                              const Stored<gemm::P_>* __restrict__ gated, const int* __restrict__ list,                  \
                              const int* __restrict__ count, int B, int S, int M, int N, int P) {                        \
    weights<gemm::P_, false>(partial, dy, gated, list, count, B, S, M, N, P);                                            \
  }
EXPERTS(float32)
EXPERTS(tf32)
EXPERTS(bf16)

// experts_dw_sum: dw_ei += Σ_z partial_zei for the n numbers of the weight of each
// expert that ran and whose gradient is wanted. Block (x, y): 1024 numbers of
// expert y. 4 (parts + 2) bytes and `parts` operations a number: bound by memory.
extern "C" __global__ void __launch_bounds__(256)
    experts_dw_sum(float* const* __restrict__ dw, const float* __restrict__ partial, const int* __restrict__ count,
                   int parts, int n) {
  const int e = blockIdx.y, E = gridDim.y;
  if (!dw[e] || count[e] == 0) return;
  const long long i = 4ll * (blockIdx.x * 256 + threadIdx.x);
  float sum[4] = {};
  for (int z = 0; z < parts; z++) {
    float v[4];
    load4(v, partial + (static_cast<size_t>(z) * E + e) * n, i, n, n % 4 == 0);
#pragma unroll
    for (int k = 0; k < 4; k++) sum[k] += v[k];
  }
  add4(in_global(dw[e]), sum, i, n);
}
