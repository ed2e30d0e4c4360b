// gemm.h: the matrix product behind all dense operations.
//
//   C[M,N] (+)= A[M,K] · B[K,N]
//
// in float, in double where products cancel (attention_gram.h), or with operands
// in bf16 and sums in float (operand.h): each element of A and B is then a Pair
// of numbers that are next to each other along K.
//
// A is read element by element (broadcast), so weights need no packing. B is read in rows
// of NR columns: tiles of pixels or transposed pixels that the caller has put into
// scratch, padded to a multiple of L columns.
//
// Register tile: MR×NR with MR = 6 (AVX2: 12 accumulators, 2 of B, 1 broadcast
// in 16 registers) or 12 (24, 2 and 1 of 32); an odd vector of columns is a tile of
// half the width. Where the processor has registers that are tiles, those are used
// for operands in bf16 (amx.h). K is never split, so an element's sum is the same
// whatever tile it falls into.
#pragma once
#include "amx.h"
#include "operand.h"

namespace ISA {

constexpr int MR = REGISTERS == 32 ? 12 : 6;

// stored_directly reports whether a product of n columns is written to a tensor at once,
// instead of to scratch and then copied: where a tile's rows are whole cache lines, the
// processor writes them to memory while it multiplies. The portable form's are half a line
// and gain nothing; AMX has not been measured.
constexpr bool stored_directly(int64_t n) { return L >= 8 && !tiled<Operand> && n % L == 0; }

// micro computes a tile of rows × vecs vectors, vecs 1 or 2. Both are constants
// so that c stays in registers. K counts elements of T. The result is added to that at
// from, rows ldc apart, unless from is NULL.
template <int rows, int vecs, class T>
INLINE void micro(int64_t K, const T* A, int64_t lda, const T* B, int64_t ldb, Sum<T>* C, int64_t ldc,
                  const Sum<T>* from) {
  using V = decltype(load(C));
  using U = decltype(load(B));
  constexpr int64_t W = sizeof(U) / sizeof(T);
  V c[rows][2];
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) c[i][0] = c[i][1] = V{};
  for (int64_t k = 0; k < K; k++) {
    U b0 = load(B + k * ldb), b1 = vecs > 1 ? load(B + k * ldb + W) : U{};
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++) {
      U a = splat(A[i * lda + k]);
      c[i][0] = mac(c[i][0], a, b0);
      if (vecs > 1) c[i][1] = mac(c[i][1], a, b1);
      order_loads(i);
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) {
    Sum<T>* p = C + i * ldc;
    const Sum<T>* q = from ? from + i * ldc : nullptr;
    store(p, q ? load(q) + c[i][0] : c[i][0]);
    if (vecs > 1) store(p + W, q ? load(q + W) + c[i][1] : c[i][1]);
  }
}

template <int rows, class T>
static void stripe(int64_t G, int64_t n, int64_t K, const T* A, int64_t lda, Mat<const T> B, Mat<Sum<T>> C,
                   const Sum<T>* from) {
  constexpr int64_t W = L * sizeof(float) / sizeof(T);  // columns of a vector
  for (int64_t g = 0; g < G; g++) {
    const T* b = B.p + g * B.run;
    Sum<T>* c = C.p + g * C.run;
    const Sum<T>* f = from ? from + g * C.run : nullptr;
    int64_t j = 0;
    for (; j + 2 * W <= n; j += 2 * W) micro<rows, 2>(K, A, lda, b + j, B.ld, c + j, C.ld, f ? f + j : nullptr);
    if (j < n) micro<rows, 1>(K, A, lda, b + j, B.ld, c + j, C.ld, f ? f + j : nullptr);
  }
}

