// filter.h: the dynamic low-pass filter of FSB and the gate of Eq. 15.
//
//   low_bcij = Σ_uv f_b,g(c),uv x_bc,i+u−r,j+v−r,  high = x − low,  r = k/2
//
// with x reflected at its edges (Eqs. 12, 13). Rows are copied into scratch with
// their reflected margins; every output is then k² products of shifted rows, and
// nothing is unfolded. 12 bytes and k² MACs per element; bound by memory at k = 3.
//
// Backward, with g = dlow − dhigh: the transposed filter, which is the filter
// flipped, on g padded with zeros, gives the gradient of the padded rows,
// whose margins are added to the pixels that they reflect; df_uv is g times the
// shifted x. A unit is one filter, all planes of its group.
#pragma once
#include "filter_batchnorm.h"
#include "each.h"

namespace ISA {

// filter_side returns k of taps [B,G,k²].
INLINE int64_t filter_side(const Tensor& f) {
  int64_t k = 1;
  while (k * k < f.n[2]) k++;
  return k;
}

// FilterPlan is a filter of k×k taps on H×W planes. A padded row is a line: r
// floats of margin, W of the image, r of margin, and room for a vector's end.
struct FilterPlan {
  int64_t H, W, k, r, line;
  FilterPlan(int64_t H_, int64_t W_, int64_t k_)
      : H(H_), W(W_), k(k_), r(k_ / 2), line(round_up(W_ + 2 * r, NR) + round_up(2 * r, NR)) {}
};

// reflected reflects i into [0,n) without repeating the edge: −1 is 1, n is n−2.
INLINE int64_t reflected(int64_t i, int64_t n) {
  if (i < 0) i = -i;
  return i < n ? i : 2 * (n - 1) - i;
}

// reflected_row copies row y of a plane, which may lie outside, to u.
INLINE void reflected_row(const FilterPlan& p, const float* plane, int64_t y, float* u) {
  const float* x = plane + reflected(y, p.H) * p.W;
  copy_padded(u + p.r, x, p.W, p.line - p.r);
  for (int64_t i = 1; i <= p.r; i++) {
    u[p.r - i] = x[reflected(-i, p.W)];
    u[p.r + p.W - 1 + i] = x[reflected(p.W - 1 + i, p.W)];
  }
}

// correlate_row computes out_x = Σ_uv f_uv u[u][x + v] for n outputs, rounded up
// to NR, from k lines; K is k if it is a constant, else 0.
template <int K>
static void correlate_taps(int64_t k, int64_t n, const float* f, const float* u, int64_t line, float* out) {
  if (K) k = K;
  for (int64_t x = 0; x < n; x += NR) {
    vf a = {}, b = {};
    for (int64_t i = 0; i < k; i++)
      for (int64_t j = 0; j < k; j++) {
        const float* p = u + i * line + x + j;
        a += f[i * k + j] * load(p);
        b += f[i * k + j] * load(p + L);
      }
    store(out + x, a), store(out + x + L, b);
  }
}
INLINE void correlate_row(int64_t k, int64_t n, const float* f, const float* u, int64_t line, float* out) {
  (k == 3 ? correlate_taps<3> : correlate_taps<0>)(k, n, f, u, line, out);
}

static void dynamic_filter(Pool& pool, Tensor low, Tensor high, Tensor x, Tensor f) {
  int64_t B = x.n[0], C = x.n[1], H = x.n[2], W = x.n[3];
  int64_t G = f.n[1], k = filter_side(f);
  FilterPlan p(H, W, k);
  int64_t band = clamp(kChunk / W, 1, H), bands = ceil_div(H, band);
  pool.run(B * C * bands, (size_t)((band + 2 * p.r + 1) * p.line + 32), [&](int64_t unit, Scratch& s) {
    int64_t plane = unit / bands, y0 = unit % bands * band, y1 = min(y0 + band, H);
    float *u = s.take((size_t)((y1 - y0 + 2 * p.r) * p.line)), *out = s.take((size_t)p.line);
    const float *src = x + plane * H * W, *taps = f + plane / (C / G) * k * k;
    for (int64_t y = y0 - p.r; y < y1 + p.r; y++) reflected_row(p, src, y, u + (y - y0 + p.r) * p.line);
    for (int64_t y = y0; y < y1; y++) {
      correlate_row(k, W, taps, u + (y - y0) * p.line, p.line, out);
      float *l = low + (plane * H + y) * W, *h = high + (plane * H + y) * W;
      const float* row = src + y * W;
      memcpy(l, out, 4 * (size_t)W);
      each_vector(W, VECTOR { store_n(h + i, load_n(row + i, lanes) - load(out + i), lanes); });
    }
  });
}

// FilterGrad is the scratch of one filter's gradient: a plane's padded rows u
// [H+2r, line], its g [H+4r, line] surrounded by zeros, the reversed taps, a row, and
// a vector of sums for each tap.
struct FilterGrad {
  const FilterPlan& p;
  float *u, *g, *flipped, *row, *sums;

