// attention.h: channel attention folded into one matrix a sample, m = A·Wv.
//
//   q, k, v = Wq·s, Wk·s, Wv·s;  c_ij = q_i·k_j / (‖q_i‖ ‖k_j‖) per head
//   A = softmax_j(temperature · c);  A·v = (A·Wv)·s = m·s
//
// v is never formed. The cosines come from s in one of two ways: through q and k if
// there are few pixels (attention_direct.h), else through the Gram matrix of s
// (attention_gram.h). A unit of work is a head of a sample, so nothing depends on the
// number of threads.
#pragma once
#include "attention_direct.h"
#include "attention_gram.h"

namespace ISA {

// Pixels per channel below which q and k are formed, as measured with C of 16 to
// 384 on AVX2; at a factor of 2 from the threshold the better way is faster by a
// quarter. Backward the threshold is lower: forming them takes 6C² MACs per pixel
// against 2C², where those of G count twice because they are in double.
constexpr int64_t kFewForward = 4, kFewBackward = 2;

template <class Way>
static void map_of(Pool& pool, Way way, float* m, const float* temperature) {
  int64_t C = way.C, heads = way.heads;
  way.prepare(pool, pool.shared((size_t)way.shared()));
  pool.run(way.B * heads, Head::floats(C, heads) + way.floats(), [&](int64_t unit, Scratch& scratch) {
    int64_t b = unit / heads, head = unit % heads;
    Head h(C, heads, head, way.qkv, temperature[head], scratch);
    way.cosines(b, h, scratch);
    attend(h);
    map_rows(h, m + b * C * C, scratch);
  });
}

static void attention_map(Pool& pool, Tensor m, Tensor s, Tensor qkv, Tensor temperature) {
  int64_t B = s.n[0], C = s.n[1], heads = size(temperature), hw = s.n[2] * s.n[3];
  if (hw < kFewForward * C)
    map_of(pool, DirectAttention(s, qkv, B, C, heads, hw), m, temperature);
  else
    map_of(pool, GramAttention(s, qkv, B, C, heads, hw), m, temperature);
}

// MapGrad holds every sample's gradients: of Wq, Wk and Wv [B,3,C,Cp], of q and k
// or of Mq and Mk in their place [B,2,C,N], and of the temperatures [B,heads].
struct MapGrad {
  int64_t B, C, Cp, heads, N;
  float *dqkv, *dqk, *dtemperature;
  int64_t floats() const { return B * (3 * C * Cp + 2 * C * N + heads); }
  void at(float* p) { dqkv = p, dqk = dqkv + B * 3 * C * Cp, dtemperature = dqk + B * 2 * C * N; }

  // add_to_weights adds the samples' gradients in order.
  void add_to_weights(Pool& pool, float* dw, float* dt) const {
    if (dw)
      pool.run(3 * C, 0, [&](int64_t r, Scratch&) {
        for (int64_t b = 0; b < B; b++) add_to(dw + r * C, dqkv + (b * 3 * C + r) * Cp, C);
      });
    for (int64_t b = 0; b < B && dt; b++) add_to(dt, dtemperature + b * heads, heads);
  }
};

template <class Way>
static void map_grad_of(Pool& pool, Way way, float* ds, float* dqkv, float* dtemperature, const float* dm,
                        const float* temperature) {
  int64_t C = way.C, heads = way.heads, Cp = round_up(C, L);
  MapGrad grad = {way.B, C, Cp, heads, way.columns(), nullptr, nullptr, nullptr};
  float* memory = pool.shared((size_t)(way.shared() + grad.floats()));
  grad.at(memory + way.shared());
  way.prepare(pool, memory);
  pool.run(way.B * heads, Head::floats(C, heads) + way.floats(), [&](int64_t unit, Scratch& scratch) {
    int64_t b = unit / heads, head = unit % heads;
    Head h(C, heads, head, way.qkv, temperature[head], scratch);
    auto kept = way.cosines(b, h, scratch);
    attend(h);
    float *dc = scratch.take(h.d * h.D), *dw = grad.dqkv + b * 3 * C * Cp, *dqk = grad.dqk + b * 2 * C * grad.N;
    grad.dtemperature[unit] = cosines_grad(h, dm + b * C * C, dc, scratch);
    value_grad(h, dm + b * C * C, dw + 2 * C * Cp, scratch);
    way.grad(b, h, kept, dc, dw + h.at * Cp, dw + (C + h.at) * Cp, dqk + h.at * grad.N, dqk + (C + h.at) * grad.N,
             scratch);
  });
  grad.add_to_weights(pool, dqkv, dtemperature);
  if (ds) way.add_ds(pool, ds, grad.dqk);
}

static void attention_map_grad(Pool& pool, Tensor ds, Tensor dqkv, Tensor dtemperature, Tensor dm, Tensor s,
                               Tensor qkv, Tensor temperature) {
  int64_t B = s.n[0], C = s.n[1], heads = size(temperature), hw = s.n[2] * s.n[3];
  if (hw < kFewBackward * C)
    map_grad_of(pool, DirectAttention(s, qkv, B, C, heads, hw), ds, dqkv, dtemperature, dm, temperature);
  else
    map_grad_of(pool, GramAttention(s, qkv, B, C, heads, hw), ds, dqkv, dtemperature, dm, temperature);
}

}  // namespace ISA
