// attention_gram.h: channel attention over many pixels, through the Gram matrix
// G = s·sᵀ.
//
//   S_ij = q_i·k_j = Wq_i G Wk_jᵀ, ‖q_i‖² = Wq_i G Wq_iᵀ;  c_ij = S_ij/(‖q_i‖‖k_j‖)
//   dS_ij = dc_ij/(‖q_i‖‖k_j‖), γ_i = 2 d‖q_i‖² = −Σ_j dc_ij c_ij/‖q_i‖², same for k
//   dWq = dS·Tk + γq ⊙ Tq,  dWk = dSᵀ·Tq + γk ⊙ Tk,  T = W·G
//   dq = Mq·s, Mq = dS·Wk + γq ⊙ Wq,  dk = Mk·s, Mk = dSᵀ·Wq + γk ⊙ Wk
//   ds = (Wqᵀ·Mq + Wkᵀ·Mk)·s
//
// q and k are never formed: one pass over s takes C²/2 MACs per pixel and writes
// nothing, while q, k and their product would take 2C² + C²/heads.
//
// G, T and S are in double, where products of floats are exact. Squaring also squares
// the cancellation in q = Wq·s: with κ = ‖Wq_i‖‖s‖/‖q_i‖, in practice 5 to 30, float
// leaves an error of up to κ²·6e-8 in a cosine; in double it stays below that of
// q formed in float, κ·6e-8. Nothing else here cancels in that way.
#pragma once
#include "attention_head.h"

namespace ISA {

constexpr int64_t kGramTile = 64;   // pixels in cache at a time
constexpr int64_t kGramBlock = 48;  // rows of G whose columns begin at the same place

INLINE double* take_doubles(Scratch& s, int64_t n) { return (double*)s.take((size_t)(2 * n)); }

// gram_part adds s·sᵀ over pixels [from,to) to acc [C,Cp], only in the blocks on
// and above the diagonal.
static void gram_part(int64_t C, int64_t hw, const float* s, int64_t from, int64_t to, double* acc, Scratch& scratch) {
  int64_t Cp = round_up(C, L);
  double *u = take_doubles(scratch, C * kGramTile), *ut = take_doubles(scratch, Cp * kGramTile);
  memset(ut, 0, 8 * (size_t)(Cp * kGramTile));
  for (int64_t at = from; at < to; at += kGramTile) {
    int64_t n = min(kGramTile, to - at);
    for (int64_t c = 0; c < C; c++)
      for (int64_t i = 0; i < n; i++) u[c * kGramTile + i] = s[c * hw + at + i];
    transpose(C, n, u, kGramTile, ut, Cp);
    for (int64_t i = 0; i < C; i += kGramBlock) {
      int64_t rows = min(kGramBlock, C - i), j = i / NR * NR;
      gemm(rows, Cp - j, n, u + i * kGramTile, kGramTile, ut + j, Cp, acc + i * Cp + j, Cp, AddTo);
    }
  }
}

struct GramAttention {
  const float *s, *qkv;
  int64_t B, C, Cp, heads, hw, parts;
  double *gram, *sums;  // [B,C,Cp], and its partial sums [B,parts,C,Cp]

  GramAttention(const float* s_, const float* qkv_, int64_t B_, int64_t C_, int64_t heads_, int64_t hw_)
      : s(s_), qkv(qkv_), B(B_), C(C_), Cp(round_up(C_, L)), heads(heads_), hw(hw_),
        parts(clamp(hw / 1024, 1, min(16, max(1, (2 << 20) / (C * Cp * B))))) {}

  // Kept is what the gradient of a head needs: T's rows for q and k [d,Cp].
  struct Kept {
    double *tq, *tk;
  };

  int64_t shared() const { return 2 * B * (1 + parts) * C * Cp; }  // floats
  int64_t columns() const { return Cp; }                           // of a row of Mq or Mk
  size_t floats() const {
    int64_t d = C / heads, D = round_up(d, L);
    return (size_t)(12 * d * Cp + 2 * C * D + 4 * d * D + 6 * d + 256);
  }

  // prepare computes every sample's Gram matrix.
  void prepare(Pool& pool, float* memory) {
    gram = (double*)memory, sums = gram + B * C * Cp;
    int64_t tiles = ceil_div(hw, kGramTile);
    pool.run(B * parts, (size_t)(2 * (C + Cp) * kGramTile + 64), [&](int64_t unit, Scratch& scratch) {
      int64_t b = unit / parts, p = unit % parts;
      double* acc = sums + unit * C * Cp;
      memset(acc, 0, 8 * (size_t)(C * Cp));
      gram_part(C, hw, s + b * C * hw, tiles * p / parts * kGramTile, min(hw, tiles * (p + 1) / parts * kGramTile),
                acc, scratch);
    });
    pool.run(B * C, 0, [&](int64_t unit, Scratch&) {
      int64_t b = unit / C, i = unit % C;
      double* row = gram + unit * Cp;
      memset(row, 0, 8 * (size_t)Cp);
      for (int64_t p = 0; p < parts; p++)
        for (int64_t j = 0; j < C; j++) row[j] += sums[(b * parts + p) * C * Cp + min(i, j) * Cp + max(i, j)];
    });
  }

  // cosines computes a head's c and the lengths of its rows.
  Kept cosines(int64_t b, const Head& h, Scratch& scratch) const {
    int64_t d = h.d;
    double *wq = widen(d, h.wq, scratch), *wk = widen(d, h.wk, scratch), *S = take_doubles(scratch, d * h.D),
           *iq = take_doubles(scratch, d), *ik = take_doubles(scratch, d);
    Kept t = {project(b, d, wq, h.q, iq, scratch), project(b, d, wk, h.k, ik, scratch)};
    gemm(d, h.D, C, t.tq, Cp, take_transposed(d, C, wk, Cp, h.D, scratch), h.D, S, h.D, Overwrite);
    for (int64_t i = 0; i < d; i++)
      for (int64_t j = 0; j < d; j++) h.cosines[i * h.D + j] = (float)(S[i * h.D + j] * iq[i] * ik[j]);
    return t;
  }

