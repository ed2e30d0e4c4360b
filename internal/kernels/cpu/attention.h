// attention.h: channel attention folded into one matrix a sample, m = A·Wv.
//
//   q, k, v = Wq·s, Wk·s, Wv·s;  c_ij = q_i·k_j / (‖q_i‖ ‖k_j‖) per head
//   A = softmax_j(temperature · c);  A·v = (A·Wv)·s = m·s
//
// q, k and v are never formed: every product over pixels that A needs is a
// product with the Gram matrix G = s·sᵀ, since q_i·k_j = Wq_i G Wk_jᵀ and
// ‖q_i‖² = Wq_i G Wq_iᵀ. One pass over s costs C²/2 MACs a pixel where q, k and
// their product cost 2C² + C²/heads, and writes nothing. G is summed in float32
// over 64 pixels, in float64 beyond, because norms taken from G square the
// cancellation in q = Wq·s. Backward, ds = (dG + dGᵀ)·s.
#pragma once
#include "ops_wavelet.h"
#include "tile.h"

namespace ISA {

constexpr int64_t kGramTile = 64;   // pixels summed in float32
constexpr int64_t kGramBlock = 48;  // rows of G that share their columns' start

// AttentionState is one sample's: G, T = [Wq; Wk]·G [2C,Cp], and the squared
// norms of the rows of q and k [2C]. Matrices have rows of Cp floats.
struct AttentionState {
  int64_t C, Cp, heads;
  float *gram, *t, *norm2;
  static int64_t floats(int64_t C, int64_t Cp) { return 3 * C * Cp + round_up(2 * C, 16); }
  AttentionState(int64_t C_, int64_t heads_, float* p)
      : C(C_), Cp(round_up(C_, NR)), heads(heads_), gram(p), t(p + C * Cp), norm2(p + 3 * C * Cp) {}
};

// gram_part sums s·sᵀ over pixels [from,to) into acc [C,Cp], doubles; only the
// blocks on and above the diagonal.
static void gram_part(int64_t C, int64_t hw, const float* s, int64_t from, int64_t to, double* acc, Scratch& scratch) {
  int64_t Cp = round_up(C, NR);
  float *u = scratch.take(C * kGramTile), *ut = scratch.take(Cp * kGramTile), *sum32 = scratch.take(C * Cp);
  memset(ut, 0, 4 * (size_t)(Cp * kGramTile));
  for (int64_t at = from; at < to; at += kGramTile) {
    int64_t n = least(kGramTile, to - at);
    for (int64_t c = 0; c < C; c++) memcpy(u + c * kGramTile, s + c * hw + at, 4 * (size_t)n);
    transpose(C, n, u, kGramTile, ut, Cp);
    for (int64_t i = 0; i < C; i += kGramBlock) {
      int64_t rows = least(kGramBlock, C - i), j = i / NR * NR;
      gemm(rows, Cp - j, n, u + i * kGramTile, kGramTile, ut + j, Cp, sum32 + i * Cp + j, Cp, Overwrite);
      for (int64_t r = i; r < i + rows; r++)
        for (int64_t c = j; c < Cp; c++) acc[r * Cp + c] += sum32[r * Cp + c];
    }
  }
}

INLINE int64_t gram_floats(int64_t C) {
  int64_t Cp = round_up(C, NR);
  return (C + Cp) * kGramTile + C * Cp + 64;
}

// grams computes every sample's Gram matrix.
static void grams(Pool& pool, const float* s, int64_t B, int64_t C, int64_t hw, AttentionState* const state,
                  double* sums, int64_t parts) {
  int64_t Cp = round_up(C, NR), tiles = ceil_div(hw, kGramTile);
  pool.run(B * parts, (size_t)gram_floats(C), [&](int64_t unit, Scratch& scratch) {
    int64_t b = unit / parts, p = unit % parts;
    double* acc = sums + unit * C * Cp;
    memset(acc, 0, 8 * (size_t)(C * Cp));
    gram_part(C, hw, s + b * C * hw, tiles * p / parts * kGramTile, least(hw, tiles * (p + 1) / parts * kGramTile), acc,
              scratch);
  });
  pool.run(B * C, 0, [&](int64_t unit, Scratch&) {
    int64_t b = unit / C, i = unit % C;
    float* row = state[b].gram + i * Cp;
    for (int64_t j = 0; j < C; j++) {
      int64_t lo = least(i, j), hi = most(i, j);
      double v = 0;
      for (int64_t p = 0; p < parts; p++) v += sums[(b * parts + p) * C * Cp + lo * Cp + hi];
      row[j] = (float)v;
    }
    memset(row + C, 0, 4 * (size_t)(Cp - C));
  });
}

INLINE float dot(const float* a, const float* b, int64_t n) {
  vf s = {};
  int64_t i = 0;
  for (; i + L <= n; i += L) s += load(a + i) * load(b + i);
  float t = sum(s);
  for (; i < n; i++) t += a[i] * b[i];
  return t;
}

// Attention is one head's small matrices: the cosines c [d,d], A [d,d] and the
// inverse norms of q's and k's rows.
struct Attention {
  int64_t d, at;  // width, first channel
  float *cos, *a, *iq, *ik;
  static int64_t floats(int64_t d) { return 2 * d * d + 2 * d + 64; }
  Attention(int64_t d_, int64_t head, Scratch& s) : d(d_), at(d_ * head) {
    cos = s.take(d * d), a = s.take(d * d), iq = s.take(d), ik = s.take(d);
  }
};

// project_gram computes T and the squared norms of one head's rows of q and k.
static void project_gram(const AttentionState& st, const float* qkv, int64_t head) {
  int64_t C = st.C, d = C / st.heads;
  for (int64_t part = 0; part < 2; part++) {
    int64_t r = part * C + head * d;
    gemm(d, st.Cp, C, qkv + r * C, C, st.gram, st.Cp, st.t + r * st.Cp, st.Cp, Overwrite);
    for (int64_t i = r; i < r + d; i++) st.norm2[i] = most_f(dot(st.t + i * st.Cp, qkv + i * C, C), 0.0f);
  }
}

// attend computes a head's cosines and A from T.
static void attend_head(const AttentionState& st, const float* qkv, float temperature, const Attention& h) {
  int64_t C = st.C, d = h.d;
  for (int64_t i = 0; i < d; i++) {
    h.iq[i] = 1.0f / most_f(sqrtf(st.norm2[h.at + i]), 1e-12f);
    h.ik[i] = 1.0f / most_f(sqrtf(st.norm2[C + h.at + i]), 1e-12f);
  }
  for (int64_t i = 0; i < d; i++) {
    float *c = h.cos + i * d, *a = h.a + i * d, top = -3.4e38f, total = 0;
    for (int64_t j = 0; j < d; j++) {
      c[j] = dot(st.t + (h.at + i) * st.Cp, qkv + (C + h.at + j) * C, C) * h.iq[i] * h.ik[j];
      top = most_f(top, temperature * c[j]);
    }
    for (int64_t j = 0; j < d; j++) total += a[j] = expf(temperature * c[j] - top);
    for (int64_t j = 0; j < d; j++) a[j] /= total;
  }
}

// AttentionWork holds the shared memory of a call: every sample's state and the
// parts of its Gram matrix.
struct AttentionWork {
  int64_t parts, stride;
  float* base;
  AttentionWork(Pool& pool, int64_t B, int64_t C, int64_t hw, int64_t extra) {
    int64_t Cp = round_up(C, NR), sums = 2 * C * Cp;
    parts = clamp(hw / 1024, 1, least(16, most(1, (4 << 20) / (sums * B))));
    stride = round_up(AttentionState::floats(C, Cp) + extra, 16);
    base = pool.shared((size_t)(B * (stride + parts * sums)));
    sums_ = (double*)(base + B * stride);
  }
  float* sample(int64_t b) const { return base + b * stride; }
  double* sums_;
};

// prepare computes G, T and the norms of every sample.
static void prepare(Pool& pool, const AttentionWork& work, const float* s, const float* qkv, int64_t B, int64_t C,
                    int64_t heads, int64_t hw) {
  for (int64_t b = 0; b < B; b++) {
    AttentionState st(C, heads, work.sample(b));
    grams(pool, s + b * C * hw, 1, C, hw, &st, work.sums_ + b * work.parts * C * st.Cp, work.parts);
  }
  pool.run(B * heads, 0, [&](int64_t unit, Scratch&) {
    project_gram(AttentionState(C, heads, work.sample(unit / heads)), qkv, unit % heads);
  });
}

static void attention_map(Pool& pool, float* m, const float* s, const float* qkv, const float* temperature, int64_t B,
                          int64_t C, int64_t heads, int64_t hw) {
  AttentionWork work(pool, B, C, hw, 0);
  prepare(pool, work, s, qkv, B, C, heads, hw);
  int64_t d = C / heads, Cp = round_up(C, NR);
  pool.run(B * heads, (size_t)(Attention::floats(d) + 2 * d * Cp + 64), [&](int64_t unit, Scratch& scratch) {
    AttentionState st(C, heads, work.sample(unit / heads));
    Attention h(d, unit % heads, scratch);
    attend_head(st, qkv, temperature[unit % heads], h);
    float *v = scratch.take(d * Cp), *out = scratch.take(d * Cp);
    for (int64_t i = 0; i < d; i++) copy_padded(v + i * Cp, qkv + (2 * C + h.at + i) * C, C, Cp);
    gemm(d, Cp, d, h.a, d, v, Cp, out, Cp, Overwrite);
    for (int64_t i = 0; i < d; i++)
      memcpy(m + ((unit / heads) * C + h.at + i) * C, out + i * Cp, 4 * (size_t)C);
  });
}

}  // namespace ISA
