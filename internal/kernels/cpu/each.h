// each.h: loops over long rows, divided into chunks for the threads and vectors for the
// lanes, and the two products of rows that small matrix products consist of.
#pragma once
#include "tile.h"

namespace ISA {

constexpr int64_t kChunk = 32 << 10;  // floats in a unit of work: a thread is worth waking for two of them

// each_chunk calls f(from, to) for chunks of [0,n), which depend on n alone.
template <class F>
INLINE void each_chunk(Pool& pool, int64_t n, F&& f) {
  pool.run(ceil_div(n, kChunk), 0, [&](int64_t u, Scratch&) { f(u * kChunk, min(n, (u + 1) * kChunk)); });
}

// set_all sets n floats to v.
INLINE void set_all(Pool& pool, float* y, int64_t n, float v) {
  each_chunk(pool, n, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) y[i] = v;
  });
}

// each_row calls f(row, scratch) for rows of cost floats each, as many in one
// unit as make a chunk; scratch has room for `floats` each time.
template <class F>
INLINE void each_row(Pool& pool, int64_t rows, int64_t cost, int64_t floats, F&& f) {
  int64_t per = max(1, kChunk / max(cost, 1));
  pool.run(ceil_div(rows, per), (size_t)floats, [&](int64_t u, Scratch& s) {
    for (int64_t r = u * per; r < min(rows, (u + 1) * per); r++) {
      s.reset((size_t)floats);
      f(r, s);
    }
  });
}

// VECTOR opens a lambda for each_vector; it is inlined, so that lanes == L folds.
#define VECTOR [&](int64_t i, int lanes) __attribute__((always_inline))

// each_vector calls f(i, lanes) for the vectors of [0,n): floats i to i + lanes,
// where lanes = L except for the last.
template <class F>
INLINE void each_vector(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + L <= n; i += L) f(i, L);
  if (i < n) f(i, (int)(n - i));
}

// row_dot is Σ a_i b_i, in blocks so that a long sum keeps its digits.
static float row_dot(const float* a, const float* b, int64_t n) {
  float total = 0;
  for (int64_t at = 0; at < n; at += 4096) {
    int64_t m = min(n - at, 4096), i = 0;
    vf s = {}, t = {};
    for (; i + 2 * L <= m; i += 2 * L) {
      s += load(a + at + i) * load(b + at + i);
      t += load(a + at + i + L) * load(b + at + i + L);
    }
    const float *p = a + at + i, *q = b + at + i;
    each_vector(m - i, VECTOR { s += load_n(p + i, lanes) * load_n(q + i, lanes); });
    total += sum(s + t);
  }
  return total;
}

// softmax_back turns the gradient g of a softmax y into that of its logits,
// y_i (g_i − ⟨y, g⟩). All g are taken relative to that of the largest y: where a
// softmax is nearly one entry, the mean is nearly that entry's g, and their
// difference would be rounding, of y above all.
static void softmax_back(float* g, const float* y, int64_t n) {
  int64_t largest = 0;
  for (int64_t i = 1; i < n; i++) largest = y[i] > y[largest] ? i : largest;
  float base = g[largest];
  for (int64_t i = 0; i < n; i++) g[i] -= base;
  float mean = row_dot(g, y, n);
  for (int64_t i = 0; i < n; i++) g[i] = y[i] * (g[i] - mean);
}

// Length is the length of a row, at least 1e-12 so as to divide by it, and
// whether it varies with the row, that is whether it is not below.
struct Length {
  float divisor;
  bool varies;
};
INLINE Length at_least(float norm) { return {norm < 1e-12f ? 1e-12f : norm, !(norm < 1e-12f)}; }
INLINE Length length(const float* x, int64_t n) { return at_least(sqrtf(row_dot(x, x, n))); }

// combine computes y (+)= Σ_r a_r x_r for rows x_r of n floats, ldx apart; the
// coefficients are lda apart.
static void combine(float* y, int64_t n, int64_t rows, const float* a, int64_t lda, const float* x, int64_t ldx,
                    Accumulate acc) {
  int64_t at = 0;
  for (; at + 4 * L <= n; at += 4 * L) {
    vf s[4];
    for (int v = 0; v < 4; v++) s[v] = acc ? load(y + at + v * L) : vf{};
    for (int64_t r = 0; r < rows; r++) {
      vf c = splat(a[r * lda]);
      for (int v = 0; v < 4; v++) s[v] += c * load(x + r * ldx + at + v * L);
    }
    for (int v = 0; v < 4; v++) store(y + at + v * L, s[v]);
  }
  y += at, x += at;
  each_vector(n - at, VECTOR {
    vf s = acc ? load_n(y + i, lanes) : vf{};
    for (int64_t r = 0; r < rows; r++) s += a[r * lda] * load_n(x + r * ldx + i, lanes);
    store_n(y + i, s, lanes);
  });
}

}  // namespace ISA