  // widen converts w [d,C] to double with rows of Cp, narrow converts x [d,Cp] to float.
  double* widen(int64_t d, const float* w, Scratch& scratch) const {
    double* y = take_doubles(scratch, d * Cp);
    for (int64_t i = 0; i < d; i++)
      for (int64_t c = 0; c < Cp; c++) y[i * Cp + c] = c < C ? w[i * C + c] : 0;
    return y;
  }
  float* narrow(int64_t d, const double* x, Scratch& scratch) const {
    float* y = scratch.take(d * Cp);
    for (int64_t i = 0; i < d * Cp; i++) y[i] = (float)x[i];
    return y;
  }

  // project returns T = w·G for rows w [d,Cp] of Wq or Wk, with the lengths of
  // the rows of q or k and their inverses.
  double* project(int64_t b, int64_t d, const double* w, Length* lengths, double* inverse, Scratch& scratch) const {
    double* t = take_doubles(scratch, d * Cp);
    gemm(d, Cp, C, w, Cp, gram + b * C * Cp, Cp, t, Cp, Overwrite);
    for (int64_t i = 0; i < d; i++) {
      vd squares = {};
      for (int64_t c = i * Cp; c < (i + 1) * Cp; c += L / 2) squares += load(w + c) * load(t + c);
      double square = sum(squares), norm = sqrt(square > 0 ? square : 0);
      lengths[i] = at_least((float)norm);
      inverse[i] = 1 / (norm < 1e-12 ? 1e-12 : norm);
    }
    return t;
  }

  // grad writes a head's rows of dWq and dWk, and of Mq and Mk, [C,Cp] each.
  void grad(int64_t, const Head& h, const Kept& t, const float* dc, float* dwq, float* dwk, float* mq, float* mk,
            Scratch& scratch) const {
    int64_t d = h.d;
    float *dS = scratch.take(d * h.D), *gq = scratch.take(d), *gk = scratch.take(d);
    scores_grad(h, dc, dS, gq, gk);
    const float* dSt = take_transposed(d, d, dS, h.D, h.D, scratch);
    const float *wq = take_padded(d, C, h.wq, Cp, scratch), *wk = take_padded(d, C, h.wk, Cp, scratch);
    const float *tq = narrow(d, t.tq, scratch), *tk = narrow(d, t.tk, scratch);
    blend(h, dS, tk, gq, tq, dwq);
    blend(h, dSt, tq, gk, tk, dwk);
    blend(h, dS, wk, gq, wq, mq);
    blend(h, dSt, wq, gk, wk, mk);
  }

  // scores_grad turns dc into dS, and the gradients γ of the lengths.
  void scores_grad(const Head& h, const float* dc, float* dS, float* gq, float* gk) const {
    for (int64_t i = 0; i < h.d; i++) gq[i] = gk[i] = 0;
    for (int64_t i = 0; i < h.d; i++)
      for (int64_t j = 0, at = i * h.D; j < h.d; j++, at++) {
        float along = dc[at] * h.cosines[at];
        gq[i] -= along, gk[j] -= along;
        dS[at] = dc[at] / h.q[i].divisor / h.k[j].divisor;
      }
    for (int64_t i = 0; i < h.d; i++) {
      gq[i] = h.q[i].varies ? gq[i] / h.q[i].divisor / h.q[i].divisor : 0;
      gk[i] = h.k[i].varies ? gk[i] / h.k[i].divisor / h.k[i].divisor : 0;
    }
  }

  // blend computes y = S·other + γ ⊙ own, other, own and y being [d,Cp].
  void blend(const Head& h, const float* S, const float* other, const float* gamma, const float* own, float* y) const {
    gemm(h.d, Cp, h.d, S, h.D, other, Cp, y, Cp, Overwrite);
    for (int64_t i = 0; i < h.d; i++) combine(y + i * Cp, Cp, 1, gamma + i, 1, own + i * Cp, Cp, AddTo);
  }

  // add_ds adds the gradient of s, given Mq and Mk [B,2C,Cp]. It overwrites G.
  void add_ds(Pool& pool, float* ds, const float* m) const {
    float* y = (float*)gram;  // Wqᵀ·Mq + Wkᵀ·Mk [B,C,C]
    back_project(pool, B, C, Cp, qkv, m, [&](int64_t b, int64_t c, const float* row) {
      memcpy(y + (b * C + c) * C, row, 4 * (size_t)C);
    });
    int64_t T = clamp((64 << 10) / C / 32 * 32, 64, 256), per_image = ceil_div(hw, T);
    pool.run(B * per_image, (size_t)(2 * C * T + 64), [&](int64_t unit, Scratch& scratch) {
      int64_t b = unit / per_image, at = unit % per_image * T, n = min(T, hw - at), N = round_up(n, L);
      float *u = scratch.take(C * N), *v = scratch.take(C * N);
      for (int64_t c = 0; c < C; c++) copy_padded(u + c * N, s + (b * C + c) * hw + at, n, N);
      gemm(C, N, C, y + b * C * C, C, u, N, v, N, Overwrite);
      for (int64_t c = 0; c < C; c++) add_to(ds + (b * C + c) * hw + at, v + c * N, n);
    });
  }
};

}  // namespace ISA
