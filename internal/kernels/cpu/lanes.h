// lanes.h: rows of memory that become lanes of vectors, and back.
#pragma once
#include "simd.h"

namespace ISA {

#if LANES == 4
#define LANE_LIST(f) f(0), f(1), f(2), f(3)
#elif LANES == 8
#define LANE_LIST(f) f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7)
#else
#define LANE_LIST(f) \
  f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7), f(8), f(9), f(10), f(11), f(12), f(13), f(14), f(15)
#endif

// exchange swaps the blocks of m lanes off the diagonal of [a; b]: in every 2m
// lanes, a's upper ones against b's lower ones.
template <int m>
INLINE void exchange(vf& a, vf& b) {
#define FROM_A(i) ((i) & m ? L + (i) - m : (i))
#define FROM_B(i) ((i) & m ? L + (i) : (i) + m)
  vf lower = __builtin_shufflevector(a, b, LANE_LIST(FROM_A));
  b = __builtin_shufflevector(a, b, LANE_LIST(FROM_B));
  a = lower;
#undef FROM_A
#undef FROM_B
}

template <int m>
INLINE void exchange_all(vf v[L]) {
#pragma GCC unroll 16
  for (int i = 0; i < L; i++)
    if (!(i & m)) exchange<m>(v[i], v[i + m]);
}

// transpose_block transposes L vectors in place.
INLINE void transpose_block(vf v[L]) {
  exchange_all<1>(v);
  exchange_all<2>(v);
#if LANES > 4
  exchange_all<4>(v);
#endif
#if LANES > 8
  exchange_all<8>(v);
#endif
}

// halves of the lanes of [a; b]: the even ones, and the odd ones.
INLINE vf even_lanes(vf a, vf b) {
#define EVEN(i) 2 * (i)
  return __builtin_shufflevector(a, b, LANE_LIST(EVEN));
#undef EVEN
}
INLINE vf odd_lanes(vf a, vf b) {
#define ODD(i) 2 * (i) + 1
  return __builtin_shufflevector(a, b, LANE_LIST(ODD));
#undef ODD
}

// Rows are L rows of n floats somewhere in memory. Where there are fewer, the
// last one stands for the others; count tells how many may be written.
struct Rows {
  float* p[L];
  int count;
};

// from_rows transposes n floats of every row into lanes: vector k, at
// v + k·step, holds element k of each. It writes up to a multiple of L vectors.
// It reads up to a multiple of L floats where padded, else n and no more.
template <bool padded>
INLINE void from_rows(const Rows& r, int64_t n, float* v, int64_t step) {
  for (int64_t k = 0; k < n; k += L) {
    vf t[L];
#pragma GCC unroll 16
    for (int i = 0; i < L; i++) t[i] = padded || k + L <= n ? load(r.p[i] + k) : load_n(r.p[i] + k, (int)(n - k));
    transpose_block(t);
#pragma GCC unroll 16
    for (int i = 0; i < L; i++) store(v + (k + i) * step, t[i]);
  }
}

// to_rows is the way back: it writes, or adds, n floats of every row. It reads up to a
// multiple of L vectors, and writes as many floats of a row where padded, else n and no
// more. Where padded, the last block goes first and the rows in their order, so that rows
// may follow each other in memory and overwrite what their predecessor wrote too much.
template <bool padded>
INLINE void to_rows(const float* v, int64_t step, int64_t n, const Rows& r, bool add) {
  for (int64_t at = 0; at < n; at += L) {
    int64_t k = padded ? (n - 1) / L * L - at : at;
    vf t[L];
#pragma GCC unroll 16
    for (int i = 0; i < L; i++) t[i] = load(v + (k + i) * step);
    transpose_block(t);
    for (int i = 0; i < r.count; i++) {
      float* p = r.p[i] + k;
      if (padded || k + L <= n)
        store(p, add ? load(p) + t[i] : t[i]);
      else
        store_n(p, add ? load_n(p, (int)(n - k)) + t[i] : t[i], (int)(n - k));
    }
  }
}

// transpose_padded writes the R×N matrix x (rows ldx apart, N a multiple of L) as
// N rows of R columns, ldy apart; columns up to a multiple of L repeat the last.
static void transpose_padded(int64_t R, int64_t N, const float* x, int64_t ldx, float* y, int64_t ldy) {
  for (int64_t r = 0; r < R; r += L) {
    Rows rows;
    for (int64_t i = 0; i < L; i++) rows.p[i] = (float*)x + (r + i < R ? r + i : R - 1) * ldx;
    from_rows<true>(rows, N, y + r, ldy);
  }
}

}  // namespace ISA