  static size_t floats(const FilterPlan& p) {
    return (size_t)((2 * p.H + 6 * p.r + 1) * p.line + p.k * p.k * (L + 1) + 80);
  }
  FilterGrad(const FilterPlan& p_, const float* f, Scratch& s) : p(p_) {
    int64_t kk = p.k * p.k;
    u = s.take((size_t)((p.H + 2 * p.r) * p.line)), g = s.take((size_t)((p.H + 4 * p.r) * p.line));
    flipped = s.take((size_t)kk), row = s.take((size_t)p.line), sums = s.take((size_t)(kk * L));
    for (int64_t t = 0; t < kk; t++) flipped[t] = f[kk - 1 - t];
    memset(g, 0, 4 * (size_t)((p.H + 4 * p.r) * p.line));
    memset(sums, 0, 4 * (size_t)(kk * L));
  }

  // difference fills g with dlow − dhigh.
  void difference(const float* dlow, const float* dhigh) const {
    for (int64_t y = 0; y < p.H; y++) {
      float* d = g + (y + 2 * p.r) * p.line + 2 * p.r;
      const float *a = dlow + y * p.W, *b = dhigh + y * p.W;
      each_vector(p.W, VECTOR { store_n(d + i, load_n(a + i, lanes) - load_n(b + i, lanes), lanes); });
    }
  }

  // input adds a plane's share to dx.
  void input(float* dx, const float* dhigh) const {
    add_to(dx, dhigh, p.H * p.W);
    for (int64_t y = -p.r; y < p.H + p.r; y++) {
      float* d = dx + reflected(y, p.H) * p.W;
      correlate_row(p.k, p.W + 2 * p.r, flipped, g + (y + p.r) * p.line, p.line, row);
      add_to(d, row + p.r, p.W);
      for (int64_t i = 1; i <= p.r; i++) {
        d[reflected(-i, p.W)] += row[p.r - i];
        d[reflected(p.W - 1 + i, p.W)] += row[p.r + p.W - 1 + i];
      }
    }
  }

  // taps adds a plane's share to the sums.
  void taps(const float* x) const {
    for (int64_t y = 0; y < p.H + 2 * p.r; y++) reflected_row(p, x, y - p.r, u + y * p.line);
    for (int64_t y = 0; y < p.H; y++)
      for (int64_t t = 0; t < p.k * p.k; t++) {
        const float *a = g + (y + 2 * p.r) * p.line + 2 * p.r, *b = u + (y + t / p.k) * p.line + t % p.k;
        vf s = {};
        for (int64_t i = 0; i < p.W; i += L) s += load(a + i) * load(b + i);
        store(sums + t * L, load(sums + t * L) + s);
      }
  }
};

static void dynamic_filter_grad(Pool& pool, Tensor dx, Tensor df, Tensor dlow, Tensor dhigh, Tensor x, Tensor f) {
  int64_t B = x.n[0], C = x.n[1], H = x.n[2], W = x.n[3];
  int64_t G = f.n[1], k = filter_side(f);
  FilterPlan p(H, W, k);
  pool.run(B * G, FilterGrad::floats(p), [&](int64_t unit, Scratch& s) {
    FilterGrad grad(p, f + unit * k * k, s);
    for (int64_t c = unit * (C / G); c < (unit + 1) * (C / G); c++) {
      int64_t at = c * H * W;
      grad.difference(dlow + at, dhigh + at);
      if (dx) grad.input(dx + at, dhigh + at);
      if (df) grad.taps(x + at);
    }
    for (int64_t t = 0; t < k * k && df; t++) df[unit * k * k + t] += sum(load(grad.sums + t * L));
  });
}

// sigmoid_gate: y = σ(g) ⊙ x (Eq. 15). 12 bytes per element, 20 with the gradient;
// the exponential costs about as much as the memory.
static void sigmoid_gate(Pool& pool, Tensor y, Tensor g, Tensor x) {
  int64_t n = size(y);
  each_chunk(pool, n, [&](int64_t from, int64_t to) {
    float* d = y + from;
    const float *a = g + from, *b = x + from;
    each_vector(to - from, VECTOR { store_n(d + i, vsigmoid(load_n(a + i, lanes)) * load_n(b + i, lanes), lanes); });
  });
}

// sigmoid_gate_grad: dx = σ dy, dg = σ(1 − σ) x dy.
static void sigmoid_gate_grad(Pool& pool, Tensor dg, Tensor dx, Tensor dy, Tensor g, Tensor x) {
  int64_t n = size(dy);
  each_chunk(pool, n, [&](int64_t from, int64_t to) {
    const float *a = g + from, *b = x + from, *c = dy + from;
    float *da = dg ? dg + from : nullptr, *db = dx ? dx + from : nullptr;
    each_vector(to - from, VECTOR {
      vf s = vsigmoid(load_n(a + i, lanes)), d = s * load_n(c + i, lanes);
      if (db) store_n(db + i, load_n(db + i, lanes) + d, lanes);
      if (da) store_n(da + i, load_n(da + i, lanes) + d * (1.0f - s) * load_n(b + i, lanes), lanes);
    });
  });
}

}  // namespace ISA
