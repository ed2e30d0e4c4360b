// Batched matrix products, in two nested batches of outer·inner:
// z = outer_index·inner + inner_index. For each
//   C [M,N] = A·B        A is [M,K] (n) or its transpose (t), so is B [K,N]
// A matrix is rows of contiguous numbers, ld apart; those of z start at
//   outer_index·outer_stride + inner_index·inner_stride
// so that heads are blocks of rows or columns of a larger matrix.
//
// Mapping: tiles as in gemm.cuh, rows fastest in the grid's x; the grid's y is z; its z
// divides K into parts of `steps` tiles, which are written separately (part_stride), for
// the reader to add.
// 2·M·N·K operations and 4 (M·K + N·K + M·N) bytes per matrix: bound by tensor cores or
// arithmetic for sides of some hundreds, by memory below.
// Shared memory 41 (nn), 45 (nt) and 39 KB (tn).
// Threads a multiprocessor, at least: 384.
#include "gemm.cuh"

using gemm::Tile;
using gemm::Walk;

// Matrix is one of a batch: its numbers, the stride of its rows, and whether all rows
// start at multiples of 16 bytes.
struct Matrix {
  float* p;
  int ld;
  bool wide;
  __device__ __forceinline__ Matrix(const float* start, int ld, long long outer, long long inner, int count) : ld(ld) {
    p = const_cast<float*>(start) + blockIdx.y / count * outer + blockIdx.y % count * inner;
    wide = ld % 4 == 0 && reinterpret_cast<size_t>(p) % 16 == 0;
  }
};

template <gemm::Precision P, bool A_TRANSPOSED, bool B_TRANSPOSED>
__device__ __forceinline__ void product(const Matrix& c, const Matrix& a, const Matrix& b, int M, int N, int K, int steps,
                                        long long part_stride) {
  using A = Tile<gemm::M, !A_TRANSPOSED>;
  using B = Tile<gemm::N, B_TRANSPOSED>;
  const int across = (M + gemm::M - 1) / gemm::M, first = blockIdx.z * steps;
  const int m0 = blockIdx.x % across * gemm::M, n0 = blockIdx.x / across * gemm::N;
  const int k0 = first * gemm::K;
  const bool wide_a = a.wide && (A_TRANSPOSED ? M : K) % 4 == 0, wide_b = b.wide && (B_TRANSPOSED ? K : N) % 4 == 0;
  Walk<A> walk_a;
  Walk<B> walk_b;
  if (A_TRANSPOSED) walk_a.start(a.p, a.ld, K, M, k0, m0);
  else walk_a.start(a.p, a.ld, M, K, m0, k0);
  if (B_TRANSPOSED) walk_b.start(b.p, b.ld, N, K, n0, k0);
  else walk_b.start(b.p, b.ld, K, N, k0, n0);
  gemm::multiply<P, A, B>(
      min(steps, (K + gemm::K - 1) / gemm::K - first),
      [&](float* to_a, float* to_b) {
        walk_a.fill(to_a, wide_a);
        walk_b.fill(to_b, wide_b);
        walk_a.next(), walk_b.next();
      },
      [&](int m, int n, const auto& v) {
        if (m0 + m >= M) return;
        float* row = c.p + blockIdx.z * part_stride + static_cast<size_t>(m0 + m) * c.ld;
        if constexpr (sizeof v == 16) {
          store4(row, v, n0 + n, N, c.wide);
        } else {
#pragma unroll
          for (int k = 0; k < int(sizeof v / sizeof v[0]); k++)
            if (n0 + n + k < N) row[n0 + n + k] = v[k];
        }
      });
}

#define PRODUCT(name, P, A_TRANSPOSED, B_TRANSPOSED)                                                                \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                    \
      product_##name##_##P(float* __restrict__ c, const float* __restrict__ a, const float* __restrict__ b, int M,  \
                           int N, int K, int ldc, int lda, int ldb, long long outer_c, long long outer_a,           \
                           long long outer_b, long long inner_c, long long inner_a, long long inner_b, int inner,   \
                           int steps, long long part_stride) {                                                      \
    product<gemm::P, A_TRANSPOSED, B_TRANSPOSED>({c, ldc, outer_c, inner_c, inner}, {a, lda, outer_a, inner_a, inner}, \
                                                 {b, ldb, outer_b, inner_b, inner}, M, N, K, steps, part_stride);      \
  }
#define PRODUCTS(P)               \
  PRODUCT(nn, P, false, false)    \
  PRODUCT(nt, P, false, true)     \
  PRODUCT(tn, P, true, false)
PRODUCTS(float32)
PRODUCTS(tf32)
PRODUCTS(bf16)
PRODUCTS(tf32x3)
