// norm.h: layer norm over channels at every pixel of a tile, with the population
// variance and eps 1e-5 inside the root. Its result is never stored on its own: its
// users normalise the tiles that they are about to multiply.
#pragma once
#include "tile.h"

namespace ISA {

// moments_of computes mean and 1/σ of vecs vectors of pixels, with their sums in registers.
template <int vecs>
INLINE void moments_of(int64_t C, const float* x, int64_t ld, float* mean, float* rstd) {
  vf m[vecs] = {}, s[vecs] = {};
  for (int64_t c = 0; c < C; c++)
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) m[v] += load(x + c * ld + v * L);
#pragma GCC unroll 4
  for (int v = 0; v < vecs; v++) m[v] *= 1.0f / C;
  for (int64_t c = 0; c < C; c++)
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) {
      vf d = load(x + c * ld + v * L) - m[v];
      s[v] += d * d;
    }
#pragma GCC unroll 4
  for (int v = 0; v < vecs; v++) {
    store(mean + v * L, m[v]);
    store(rstd + v * L, 1.0f / vsqrt(s[v] * (1.0f / C) + 1e-5f));
  }
}

// moments computes mean and 1/σ of n pixels (a multiple of L) of x [C], rows ld apart.
INLINE void moments(int64_t C, int64_t n, const float* x, int64_t ld, float* mean, float* rstd) {
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) moments_of<4>(C, x + i, ld, mean + i, rstd + i);
  for (; i < n; i += L) moments_of<1>(C, x + i, ld, mean + i, rstd + i);
}

// layer_norm writes x̂·weight + bias to u for n pixels (a multiple of L), which
// may be x itself, and x̂ = (x − mean)/σ to xhat unless that is NULL.
template <class T>
static void layer_norm(int64_t C, int64_t n, const float* x, int64_t ldx, const float* weight, const float* bias,
                       Feed<T> u, float* xhat, int64_t ldh, float* mean, float* rstd) {
  moments(C, n, x, ldx, mean, rstd);
  for (int64_t c = 0; c < C; c++) {
    vf w = splat(weight[c]), b = splat(bias[c]);
    float* row = u.row();
    for (int64_t i = 0; i < n; i += L) {
      vf v = (load(x + c * ldx + i) - load(mean + i)) * load(rstd + i);
      if (xhat) store(xhat + c * ldh + i, v);
      store(row + i, v * w + b);
    }
    u.done(n);
  }
  u.end(n);
}

// layer_norm_grad turns du [C,n] into dx in place: with v = du·weight,
// dx = (v − mean_c(v) − x̂ mean_c(v x̂))/σ. It adds Σ du·x̂ and Σ du to dweight
// and dbias [C]. a and b are scratch [n].
static void layer_norm_grad(int64_t C, int64_t n, float* du, int64_t ld, const float* xhat, int64_t ldh,
                            const float* rstd, const float* weight, float* dweight, float* dbias, float* a, float* b) {
  memset(a, 0, 4 * (size_t)n);
  memset(b, 0, 4 * (size_t)n);
  for (int64_t c = 0; c < C; c++) {
    vf w = splat(weight[c] / C), dw = {}, db = {};
    for (int64_t i = 0; i < n; i += L) {
      vf g = load(du + c * ld + i), h = load(xhat + c * ldh + i);
      dw += g * h;
      db += g;
      store(a + i, load(a + i) + g * w);
      store(b + i, load(b + i) + g * w * h);
    }
    dweight[c] += sum(dw);
    dbias[c] += sum(db);
  }
  for (int64_t c = 0; c < C; c++) {
    vf w = splat(weight[c]);
    for (int64_t i = 0; i < n; i += L) {
      float* p = du + c * ld + i;
      store(p, (load(p) * w - load(a + i) - load(xhat + c * ldh + i) * load(b + i)) * load(rstd + i));
    }
  }
}

// norm_grad_tile is layer_norm_grad for n pixels x [C,n], which it overwrites with x̂;
// sums holds dweight and dbias, and room has 4n floats.
static void norm_grad_tile(int64_t C, int64_t n, float* x, float* du, int64_t ld, const float* weight, float* sums,
                           float* room) {
  moments(C, n, x, n, room, room + n);
  for (int64_t c = 0; c < C; c++)
    for (int64_t i = 0; i < n; i += L)
      store(x + c * n + i, (load(x + c * n + i) - load(room + i)) * load(room + n + i));
  layer_norm_grad(C, n, du, ld, x, n, room + n, weight, sums, sums + C, room + 2 * n, room + 3 * n);
}

}  // namespace ISA
