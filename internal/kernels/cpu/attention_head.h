// attention_head.h: one head of channel attention, from its cosines to its rows of m,
// however the cosines were computed.
//
//   A = softmax_j(temperature · c),  m = A·Wv
//   dA = dm·Wvᵀ, dWv = Aᵀ·dm;  dL = A ⊙ (dA − rowsum(dA ⊙ A)), L = temperature·c
//   dc = temperature·dL, dtemperature = Σ dL ⊙ c
#pragma once
#include "each.h"

namespace ISA {

// Head is one head of one sample: channels [at, at+d). Its own matrices and their
// gradients have rows of D floats; matrices over all channels have rows of Cp.
struct Head {
  int64_t C, Cp, d, D, at;
  const float *wq, *wk, *wv;  // the head's rows of Wq, Wk and Wv [d,C]
  float temperature;
  float *cosines, *a;  // [d,D]
  Length *q, *k;       // lengths of the rows of q and k [d]

  static size_t floats(int64_t C, int64_t heads) {
    int64_t d = C / heads, D = round_up(d, L), Cp = round_up(C, L);
    return (size_t)(4 * d * D + C * D + 2 * d * Cp + 4 * d + 128);
  }
  Head(int64_t C_, int64_t heads, int64_t head, const float* qkv, float temperature_, Scratch& s)
      : C(C_), Cp(round_up(C, L)), d(C / heads), D(round_up(d, L)), at(d * head), wq(qkv + at * C), wk(wq + C * C),
        wv(wk + C * C), temperature(temperature_) {
    cosines = s.take(d * D), a = s.take(d * D);
    q = (Length*)s.take(2 * d), k = (Length*)s.take(2 * d);
  }
};

// take_transposed returns the transpose of x [rows,cols], whose rows are ldx apart, in
// rows of ldy padded with zeros.
template <class T>
INLINE T* take_transposed(int64_t rows, int64_t cols, const T* x, int64_t ldx, int64_t ldy, Scratch& s) {
  T* y = (T*)s.take(cols * ldy * (sizeof(T) / sizeof(float)));
  memset(y, 0, sizeof(T) * (size_t)(cols * ldy));
  transpose(rows, cols, x, ldx, y, ldy);
  return y;
}

// take_padded returns x [rows,cols] in rows of ld padded with zeros.
INLINE float* take_padded(int64_t rows, int64_t cols, const float* x, int64_t ld, Scratch& s) {
  float* y = s.take(rows * ld);
  for (int64_t i = 0; i < rows; i++) copy_padded(y + i * ld, x + i * cols, cols, ld);
  return y;
}

// attend computes A from the cosines.
static void attend(const Head& h) {
  for (int64_t i = 0; i < h.d; i++) {
    float *c = h.cosines + i * h.D, *a = h.a + i * h.D, top = -3.4e38f, total = 0;
    for (int64_t j = 0; j < h.d; j++) top = max_f(top, h.temperature * c[j]);
    for (int64_t j = 0; j < h.d; j++) total += a[j] = expf(h.temperature * c[j] - top);
    for (int64_t j = 0; j < h.d; j++) a[j] /= total;
  }
}

// map_rows writes the head's rows of m [C,C].
static void map_rows(const Head& h, float* m, Scratch& s) {
  float *v = take_padded(h.d, h.C, h.wv, h.Cp, s), *rows = s.take(h.d * h.Cp);
  gemm(h.d, h.Cp, h.d, h.a, h.D, v, h.Cp, rows, h.Cp, Overwrite);
  for (int64_t i = 0; i < h.d; i++) memcpy(m + (h.at + i) * h.C, rows + i * h.Cp, 4 * (size_t)h.C);
}

// cosines_grad computes dc [d,D] from the gradient of m [C,C], and returns the gradient
// of the temperature.
static float cosines_grad(const Head& h, const float* dm, float* dc, Scratch& s) {
  const float* wvt = take_transposed(h.d, h.C, h.wv, h.C, h.D, s);
  gemm(h.d, h.D, h.C, dm + h.at * h.C, h.C, wvt, h.D, dc, h.D, Overwrite);
  float dtemperature = 0;
  for (int64_t i = 0; i < h.d; i++) {
    const float *a = h.a + i * h.D, *c = h.cosines + i * h.D;
    float* g = dc + i * h.D;
    softmax_back(g, a, h.d);
    dtemperature += row_dot(g, c, h.d);
    for (int64_t j = 0; j < h.d; j++) g[j] *= h.temperature;
  }
  return dtemperature;
}

// value_grad writes the head's rows of dWv [C,Cp].
static void value_grad(const Head& h, const float* dm, float* dwv, Scratch& s) {
  const float *u = take_padded(h.d, h.C, dm + h.at * h.C, h.Cp, s), *at = take_transposed(h.d, h.d, h.a, h.D, h.D, s);
  gemm(h.d, h.Cp, h.d, at, h.D, u, h.Cp, dwv + h.at * h.Cp, h.Cp, Overwrite);
}

// back_project computes Wqᵀ·dq + Wkᵀ·dk [C,N] of every sample, dq and dk being
// the halves of dqk [B,2C,N], and calls use(b, c, row) for each row.
template <class F>
static void back_project(Pool& pool, int64_t B, int64_t C, int64_t N, const float* qkv, const float* dqk, F&& use) {
  int64_t block = min(C, 48), blocks = ceil_div(C, block);
  pool.run(B * blocks, (size_t)(block * (2 * C + N) + 64), [&](int64_t unit, Scratch& s) {
    int64_t b = unit / blocks, from = unit % blocks * block, rows = min(block, C - from);
    float *wt = s.take(rows * 2 * C), *y = s.take(rows * N);
    transpose(2 * C, rows, qkv + from, C, wt, 2 * C);
    gemm(rows, N, 2 * C, wt, 2 * C, dqk + b * 2 * C * N, N, y, N, Overwrite);
    for (int64_t r = 0; r < rows; r++) use(b, from + r, y + r * N);
  });
}

}  // namespace ISA
