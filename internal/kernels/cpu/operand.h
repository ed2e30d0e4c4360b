// operand.h: the operands of products.
//
// An operand is a matrix of T: of floats, or of Pairs, each of which is two bf16
// numbers next to each other along K, so that one instruction multiplies both and
// adds both products to a float. A matrix of Pairs has steps(K) of them along K;
// where K is odd the last one's second number is 0.
//
// A Feed lays out the rows of B as they are computed. A is weights, which are rounded
// once per operation (pack_weights).
//
// Weights' gradients are products along pixels: A is rows of pixels as they are
// (pack_row), and B is such rows transposed (transpose_operand).
//
// OPERAND is the type of this build's operands: float or Pair. Rounding is to nearest,
// ties to even; sums are in float.
#pragma once
#include "lanes.h"

#ifndef OPERAND
#define OPERAND float
#endif

namespace ISA {

struct Pair {
  uint16_t first, second;
};
typedef int32_t viu __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

template <class T>
struct Arithmetic {
  using Sum = T;
  static constexpr int64_t width = 1;
};
template <>
struct Arithmetic<Pair> {
  using Sum = float;
  static constexpr int64_t width = 2;
};

using Operand = OPERAND;

// tiled reports whether products of T use whole tiles (amx.h).
#if defined(AMX_INSTRUCTIONS)
template <class T>
constexpr bool tiled = Arithmetic<T>::width > 1;
#else
template <class T>
constexpr bool tiled = false;
#endif

// Sum is the type in which products of T are summed.
template <class T>
using Sum = typename Arithmetic<T>::Sum;

// steps is the number of T's that hold n numbers along K.
template <class T>
INLINE int64_t steps(int64_t n) {
  return (n + Arithmetic<T>::width - 1) / Arithmetic<T>::width;
}

INLINE vi load(const Pair* p) { return *(const viu*)p; }
INLINE void store(Pair* p, vi v) { *(viu*)p = v; }
INLINE vi splat(Pair x) {
  int32_t bits;
  memcpy(&bits, &x, 4);
  return bits - vi{};
}

// pitch is the distance between rows of weights with n numbers along K, as A. If tiles of
// them are loaded at once (amx.h), rows are whole cache lines.
template <class T>
INLINE int64_t pitch(int64_t n) {
  return tiled<T> ? round_up(steps<T>(n), 16) : steps<T>(n);
}

// kPart is the number that parts of K should be multiples of: what one instruction takes.
template <class T>
constexpr int64_t kPart = tiled<T> ? 32 : Arithmetic<T>::width;

enum Accumulate { Overwrite, AddTo };

// Mat is a matrix whose columns are N = G·n: G runs of n contiguous floats
// (rows of an image), run floats apart. ld is the distance between rows.
template <class T>
struct Mat {
  T* p;
  int64_t ld, run;
};

// mac is c + a·b.
INLINE vf mac(vf c, vf a, vf b) { return c + a * b; }
INLINE vd mac(vd c, vd a, vd b) { return c + a * b; }

// round16 rounds to bf16: the upper half of a float's bits. A NaN gets its quiet bit set,
// since rounding it could carry into the sign.
INLINE uint16_t round16(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  uint32_t rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16, quiet = u >> 16 | 0x40;
  return (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

#if defined(BF16_INSTRUCTIONS)
INLINE vf mac(vf c, vi a, vi b) { return (vf)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b); }

// pack rounds numbers k and k+1 of L columns.
INLINE vi pack(vf first, vf second) {
  const __m512i turns = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
  return (vi)_mm512_maskz_permutexvar_epi16((__mmask32)-1, turns, both);
}

// pack_along rounds 2L numbers of a row.
INLINE vi pack_along(vf a, vf b) { return (vi)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a); }
#else
// The same in two roundings, while the instruction rounds in its own way: results differ
// by 2⁻²³ of the largest intermediate sum, and for numbers below 2⁻¹²⁶, which the
// instruction treats as 0.
INLINE vf mac(vf c, vi a, vi b) {
  c += bits(a & (int32_t)0xffff0000) * bits(b & (int32_t)0xffff0000);
  return c + bits(a << 16) * bits(b << 16);
}
INLINE vi round16(vf x) {
  vi u = bits(x), odd = (vi)((u >> 16) & 1), rounded = u + 0x7fff + odd, quiet = u | 0x400000;
  vi nan = (u & 0x7fffffff) > 0x7f800000;
  return ((nan & quiet) | (~nan & rounded)) & (int32_t)0xffff0000;
}
INLINE vi pack(vf first, vf second) { return ((round16(first) >> 16) & 0xffff) | round16(second); }
INLINE vi pack_along(vf a, vf b) { return pack(even_lanes(a, b), odd_lanes(a, b)); }
#endif

// Feed lays out the rows of B, which its user supplies one after another as floats:
// write to row(), then call done(), and end() after the last. Rows of T are ld
// apart and n long, a multiple of L. room holds feed_floats(n) floats.
template <class T>
struct Feed;

template <>
struct Feed<float> {
  float* p;
  int64_t ld;
  INLINE_METHOD Feed(float* at, int64_t stride, float*) : p(at), ld(stride) {}
  INLINE_METHOD float* row() const { return p; }
  INLINE_METHOD void done(int64_t) { p += ld; }
  INLINE_METHOD void end(int64_t) {}
};

template <>
struct Feed<Pair> {
  Pair* p;
  int64_t ld;
  float *room, *other;  // the next row goes to room; other holds the previous one if it has no partner yet
  bool half = false;
  INLINE_METHOD Feed(Pair* at, int64_t stride, float* room_) : p(at), ld(stride), room(room_), other(nullptr) {}
  INLINE_METHOD float* row() const { return room; }
  INLINE_METHOD void done(int64_t n) {
    if (!half) {
      other = room, room += n, half = true;
      return;
    }
    for (int64_t i = 0; i < n; i += L) store(p + i, pack(load(other + i), load(room + i)));
    p += ld, room = other, half = false;
  }
  INLINE_METHOD void end(int64_t n) {
    if (!half) return;
    for (int64_t i = 0; i < n; i += L) store(p + i, pack(load(other + i), vf{}));
    p += ld, room = other, half = false;
  }
};

// feed_floats is the room that a Feed of rows of n needs.
template <class T>
INLINE int64_t feed_floats(int64_t n) {
  return Arithmetic<T>::width > 1 ? Arithmetic<T>::width * n : 0;
}

// round_row rounds a row of A; if K is odd, a 0 follows.
INLINE void round_row(const float* x, int64_t K, Pair* y) {
  uint16_t* to = (uint16_t*)y;
  int64_t k = 0;
  for (; k + 2 * L <= K; k += 2 * L) store(y + k / 2, pack_along(load(x + k), load(x + k + L)));
  for (; k < K; k++) to[k] = round16(x[k]);
  if (K % 2) to[K] = 0;
}

// round_to rounds x to one of the numbers of a pair; a float stores it unchanged.
INLINE void round_to(float* p, int64_t, float x) { *p = x; }
INLINE void round_to(Pair* p, int64_t second, float x) { (second ? p->second : p->first) = round16(x); }

// row_buffer is where the floats of a row of A are written: its own memory, or room, whose n
// floats, a multiple of L, pack_row then rounds.
INLINE float* row_buffer(float* row, float*) { return row; }
INLINE float* row_buffer(Pair*, float* room) { return room; }
INLINE void pack_row(int64_t, const float*, float*) {}
INLINE void pack_row(int64_t n, const float* x, Pair* row) {
  int64_t i = 0;
  for (; i + 2 * L <= n; i += 2 * L) store(row + i / 2, pack_along(load(x + i), load(x + i + L)));
  if (i == n) return;
  vi last = pack_along(load(x + i), vf{});
  memcpy((void*)(row + i / 2), &last, 4 * L / 2);
}

// pack_rows is pack_row for M consecutive rows of n: it returns room, or x itself.
INLINE const float* pack_rows(int64_t, int64_t, const float* x, float*) { return x; }
INLINE const Pair* pack_rows(int64_t M, int64_t n, const float* x, Pair* room) {
  pack_row(M * n, x, room);
  return room;
}

// transpose_operand transposes the rows x [R,n], n a multiple of L, into B [n,R], ld apart.
// Columns of B up to a multiple of L repeat the last one.
INLINE void transpose_operand(int64_t R, int64_t n, const float* x, int64_t ldx, Pair* y, int64_t ld) {
  for (int64_t r = 0; r < R; r += L)
    for (int64_t i = 0; i < n; i += 2 * L) {
      vf v[L];
      int64_t rows = i + 2 * L <= n ? L : L / 2;
      for (int64_t k = 0; k < L; k++) {
        const float* p = x + (r + k < R ? r + k : R - 1) * ldx + i;
        v[k] = bits(pack_along(load(p), i + L < n ? load(p + L) : vf{}));
      }
      transpose_block(v);
      for (int64_t k = 0; k < rows; k++) store((float*)(y + (i / 2 + k) * ld + r), v[k]);
    }
}

// shift_pairs turns rows x [R+1,n] of pairs of numbers 2k and 2k+1 into those of 2k+1 and 2k+2.
INLINE void shift_pairs(int64_t, int64_t, const float*, float*) {}
INLINE void shift_pairs(int64_t R, int64_t n, const Pair* x, Pair* y) {
  for (int64_t i = 0; i < R * n; i += L) store(y + i, (load(x + i) >> 16 & 0xffff) | load(x + i + n) << 16);
}

// lay_out writes the rows x [K,n], n apart, as an operand of T, ld apart; floats are
// there already.
INLINE void lay_out(int64_t, int64_t, const float*, float*, int64_t) {}
INLINE void lay_out(int64_t K, int64_t n, const float* x, Pair* y, int64_t ld) {
  for (int64_t k = 0; k < K; k += 2)
    for (int64_t i = 0; i < n; i += L)
      store(y + k / 2 * ld + i, pack(load(x + k * n + i), k + 1 < K ? load(x + (k + 1) * n + i) : vf{}));
}

// laid_out returns the rows x [K,n], n apart, as an operand of T: room, or x itself.
INLINE const float* laid_out(int64_t, int64_t, const float* x, float*) { return x; }
INLINE const Pair* laid_out(int64_t K, int64_t n, const float* x, Pair* room) {
  lay_out(K, n, x, room, n);
  return room;
}

}  // namespace ISA
