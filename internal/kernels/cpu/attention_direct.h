// attention_direct.h: channel attention over few pixels, through q and k themselves.
//
//   q = Wq·s, k = Wk·s;  q̂_i = q_i/max(‖q_i‖, 1e-12), the same for k;  c = q̂·k̂ᵀ
//   dq̂ = dc·k̂, dk̂ = dcᵀ·q̂;  dq_i = (dq̂_i − q̂_i ⟨q̂_i, dq̂_i⟩)/‖q_i‖, the same for k
//   dWq = dq·sᵀ, dWk = dk·sᵀ;  ds = Wqᵀ·dq + Wkᵀ·dk
//
// Rows are divided by their lengths, not multiplied by an inverse: for a single
// pixel q̂ is then exactly ±1 and dq exactly 0, as it should be. (Adam would turn
// a rounding error into a full step.)
#pragma once
#include "attention_head.h"

namespace ISA {

constexpr int64_t kPixels = 128;  // pixels of s in cache at a time

struct DirectAttention {
  const float *s, *qkv;
  int64_t B, C, heads, hw, N;

  DirectAttention(const float* s_, const float* qkv_, int64_t B_, int64_t C_, int64_t heads_, int64_t hw_)
      : s(s_), qkv(qkv_), B(B_), C(C_), heads(heads_), hw(hw_), N(round_up(hw_, L)) {}

  // Kept is what the gradient of a head needs: q̂ and k̂ [d,N].
  struct Kept {
    float *q, *k;
  };

  int64_t shared() const { return 0; }  // floats
  void prepare(Pool&, float*) const {}
  int64_t columns() const { return N; }  // of a row of dq or dk
  size_t floats() const {
    int64_t d = C / heads, D = round_up(d, L), Cp = round_up(C, L);
    return (size_t)(2 * d * N + (C + Cp) * kPixels + N * D + d * D + 128);
  }

  // cosines computes a head's c and the lengths of its rows.
  Kept cosines(int64_t b, const Head& h, Scratch& scratch) const {
    Kept x = {scratch.take(h.d * N), scratch.take(h.d * N)};
    float* u = scratch.take(C * kPixels);
    for (int64_t at = 0; at < hw; at += kPixels) {
      int64_t n = min(kPixels, hw - at), room = round_up(n, L);
      for (int64_t c = 0; c < C; c++) copy_padded(u + c * room, s + (b * C + c) * hw + at, n, room);
      gemm(h.d, room, C, h.wq, C, u, room, x.q + at, N, Overwrite);
      gemm(h.d, room, C, h.wk, C, u, room, x.k + at, N, Overwrite);
    }
    for (int64_t i = 0; i < h.d; i++) h.q[i] = unit_row(x.q + i * N), h.k[i] = unit_row(x.k + i * N);
    const float* kt = take_transposed(h.d, N, x.k, N, h.D, scratch);
    gemm(h.d, h.D, N, x.q, N, kt, h.D, h.cosines, h.D, Overwrite);
    return x;
  }

  Length unit_row(float* x) const {
    Length l = length(x, N);
    for (int64_t i = 0; i < N; i += L) store(x + i, load(x + i) / l.divisor);
    return l;
  }

  // grad writes a head's rows of dWq and dWk [C,Cp], and of dq and dk [C,N].
  void grad(int64_t b, const Head& h, const Kept& x, const float* dc, float* dwq, float* dwk, float* dq, float* dk,
            Scratch& scratch) const {
    const float* dct = take_transposed(h.d, h.d, dc, h.D, h.D, scratch);
    gemm(h.d, N, h.d, dc, h.D, x.k, N, dq, N, Overwrite);
    gemm(h.d, N, h.d, dct, h.D, x.q, N, dk, N, Overwrite);
    for (int64_t i = 0; i < h.d; i++) {
      unit_row_grad(dq + i * N, x.q + i * N, h.q[i]);
      unit_row_grad(dk + i * N, x.k + i * N, h.k[i]);
    }
    float* ut = scratch.take(kPixels * h.Cp);
    memset(ut, 0, 4 * (size_t)(kPixels * h.Cp));
    for (int64_t at = 0; at < hw; at += kPixels) {
      int64_t n = min(kPixels, hw - at);
      transpose(C, n, s + b * C * hw + at, hw, ut, h.Cp);
      gemm(h.d, h.Cp, n, dq + at, N, ut, h.Cp, dwq, h.Cp, at ? AddTo : Overwrite);
      gemm(h.d, h.Cp, n, dk + at, N, ut, h.Cp, dwk, h.Cp, at ? AddTo : Overwrite);
    }
  }

  // unit_row_grad turns the gradient g of x̂ into that of x.
  void unit_row_grad(float* g, const float* x, Length l) const {
    float along = l.varies ? row_dot(x, g, N) : 0;
    for (int64_t i = 0; i < N; i += L) store(g + i, (load(g + i) - load(x + i) * along) / l.divisor);
  }

  // add_ds adds the gradient of s, given dq and dk [B,2C,N].
  void add_ds(Pool& pool, float* ds, const float* dqk) const {
    back_project(pool, B, C, N, qkv, dqk, [&](int64_t b, int64_t c, const float* row) {
      add_to(ds + (b * C + c) * hw, row, hw);
    });
  }
};

}  // namespace ISA