// by_rows divides rows evenly among the fewest tiles that hold them: 8 rows are 4 + 4, not
// 6 + 2, which would wait for its accumulators' latency.
template <class T>
static void by_rows(int64_t M, int64_t G, int64_t n, int64_t K, const T* A, int64_t lda, Mat<const T> B, Mat<Sum<T>> C,
                    const Sum<T>* from) {
  using Stripe = void (*)(int64_t, int64_t, int64_t, const T*, int64_t, Mat<const T>, Mat<Sum<T>>, const Sum<T>*);
  static const Stripe stripes[] = {nullptr,   stripe<1>, stripe<2>,  stripe<3>,  stripe<4>,  stripe<5>, stripe<6>,
#if REGISTERS == 32
                                   stripe<7>, stripe<8>, stripe<9>, stripe<10>, stripe<11>, stripe<12>
#endif
  };
  int64_t i = 0;
  for (int64_t tiles = (M + MR - 1) / MR; tiles; tiles--) {
    int64_t rows = (M - i + tiles - 1) / tiles;
    const Sum<T>* f = from ? from + i * C.ld : nullptr;
    stripes[rows](G, n, steps<T>(K), A + i * lda, lda, B, {C.p + i * C.ld, C.ld, C.run}, f);
    i += rows;
  }
}

// gemm_from computes C = from + A·B for G runs of n columns, n a multiple of L. from is C
// itself, NULL for 0 or, where products are not of tiles, of C's layout.
template <class T>
static void gemm_from(int64_t M, int64_t G, int64_t n, int64_t K, const T* A, int64_t lda, Mat<const T> B,
                      Mat<Sum<T>> C, const Sum<T>* from) {
  if constexpr (tiled<T>)
    by_tiles(M, G, n, {steps<T>(K), 1, 0, 0}, A, lda, B, C, from ? AddTo : Overwrite);
  else
    by_rows(M, G, n, K, A, lda, B, C, from);
}

// gemm_runs computes C (+)= A·B.
template <class T>
static void gemm_runs(int64_t M, int64_t G, int64_t n, int64_t K, const T* A, int64_t lda, Mat<const T> B,
                      Mat<Sum<T>> C, Accumulate acc) {
  gemm_from(M, G, n, K, A, lda, B, C, acc ? C.p : nullptr);
}

// gemm is gemm_runs for one run of N columns, N a multiple of L.
template <class T>
static void gemm(int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, const T* B, int64_t ldb, Sum<T>* C,
                 int64_t ldc, Accumulate acc) {
  gemm_runs<T>(M, 1, N, K, A, lda, {B, ldb, 0}, {C, ldc, 0}, acc);
}

// gemm_twice is gemm with K twice: its second half lies a on in A and b on in B.
template <class T>
static void gemm_twice(int64_t M, int64_t N, int64_t K, const T* A, int64_t lda, int64_t a, const T* B, int64_t ldb,
                       int64_t b, Sum<T>* C, int64_t ldc, Accumulate acc) {
  if constexpr (tiled<T>) {
    by_tiles(M, 1, N, {steps<T>(K), 2, a, b}, A, lda, {B, ldb, 0}, {C, ldc, 0}, acc);
  } else {
    gemm(M, N, K, A, lda, B, ldb, C, ldc, acc);
    gemm(M, N, K, A + a, lda, B + b, ldb, C, ldc, AddTo);
  }
}

// transpose writes the R×N matrix x (rows ldx apart) as N rows of R columns, ldy apart.
template <class T>
static void transpose(int64_t R, int64_t N, const T* x, int64_t ldx, T* y, int64_t ldy) {
  constexpr int64_t side = 8;
  for (int64_t n0 = 0; n0 < N; n0 += side)
    for (int64_t r0 = 0; r0 < R; r0 += side) {
      int64_t r1 = r0 + side < R ? r0 + side : R, n1 = n0 + side < N ? n0 + side : N;
      for (int64_t n = n0; n < n1; n++)
        for (int64_t r = r0; r < r1; r++) y[n * ldy + r] = x[r * ldx + n];
    }
}

}  // namespace ISA
