// loss.h: the mean absolute difference, perhaps smooth, and how far prototypes are from
// orthogonal. L1 reads 8 bytes an element, 16 with its gradient: bound by memory;
// each chunk is summed on its own and the chunks in their order, in float64.
#pragma once
#include "each.h"

namespace ISA {

// l1: y = Σ h(|x − t|) / n, with h(e) = e²/2β for e < β and e − β/2 elsewhere.
static void l1(Pool& pool, Tensor y, Tensor x, Tensor t, float beta) {
  int64_t n = size(x);
  double total = 0, *sums = (double*)pool.shared((size_t)(2 * ceil_div(n, kChunk)));
  vf limit = splat(beta), curve = splat(.5f / beta), offset = splat(.5f * beta);  // with β = 0 the curve is not used
  each_chunk(pool, n, [&](int64_t from, int64_t to) {
    double chunk = 0;
    for (int64_t at = from; at < to; at += 1024) {
      const float *p = x + at, *q = t + at;
      vf s = {};
      each_vector(min(to - at, 1024), VECTOR {
        vf e = vabs(load_n(p + i, lanes) - load_n(q + i, lanes));
        s += select(e < limit, e * e * curve, e - offset);
      });
      chunk += sum(s);
    }
    sums[from / kChunk] = chunk;
  });
  for (int64_t i = 0; i < ceil_div(n, kChunk); i++) total += sums[i];
  *y = (float)(total / n);
}

// l1_grad: dx = dy/n times (x − t)/β within ±β, elsewhere sign(x − t), sign(0) = 0.
static void l1_grad(Pool& pool, Tensor dx, Tensor dy, Tensor x, Tensor t, float beta) {
  if (!dx) return;
  int64_t n = size(x);
  float g = *dy / n;
  vf limit = splat(beta), slope = splat(g / beta);
  each_chunk(pool, n, [&](int64_t from, int64_t to) {
    float* d = dx + from;
    const float *p = x + from, *q = t + from;
    each_vector(to - from, VECTOR {
      vf e = load_n(p + i, lanes) - load_n(q + i, lanes), step = splat(g);
      vf sign = select(e > vf{}, step, vf{}) - select(e < vf{}, step, vf{});
      store_n(d + i, load_n(d + i, lanes) + select(vabs(e) < limit, e * slope, sign), lanes);
    });
  });
}

// Prototypes holds P̂, the normalised rows of p [N,D], their lengths [N] and the
// gap P̂P̂ᵀ − I [N,N], in float64: near orthogonality the gap is what is left of
// numbers near 1.
struct Prototypes {
  double *hat, *length, *gap;
};
INLINE Prototypes prototypes(Pool& pool, const float* p, int64_t N, int64_t D) {
  double* room = (double*)pool.shared((size_t)(2 * (N * D + N + N * N)));
  Prototypes r = {room, room + N * D, room + N * D + N};
  for (int64_t n = 0; n < N; n++) {
    double square = 0;
    for (int64_t d = 0; d < D; d++) square += (double)p[n * D + d] * p[n * D + d];
    r.length[n] = fmax(sqrt(square), 1e-12);
    for (int64_t d = 0; d < D; d++) r.hat[n * D + d] = p[n * D + d] / r.length[n];
  }
  for (int64_t i = 0; i < N * N; i++) {
    double cosine = 0;
    for (int64_t d = 0; d < D; d++) cosine += r.hat[i / N * D + d] * r.hat[i % N * D + d];
    r.gap[i] = cosine - (i / N == i % N);
  }
  return r;
}

// orthogonality: y = Σ_nm gap_nm² / N².
static void orthogonality(Pool& pool, Tensor y, Tensor p) {
  int64_t N = p.n[0], D = p.n[1];
  Prototypes r = prototypes(pool, p, N, D);
  double total = 0;
  for (int64_t i = 0; i < N * N; i++) total += r.gap[i] * r.gap[i];
  *y = (float)(total / (N * N));
}

// orthogonality_grad: dP̂_n = 4 dy/N² Σ_m gap_nm P̂_m; across the normalisation
// only what is not along P̂_n counts: dp_n = (dP̂_n − P̂_n⟨dP̂_n, P̂_n⟩)/‖p_n‖.
static void orthogonality_grad(Pool& pool, Tensor dp, Tensor dy, Tensor p) {
  if (!dp) return;
  int64_t N = p.n[0], D = p.n[1];
  Prototypes r = prototypes(pool, p, N, D);
  double scale = 4.0 * *dy / (N * N);
  for (int64_t n = 0; n < N; n++) {
    double along = 0;  // ⟨Σ_m gap_nm P̂_m, P̂_n⟩: P̂_m·P̂_n is the gap plus I
    for (int64_t m = 0; m < N; m++) along += r.gap[n * N + m] * (r.gap[n * N + m] + (m == n));
    for (int64_t d = 0; d < D; d++) {
      double g = -along * r.hat[n * D + d];
      for (int64_t m = 0; m < N; m++) g += r.gap[n * N + m] * r.hat[m * D + d];
      dp[n * D + d] += (float)(scale * g / r.length[n]);
    }
  }
}

}  // namespace ISA
