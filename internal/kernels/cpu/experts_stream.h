// experts_stream.h: gated_ffn for processors on which products are nearly free (amx.h)
// and memory takes the rest of the time. A band's rows are swept once, all hidden channels of all
// experts at a time: a row is read, normalised and expanded into their rings, which
// take most of the second-level cache; the row above it is filtered, gated and
// projected, and y is written. Nothing else of an image is held, and only the rows above
// and below a band are computed twice.
//
// Experts whose rings do not fit are swept in groups, and a wide expert in chunks, by
// experts.h.
#pragma once
#include "experts.h"

namespace ISA {

constexpr int64_t kRings = 320 << 10;  // floats in all rings of a sweep: 1.25 of the 2 MiB of processors with AMX

// FFNStream is a pass over some samples; only its bands depend on the threads.
struct FFNStream {
  FFNPlan p;      // tiles are bands
  int64_t group;  // number of experts in a sweep, 0 if not even one fits
  const float *x, *norm_weight, *norm_bias;
  float* y;

  FFNStream(const FFNPlan& plan, int64_t B, int64_t share) : p(plan) {
    p.chunk = p.h;
    p.tiles.rows = shared_rows(B * p.tiles.across(), p.tiles.H, 64, share);
    group = kRings / ring_floats();
  }
  int64_t ring_floats() const { return 2 * p.h * p.slots * p.stride; }
  int64_t max_rows() const { return p.step + 2; }  // rows that are normalised at once

  // Band is a band's scratch and the experts of its sweep.
  struct Band {
    Operand* u;
    RowRoom<Operand> row;
    float* rings;
    Operand* gate;
    float* out;  // of a step's rows: [C, step·cols]
    const FFNWeights* experts[8];
    float weight[8];
    int64_t count = 0;
  };
  size_t floats(int64_t experts) const {
    int64_t own = p.step * p.cols;
    return (size_t)((p.C + 1) * max_rows() * p.cols + RowRoom<Operand>::floats(p) + experts * ring_floats() +
                    (p.h + 1) * own + p.C * own + 128);
  }

  Ring ring(const Band& b, int64_t i) const { return {b.rings + i * ring_floats(), p.slots, p.stride, p.h}; }

  // sweep adds the experts of b to base, which is x or y, and writes y.
  void sweep(const Tile& t, const Band& b, const float* base) const {
    const int64_t H = p.tiles.H, W = p.tiles.W, image = t.b * p.C * H * W;
    Window w = window(t, H, W);
    for (int64_t i = 0; i < b.count; i++) clear_ring(ring(b, i), 2 * p.h, w.y0 == 0 ? -1 : w.y0);
    for (int64_t row = t.y0, ready = w.y0, rows; row < t.y1; row += rows) {
      rows = min(p.step, t.y1 - row);
      Window next = {ready, min(row + rows + 1, w.y1), w.x0, w.x1};
      ready = next.y1;
      normalised(p, x + image, next, norm_weight, norm_bias, b.u, b.row);
      for (int64_t i = 0; i < b.count; i++) {
        expand_rows(p, ring(b, i), b.experts[i]->expand, 0, p.h, (const Operand*)b.u, next, next.y0, next.y1 - next.y0);
        if (row + rows == H) clear_row(ring(b, i), 2 * p.h, H);
        gate_and_project(t, b, i, row, rows, t.x0 - w.x0);
      }
      for (int64_t c = 0; c < p.C; c++)
        for (int64_t r = 0; r < rows; r++) {
          int64_t at = image + (c * H + row + r) * W + t.x0;
          sum_of_rows(y + at, base + at, b.out + (c * p.step + r) * p.cols, t.x1 - t.x0);
        }
    }
  }

