// dense.h: what a network does with vectors: linear layers, mixtures, norms and
// softmaxes of rows. Products read their larger operand once; all but mix and
// scale_rows are far too small to matter, and those are bound by memory.
#pragma once
#include "each.h"

namespace ISA {

// linear: y_ro = bias_o + Σ_k w_ok x_rk, some outputs a unit.
static void linear(Pool& pool, Tensor y, Tensor x, Tensor w, Tensor bias) {
  int64_t R = x.n[0], K = w.n[1], O = w.n[0];
  each_row(pool, O, R * K, 0, [&](int64_t o, Scratch&) {
    for (int64_t r = 0; r < R; r++) y[r * O + o] = row_dot(w + o * K, x + r * K, K) + (bias ? bias[o] : 0);
  });
}

// linear_grad: dx = dy w, dw = dyᵀ x, dbias = Σ_r dy_r.
static void linear_grad(Pool& pool, Tensor dx, Tensor dw, Tensor dbias, Tensor dy, Tensor x, Tensor w) {
  int64_t R = x.n[0], K = w.n[1], O = w.n[0];
  if (dx)
    each_row(pool, R, O * K, 0, [&](int64_t r, Scratch&) { combine(dx + r * K, K, O, dy + r * O, 1, w, K, AddTo); });
  if (dw)
    each_row(pool, O, R * K, 0, [&](int64_t o, Scratch&) { combine(dw + o * K, K, R, dy + o, O, x, K, AddTo); });
  for (int64_t r = 0; r < R && dbias; r++) add_to(dbias, dy + r * O, O);
}

constexpr int64_t kMixColumns = 4096;  // columns of a mixture in one unit: its K rows stay in cache for all R

// mix: y_r = Σ_k a_rk c_k.
static void mix(Pool& pool, Tensor y, Tensor a, Tensor c) {
  int64_t R = a.n[0], K = a.n[1], n = size(c) / K;
  pool.run(ceil_div(n, kMixColumns), 0, [&](int64_t u, Scratch&) {
    int64_t at = u * kMixColumns, m = min(n - at, kMixColumns);
    for (int64_t r = 0; r < R; r++) combine(y + r * n + at, m, K, a + r * K, 1, c + at, n, Overwrite);
  });
}

// mix_grad: da_rk = ⟨dy_r, c_k⟩, dc_k = Σ_r a_rk dy_r.
static void mix_grad(Pool& pool, Tensor da, Tensor dc, Tensor dy, Tensor a, Tensor c) {
  int64_t R = a.n[0], K = a.n[1], n = size(c) / K;
  int64_t units = ceil_div(n, kMixColumns);
  Partials sums = partials(pool, part_count(units, n, R * K), R * K);
  pool.run(sums.parts, 0, [&](int64_t part, Scratch&) {
    int64_t from, to;
    float* acc = sums.open(part);
    part_range(sums, units, part, &from, &to);
    for (int64_t at = from * kMixColumns; at < min(n, to * kMixColumns); at += kMixColumns) {
      int64_t m = min(n - at, kMixColumns);
      for (int64_t k = 0; k < K && dc; k++) combine(dc + k * n + at, m, R, a + k, K, dy + at, n, AddTo);
      for (int64_t i = 0; i < R * K && da; i++) acc[i] += row_dot(dy + i / K * n + at, c + i % K * n + at, m);
    }
  });
  reduce(pool, da, sums, 0, 1, R * K, R * K);
}

// normalize: y_r = x_r / max(‖x_r‖, 1e-12).
static void normalize(Pool& pool, Tensor y, Tensor x) {
  int64_t R = x.n[0], n = x.n[1];
  each_row(pool, R, 2 * n, 0, [&](int64_t r, Scratch&) {
    float inverse = 1 / length(x + r * n, n).divisor;
    combine(y + r * n, n, 1, &inverse, 1, x + r * n, n, Overwrite);
  });
}

// normalize_grad: dx_r = (dy_r − ŷ⟨dy_r, ŷ⟩)/‖x_r‖, ŷ = x_r/‖x_r‖, and dy_r/1e-12 below that length.
static void normalize_grad(Pool& pool, Tensor dx, Tensor dy, Tensor x) {
  int64_t R = x.n[0], n = x.n[1];
  if (!dx) return;
  each_row(pool, R, 3 * n, 0, [&](int64_t r, Scratch&) {
    const float *g = dy + r * n, *p = x + r * n;
    Length l = length(p, n);
    float inverse = 1 / l.divisor, along = l.varies ? -row_dot(g, p, n) * inverse * inverse * inverse : 0;
    combine(dx + r * n, n, 1, &inverse, 1, g, n, AddTo);
    combine(dx + r * n, n, 1, &along, 1, p, n, AddTo);
  });
}

// rank counts the entries that come before x[j]: larger ones, and equal ones of a lower index.
INLINE int64_t rank(const float* x, int64_t n, int64_t j) {
  int64_t before = 0;
  for (int64_t i = 0; i < n; i++) before += x[i] > x[j] || (x[i] == x[j] && i < j);
  return before;
}

// top_k_softmax: the softmax of each row's k largest entries, 0 elsewhere.
static void top_k_softmax(Pool& pool, Tensor y, Tensor x, int64_t k) {
  int64_t R = x.n[0], n = x.n[1];
  each_row(pool, R, k < n ? n * n : 16 * n, 0, [&](int64_t r, Scratch&) {
    const float* p = x + r * n;
    float largest = p[0], sum = 0;
    for (int64_t i = 1; i < n; i++) largest = max_f(p[i], largest);
    for (int64_t i = 0; i < n; i++) {
      bool kept = k >= n || rank(p, n, i) < k;
      sum += y[r * n + i] = kept ? expf(p[i] - largest) : 0;
    }
    for (int64_t i = 0; i < n; i++) y[r * n + i] /= sum;
  });
}

// softmax_grad: dx_i = y_i (dy_i − ⟨dy, y⟩); entries that were not kept have y_i = 0.
static void softmax_grad(Pool& pool, Tensor dx, Tensor dy, Tensor y) {
  int64_t R = y.n[0], n = y.n[1];
  if (!dx) return;
  each_row(pool, R, 3 * n, n + 16, [&](int64_t r, Scratch& s) {
    float* g = s.take(n);
    memcpy(g, dy + r * n, 4 * (size_t)n);
    softmax_back(g, y + r * n, n);
    add_to(dx + r * n, g, n);
  });
}

// scale_rows: y_r = s_r x_r.
static void scale_rows(Pool& pool, Tensor y, Tensor x, Tensor s) {
  int64_t R = size(s), n = size(x) / R;
  each_row(pool, R, n, 0,
           [&](int64_t r, Scratch&) { combine(y + r * n, n, 1, s + r, 1, x + r * n, n, Overwrite); });
}

// scale_rows_grad: dx_r = s_r dy_r, ds_r = ⟨dy_r, x_r⟩.
static void scale_rows_grad(Pool& pool, Tensor dx, Tensor ds, Tensor dy, Tensor x, Tensor s) {
  int64_t R = size(s), n = size(x) / R;
  each_row(pool, R, n, 0, [&](int64_t r, Scratch&) {
    if (dx) combine(dx + r * n, n, 1, s + r, 1, dy + r * n, n, AddTo);
    if (ds) ds[r] += row_dot(dy + r * n, x + r * n, n);
  });
}

}  // namespace ISA
