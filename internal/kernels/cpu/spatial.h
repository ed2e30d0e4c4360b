// spatial.h: the mean over pixels, and bilinear resizing with half-pixel
// centres, edges clamped, no antialiasing.
//
// mean: 4 bytes per pixel, bound by memory; blocks are summed in float32 and added
// in float64. resize: an output row is a blend of two source rows (vectors), then
// of neighbours within it (gathers); bound by the gathers. Backward the same
// steps are transposed; a unit is one plane, since neighbours share their sources.
#pragma once
#include "each.h"

namespace ISA {

constexpr int64_t kMeanBlock = 512;

static void mean_hw(Pool& pool, Tensor y, Tensor x) {
  int64_t planes = x.n[0] * x.n[1], HW = x.n[2] * x.n[3];
  each_row(pool, planes, HW, 0, [&](int64_t p, Scratch&) {
    double total = 0;
    for (int64_t at = 0; at < HW; at += kMeanBlock) {
      const float* block = x + p * HW + at;
      vf s = {};
      each_vector(min(HW - at, kMeanBlock), VECTOR { s += load_n(block + i, lanes); });
      total += sum(s);
    }
    y[p] = (float)(total / HW);
  });
}

static void mean_hw_grad(Pool& pool, Tensor dx, Tensor dy) {
  if (!dx) return;
  int64_t planes = dx.n[0] * dx.n[1], HW = dx.n[2] * dx.n[3];
  each_row(pool, planes, HW, 0, [&](int64_t p, Scratch&) {
    float *d = dx + p * HW, g = dy[p] / HW;
    each_vector(HW, VECTOR { store_n(d + i, load_n(d + i, lanes) + g, lanes); });
  });
}

// Neighbours are the two pixels of a line that a resized pixel's centre lies
// between, and the second's weight.
struct Neighbours {
  int64_t first, second;
  float weight;
};
INLINE Neighbours neighbours(int64_t i, int64_t to, int64_t from) {
  double at = (i + 0.5) * from / to - 0.5;
  if (at < 0) at = 0;
  int64_t first = min((int64_t)at, from - 1);
  return {first, min(first + 1, from - 1), (float)(at - first)};
}

// Columns are the neighbours of a row's W pixels.
struct Columns {
  int32_t *first, *second;
  float* weight;
};
INLINE Columns resize_columns(Pool& pool, int64_t W, int64_t w) {
  float* p = pool.shared((size_t)(3 * W));
  Columns c = {(int32_t*)p, (int32_t*)(p + W), p + 2 * W};
  for (int64_t j = 0; j < W; j++) {
    Neighbours n = neighbours(j, W, w);
    c.first[j] = (int32_t)n.first, c.second[j] = (int32_t)n.second, c.weight[j] = n.weight;
  }
  return c;
}

static void resize(Pool& pool, Tensor y, Tensor x) {
  int64_t planes = x.n[0] * x.n[1], h = x.n[2], w = x.n[3], H = y.n[2], W = y.n[3];
  Columns c = resize_columns(pool, W, w);
  each_row(pool, planes * H, 2 * (W + w), w + 16, [&](int64_t row, Scratch& s) {
    Neighbours v = neighbours(row % H, H, h);
    const float* plane = x + row / H * h * w;
    float *blend = s.take((size_t)w), *dst = y + row * W, weights[2] = {1 - v.weight, v.weight};
    combine(blend, w, 2, weights, 1, plane + v.first * w, (v.second - v.first) * w, Overwrite);
    for (int64_t j = 0; j < W; j++)
      dst[j] = (1 - c.weight[j]) * blend[c.first[j]] + c.weight[j] * blend[c.second[j]];
  });
}

static void resize_grad(Pool& pool, Tensor dx, Tensor dy) {
  if (!dx) return;
  int64_t planes = dx.n[0] * dx.n[1], h = dx.n[2], w = dx.n[3], H = dy.n[2], W = dy.n[3];
  Columns c = resize_columns(pool, W, w);
  pool.run(planes, (size_t)(w + 16), [&](int64_t p, Scratch& s) {
    float* blend = s.take((size_t)w);
    for (int64_t i = 0; i < H; i++) {
      Neighbours v = neighbours(i, H, h);
      const float* g = dy + (p * H + i) * W;
      memset(blend, 0, 4 * (size_t)w);
      for (int64_t j = 0; j < W; j++) {
        blend[c.first[j]] += (1 - c.weight[j]) * g[j];
        blend[c.second[j]] += c.weight[j] * g[j];
      }
      float weights[2] = {1 - v.weight, v.weight};
      combine(dx + (p * h + v.first) * w, w, 1, weights, 1, blend, 0, AddTo);
      combine(dx + (p * h + v.second) * w, w, 1, weights + 1, 1, blend, 0, AddTo);
    }
  });
}

}  // namespace ISA
