// attention_grad.h: the gradient of attention_map.
//
// With U = dm and S_ij = q_i·k_j, per head:
//   dA = U Wvᵀ, dWv = Aᵀ U;  dL = A ⊙ (dA − rowsum(dA ⊙ A)), L = temperature·c
//   dS_ij = dc_ij/(‖q_i‖‖k_j‖), d‖q_i‖² = −½ Σ_j dc_ij c_ij/‖q_i‖², same for k
//   dWq = dS Tk + 2 d‖q‖² ⊙ Tq,  dWk = dSᵀ Tq + 2 d‖k‖² ⊙ Tk,  T = W·G
//   X = Wqᵀ(dS Wk + d‖q‖² ⊙ Wq) + Wkᵀ(d‖k‖² ⊙ Wk);  ds = (X + Xᵀ)·s
#pragma once
#include "attention.h"

namespace ISA {

// HeadGrad holds one head's intermediate gradients.
struct HeadGrad {
  float *dS, *nq, *nk;  // [d,d], [d], [d]
};

// score_grad turns dA into dS and the gradients of the squared norms, and
// returns the gradient of the temperature.
static float score_grad(const Attention& h, float temperature, float* dA, const HeadGrad& g) {
  int64_t d = h.d;
  float dtemperature = 0;
  memset(g.nq, 0, 4 * (size_t)d);
  memset(g.nk, 0, 4 * (size_t)d);
  for (int64_t i = 0; i < d; i++) {
    const float *a = h.a + i * d, *c = h.cos + i * d;
    float mean = dot(dA + i * d, a, d);
    for (int64_t j = 0; j < d; j++) {
      float dL = a[j] * (dA[i * d + j] - mean), dc = temperature * dL;
      dtemperature += dL * c[j];
      g.dS[i * d + j] = dc * h.iq[i] * h.ik[j];
      g.nq[i] -= 0.5f * dc * c[j] * h.iq[i] * h.iq[i];
      g.nk[j] -= 0.5f * dc * c[j] * h.ik[j] * h.ik[j];
    }
  }
  return dtemperature;
}

// add_rows adds scale_i · src_i to row i of dst, C floats of rows ld apart.
INLINE void add_rows(float* dst, int64_t ldd, const float* src, int64_t lds, const float* scale, float factor, int64_t d,
                     int64_t C) {
  for (int64_t i = 0; i < d; i++)
    for (int64_t c = 0; c < C; c++) dst[i * ldd + c] += factor * scale[i] * src[i * lds + c];
}

// weight_grad computes a head's rows of dWq, dWk, dWv [3C,Cp] in dw.
static void weight_grad(const AttentionState& st, const Attention& h, const HeadGrad& g, const float* U, float* dw,
                        float* tmp) {
  int64_t C = st.C, Cp = st.Cp, d = h.d;
  float *dq = dw + h.at * Cp, *dk = dw + (C + h.at) * Cp, *dv = dw + (2 * C + h.at) * Cp;
  const float *tq = st.t + h.at * Cp, *tk = st.t + (C + h.at) * Cp;
  gemm(d, Cp, d, g.dS, d, tk, Cp, dq, Cp, Overwrite);
  add_rows(dq, Cp, tq, Cp, g.nq, 2, d, C);
  transpose(d, d, g.dS, d, tmp, d);
  gemm(d, Cp, d, tmp, d, tq, Cp, dk, Cp, Overwrite);
  add_rows(dk, Cp, tk, Cp, g.nk, 2, d, C);
  transpose(d, d, h.a, d, tmp, d);
  gemm(d, Cp, d, tmp, d, U, Cp, dv, Cp, Overwrite);
}

// gram_grad computes a head's share of X [C,Cp] in x. wq and wk are its rows of
// Wq and Wk with rows of Cp.
static void gram_grad(int64_t C, int64_t Cp, int64_t d, const HeadGrad& g, const float* wq, const float* wk, float* x,
                      float* tmp, float* wt) {
  gemm(d, Cp, d, g.dS, d, wk, Cp, tmp, Cp, Overwrite);
  add_rows(tmp, Cp, wq, Cp, g.nq, 1, d, C);
  transpose(d, C, wq, Cp, wt, d);
  gemm(C, Cp, d, wt, d, tmp, Cp, x, Cp, Overwrite);
  memset(tmp, 0, 4 * (size_t)(d * Cp));
  add_rows(tmp, Cp, wk, Cp, g.nk, 1, d, C);
  transpose(d, C, wk, Cp, wt, d);
  gemm(C, Cp, d, wt, d, tmp, Cp, x, Cp, AddTo);
}

// AttentionGrad lays out what a sample's backward pass leaves behind its state.
struct AttentionGrad {
  int64_t C, Cp, heads;
  float *dw, *x, *dtemperature;  // [3C,Cp], [heads,C,Cp], [heads]
  static int64_t floats(int64_t C, int64_t Cp, int64_t heads) { return (3 + heads) * C * Cp + heads; }
  AttentionGrad(int64_t C_, int64_t heads_, float* sample)
      : C(C_), Cp(round_up(C_, NR)), heads(heads_), dw(sample + AttentionState::floats(C, Cp)), x(dw + 3 * C * Cp),
        dtemperature(x + heads * C * Cp) {}
};

static void head_grad(const AttentionState& st, const AttentionGrad& out, const float* dm, const float* qkv,
                      float temperature, int64_t head, Scratch& s) {
  int64_t C = st.C, Cp = st.Cp, d = C / st.heads;
  Attention h(d, head, s);
  attend_head(st, qkv, temperature, h);
  HeadGrad g = {s.take(d * d), s.take(d), s.take(d)};
  float *dA = s.take(d * d), *U = s.take(d * Cp), *wq = s.take(d * Cp), *wk = s.take(d * Cp),
        *tmp = s.take(d * most(Cp, d)), *wt = s.take(C * d);
  for (int64_t i = 0; i < d; i++) {
    copy_padded(U + i * Cp, dm + (h.at + i) * C, C, Cp);
    copy_padded(wq + i * Cp, qkv + (h.at + i) * C, C, Cp);
    copy_padded(wk + i * Cp, qkv + (C + h.at + i) * C, C, Cp);
    for (int64_t j = 0; j < d; j++) dA[i * d + j] = dot(dm + (h.at + i) * C, qkv + (2 * C + h.at + j) * C, C);
  }
  out.dtemperature[head] = score_grad(h, temperature, dA, g);
  weight_grad(st, h, g, U, out.dw, tmp);
  gram_grad(C, Cp, d, g, wq, wk, out.x + head * C * Cp, tmp, wt);
}

// symmetric_total writes Σ_heads X + Xᵀ [C,C] over x's first head.
static void symmetric_total(const AttentionGrad& g, float* total_) {
  for (int64_t i = 0; i < g.C; i++)
    for (int64_t j = 0; j < g.C; j++) {
      float v = 0;
      for (int64_t h = 0; h < g.heads; h++) {
        const float* x = g.x + h * g.C * g.Cp;
        v += x[i * g.Cp + j] + x[j * g.Cp + i];
      }
      total_[i * g.C + j] = v;
    }
}

static void attention_map_grad(Pool& pool, float* ds, float* dqkv, float* dtemperature, const float* dm, const float* s,
                               const float* qkv, const float* temperature, int64_t B, int64_t C, int64_t heads,
                               int64_t hw) {
  int64_t Cp = round_up(C, NR), d = C / heads, own = AttentionGrad::floats(C, Cp, heads);
  AttentionWork work(pool, B, C, hw, own + C * C);
  prepare(pool, work, s, qkv, B, C, heads, hw);
  size_t floats = (size_t)(Attention::floats(d) + 2 * d * d + 2 * d + 4 * d * Cp + C * d + 256);
  pool.run(B * heads, floats, [&](int64_t unit, Scratch& scratch) {
    int64_t b = unit / heads, head = unit % heads;
    head_grad(AttentionState(C, heads, work.sample(b)), AttentionGrad(C, heads, work.sample(b)), dm + b * C * C, qkv,
              temperature[head], head, scratch);
  });
  for (int64_t b = 0; b < B; b++) {
    AttentionGrad g(C, heads, work.sample(b));
    if (dqkv)
      pool.run(3 * C, 0, [&](int64_t r, Scratch&) { add_to(dqkv + r * C, g.dw + r * Cp, C); });
    for (int64_t h = 0; h < heads && dtemperature; h++) dtemperature[h] += g.dtemperature[h];
    if (ds) symmetric_total(g, work.sample(b) + AttentionState::floats(C, Cp) + own);
  }
  if (!ds) return;
  int64_t T = clamp((64 << 10) / C / 32 * 32, 64, 256), per_image = ceil_div(hw, T);
  pool.run(B * per_image, (size_t)(2 * C * T + 64), [&](int64_t unit, Scratch& scratch) {
    int64_t b = unit / per_image, at = unit % per_image * T, n = least(T, hw - at), N = round_up(n, NR);
    float *u = scratch.take(C * N), *v = scratch.take(C * N);
    for (int64_t c = 0; c < C; c++) copy_padded(u + c * N, s + (b * C + c) * hw + at, n, N);
    gemm(C, N, C, work.sample(b) + AttentionState::floats(C, Cp) + own, C, u, N, v, N, Overwrite);
    for (int64_t c = 0; c < C; c++) add_to(ds + (b * C + c) * hw + at, v + c * N, n);
  });
}

}  // namespace ISA
