// conv1x1.h: y = w·concat(xs) + bias at every pixel: a GEMM over tiles of pixels.
//
// A tile of each input is copied into scratch and multiplied from there: rows of an
// image are often a power of two apart and would evict each other from the cache.
// Backward, the same tile gives dx = wᵀ·dy and, transposed, dw = dy·xᵀ.
#pragma once
#include "tile.h"

namespace ISA {

INLINE int64_t channels(int64_t parts, const Tensor* xs) {
  int64_t K = 0;
  for (int64_t i = 0; i < parts; i++) K += xs[i].n[1];
  return K;
}

// pixel_tile is the number of pixels in a tile of K channels: 256 KiB, a
// multiple of L between 64 and 256.
INLINE int64_t pixel_tile(int64_t K, int64_t HW) {
  return min(round_up(HW, L), clamp((64 << 10) / K / 32 * 32, 64, 256));
}

// gather_pixels lays out pixels [at, at+n) of image b of each part, [ΣC, room].
template <class T>
static void gather_pixels(Feed<T> u, int64_t room, int64_t parts, const Tensor* xs, int64_t b, int64_t HW, int64_t at,
                          int64_t n) {
  for (int64_t i = 0; i < parts; i++)
    for (int64_t c = 0; c < xs[i].n[1]; c++) {
      copy_padded(u.row(), xs[i].p + (b * xs[i].n[1] + c) * HW + at, n, room);
      u.done(room);
    }
  u.end(room);
}
static void gather_pixels(float* u, int64_t room, int64_t parts, const Tensor* xs, int64_t b, int64_t HW, int64_t at,
                          int64_t n) {
  gather_pixels(Feed<float>(u, room, nullptr), room, parts, xs, b, HW, at, n);
}

static void conv1x1(Pool& pool, Tensor y, Tensor w, Tensor bias, int64_t parts, const Tensor* xs) {
  int64_t B = y.n[0], O = y.n[1], HW = y.n[2] * y.n[3];
  int64_t K = channels(parts, xs), T = pixel_tile(K, HW), per_image = ceil_div(HW, T);
  const Operand* A = pack_weights<Operand>(pool, w, O, K, pool.shared((size_t)packed_floats<Operand>(O, K)));
  pool.run(B * per_image, (size_t)((K + O + 2) * T + 64), [&](int64_t unit, Scratch& s) {
    int64_t b = unit / per_image, at = unit % per_image * T, n = min(T, HW - at), N = round_up(n, L);
    Operand* u = take_operand<Operand>(s, K, N);
    gather_pixels(Feed<Operand>(u, N, s.take(feed_floats<Operand>(N))), N, parts, xs, b, HW, at, n);
    if (!bias && stored_directly(n))
      return gemm(O, n, K, A, pitch<Operand>(K), u, N, y + b * O * HW + at, HW, Overwrite);
    float* v = s.take(O * N);
    gemm(O, N, K, A, pitch<Operand>(K), u, N, v, N, Overwrite);
    for (int64_t o = 0; o < O; o++) {
      float *dst = y + (b * O + o) * HW + at, *src = v + o * N;
      if (bias)
        for (int64_t i = 0; i < N; i += L) store(src + i, load(src + i) + bias[o]);
      memcpy(dst, src, 4 * (size_t)n);
    }
  });
}

// row_sum is the sum of n floats (a multiple of L).
INLINE float row_sum(const float* p, int64_t n) {
  vf s = {};
  for (int64_t i = 0; i < n; i += L) s += load(p + i);
  return sum(s);
}

// transposed returns wᵀ [K,O] of w [O,K] as operand A, in the pool's shared memory.
INLINE const Operand* transposed(Pool& pool, const float* w, int64_t O, int64_t K) {
  Operand* t = (Operand*)pool.shared((size_t)(pitch<Operand>(O) * K));
  transpose_weights(O, K, w, t, pitch<Operand>(O));
  return t;
}

static void conv1x1_grad_input(Pool& pool, const Tensor* xs, const Tensor* dxs, Tensor dy, const float* w, int64_t B,
                               int64_t O, int64_t HW, int64_t parts, int64_t K) {
  int64_t T = pixel_tile(K + O, HW), per_image = ceil_div(HW, T);
  const Operand* wt = transposed(pool, w, O, K);
  pool.run(B * per_image, (size_t)((K + O + 2) * T + 64), [&](int64_t unit, Scratch& s) {
    int64_t b = unit / per_image, at = unit % per_image * T, n = min(T, HW - at), N = round_up(n, L);
    Operand* g = take_operand<Operand>(s, O, N);
    float* v = s.take(K * N);
    gather_pixels(Feed<Operand>(g, N, s.take(feed_floats<Operand>(N))), N, 1, &dy, b, HW, at, n);
    for (int64_t i = 0, k = 0; i < parts; k += xs[i++].n[1]) {
      int64_t C = xs[i].n[1];
      if (!dxs[i]) continue;
      const Operand* A = wt + k * pitch<Operand>(O);
      if (stored_directly(n)) {
        gemm(C, n, O, A, pitch<Operand>(O), g, N, dxs[i] + b * C * HW + at, HW, AddTo);
        continue;
      }
      gemm(C, N, O, A, pitch<Operand>(O), g, N, v, N, Overwrite);
      for (int64_t c = 0; c < C; c++) add_to(dxs[i] + (b * C + c) * HW + at, v + c * N, n);
    }
  });
}

static void conv1x1_grad_weight(Pool& pool, float* dw, float* dbias, Tensor dy, int64_t B, int64_t O, int64_t HW,
                                int64_t parts, const Tensor* xs, int64_t K) {
  int64_t T = pixel_tile(K + O, HW), per_image = ceil_div(HW, T), units = B * per_image, Kp = round_up(K, L);
  Partials sums = partials(pool, part_count(units, B * HW, O * Kp), O * Kp + O);
  pool.run(sums.parts, (size_t)((K + 2 * O + Kp) * T + 128), [&](int64_t part, Scratch& s) {
    float *u = s.take(K * T), *g = s.take(O * T), *acc = sums.open(part);
    Operand *ut = take_operand<Operand>(s, T, Kp), *A = operand_of<Operand>(g, s, T, O);
    int64_t from, to;
    part_range(sums, units, part, &from, &to);
    for (int64_t unit = from; unit < to; unit++) {
      int64_t b = unit / per_image, at = unit % per_image * T, n = min(T, HW - at), N = round_up(n, L);
      gather_pixels(g, N, 1, &dy, b, HW, at, n);
      for (int64_t o = 0; o < O; o++) acc[O * Kp + o] += row_sum(g + o * N, N);
      if (!dw) continue;
      gather_pixels(u, N, parts, xs, b, HW, at, n);
      transpose_operand(K, N, u, N, ut, Kp);
      gemm(O, Kp, n, pack_rows(O, N, g, A), steps<Operand>(N), ut, Kp, acc, Kp, AddTo);
    }
  });
  reduce(pool, dw, sums, 0, O, K, Kp);
  reduce(pool, dbias, sums, O * Kp, 1, O, O);
}

static void conv1x1_grad(Pool& pool, const Tensor* dxs, Tensor dw, Tensor dbias, Tensor dy, Tensor w, int64_t parts,
                         const Tensor* xs) {
  int64_t B = dy.n[0], O = dy.n[1], HW = dy.n[2] * dy.n[3];
  int64_t K = channels(parts, xs);
  bool input = false;
  for (int64_t i = 0; i < parts; i++) input |= dxs[i] != nullptr;
  if (input) conv1x1_grad_input(pool, xs, dxs, dy, w, B, O, HW, parts, K);
  if (dw || dbias) conv1x1_grad_weight(pool, dw, dbias, dy, B, O, HW, parts, xs, K);
}

}  // namespace ISA