  void gate_and_project(const Tile& t, const Band& b, int64_t i, int64_t row, int64_t rows, int64_t at) const {
    int64_t n = round_up(t.x1 - t.x0, L), own = p.step * p.cols;
    for (int64_t r = 0; r < rows; r++)
      gate_row(ring(b, i), b.experts[i]->depthwise, p.h, 0, p.h, row + r, at, n, b.weight[i],
               Feed<Operand>(b.gate + r * p.cols, own, b.row.feed));
    gemm_runs(p.C, rows, n, p.h, b.experts[i]->project, pitch<Operand>(p.h), {b.gate, own, p.cols},
              {b.out, own, p.cols}, i ? AddTo : Overwrite);
  }

  void run(Pool& pool, int64_t B, int64_t E, const FFNWeights* weights, const float* route) const {
    int64_t per_sweep = min(min(group, E), 8);
    pool.run(B * p.tiles.count(), floats(per_sweep), [&](int64_t unit, Scratch& s) {
      Tile t = tile_at(p.tiles, unit);
      Band b = {take_operand<Operand>(s, p.C, max_rows() * p.cols),
                RowRoom<Operand>(p, s),
                s.take((size_t)(per_sweep * ring_floats())),
                take_operand<Operand>(s, p.h, p.step * p.cols),
                s.take((size_t)(p.C * p.step * p.cols)),
                {},
                {}};
      const float* base = x;
      for (int64_t e = 0; e < E; e++) {
        float weight = route ? route[t.b * E + e] : 1.0f;
        if (weight != 0) b.experts[b.count] = weights + e, b.weight[b.count++] = weight;
        if (b.count == per_sweep || (e == E - 1 && b.count)) sweep(t, b, base), base = y, b.count = 0;
      }
      if (base == x) copy_tile(t);
    });
  }

  // copy_tile computes y = x, for samples that are routed to no expert.
  void copy_tile(const Tile& t) const {
    for (int64_t c = 0; c < p.C; c++)
      for (int64_t r = t.y0; r < t.y1; r++) {
        int64_t at = ((t.b * p.C + c) * p.tiles.H + r) * p.tiles.W + t.x0;
        memcpy(y + at, x + at, 4 * (size_t)(t.x1 - t.x0));
      }
  }
};

static void gated_ffn(Pool& pool, Tensor y, Tensor x, clusir_norm norm, int64_t E, const clusir_ffn* experts,
                      Tensor route) {
  int64_t B = x.n[0], C = x.n[1], H = x.n[2], W = x.n[3];
  int64_t h = experts->project.n[1];
  FFNPlan p = ffn_plan(B, C, h, H, W, pool.threads());
  const FFNWeights* weights = ffn_weights(pool, C, h, B, E, experts, route);
  if constexpr (tiled<Operand>) {
    FFNStream stream(p, B, pool.threads());
    stream.x = x, stream.y = y, stream.norm_weight = norm.weight, stream.norm_bias = norm.bias;
    if (stream.group) return stream.run(pool, B, E, weights, route);
  }
  pool.run(B * p.tiles.count(), FFNScratch::floats(p), [&](int64_t unit, Scratch& scratch) {
    Tile t = tile_at(p.tiles, unit);
    Window w = window(t, H, W);
    FFNScratch s(p, scratch);
    normalised(p, x + t.b * C * H * W, w, norm.weight, norm.bias, s.u, s.row);
    int64_t ldo = (t.y1 - t.y0) * p.cols;
    memset(s.out, 0, 4 * (size_t)(C * ldo));
    for (int64_t e = 0; e < E; e++) {
      float weight = route ? route[t.b * E + e] : 1.0f;
      if (weight == 0) continue;
      for (int64_t j = 0; j < h; j += p.chunk) ffn_chunk(p, s, t, w, weights[e], j, min(p.chunk, h - j), weight);
    }
    for (int64_t c = 0; c < C; c++)
      for (int64_t r = t.y0; r < t.y1; r++) {
        int64_t at = ((t.b * C + c) * H + r) * W + t.x0;
        sum_of_rows(y + at, x + at, s.out + c * ldo + (r - t.y0) * p.cols, t.x1 - t.x0);
      }
  });
}

}  // namespace ISA
