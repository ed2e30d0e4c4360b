// experts.h: y = x + Σ_e route_e · project(GELU(a) ⊙ b), a, b = depthwise(expand(LN(x))).
//
// One pass over the image. A tile (rows × columns) is normalised once; then,
// expert by expert and a chunk of hidden channels at a time, its rows are swept:
// expand a few rows into a ring, take the depthwise filter and the gate from the
// ring, and add the projection to the tile's result. The ring of a chunk stays
// in the second-level cache and no hidden channel ever reaches memory.
//
// Cost per pixel: C·3h + 18h MACs; memory traffic: x once, y once. Bound by
// arithmetic, for small C by that of the gate (about 40 operations).
#pragma once
#include "norm.h"

namespace ISA {

// FFNPlan is how images of a given size are cut.
struct FFNPlan {
  int64_t C, h;
  Tiles tiles;
  int64_t cols;     // columns of expanded rows: a tile's and its halo's, padded to L
  int64_t step;     // rows expanded at once
  int64_t slots;    // rows in the ring: a multiple of step, at least step + 2
  int64_t chunk;    // hidden channel pairs at once
  int64_t stride;   // floats in a row of the ring: a margin on both sides
};

constexpr int64_t kMargin = 16;  // left margin of a ring's row: zeros for the column before the first

// ffn_plan cuts B images so that a tile's normalised pixels take 2 MiB at most
// and each of `share` threads has the same number of tiles. How sums are split depends
// on the columns alone, so results do not depend on share.
INLINE FFNPlan ffn_plan(int64_t B, int64_t C, int64_t h, int64_t H, int64_t W, int64_t share) {
  FFNPlan p;
  p.C = C, p.h = h;
  int64_t cols = W <= 320 ? W : equal_parts(W, 256, NR);
  p.cols = round_up(cols < W ? cols + 2 : W, L);
  int64_t rows = clamp((512 << 10) / (C * p.cols), 8, 64);
  p.tiles = {H, W, shared_rows(B * ceil_div(W, cols), H, rows, share), cols};
  p.step = p.cols >= 128 ? 1 : p.cols >= 64 ? 2 : 4;
  p.slots = p.step == 1 ? 3 : 2 * max(p.step, 2);
  p.stride = p.cols + 2 * kMargin;
  p.chunk = equal_parts(h, (64 << 10) / (2 * p.slots * p.stride), kPart<Operand>);
  return p;
}

// Window is the part of the image that a tile needs: its rows and columns with a halo
// of one, cut at the image's edges.
struct Window {
  int64_t y0, y1, x0, x1;
};
INLINE Window window(const Tile& t, int64_t H, int64_t W) {
  return {max(t.y0 - 1, 0), min(t.y1 + 1, H), max(t.x0 - 1, 0), min(t.x1 + 1, W)};
}

// RowRoom is room for one row of pixels: its channels [C,cols] unless they are
// normalised in place, a Feed's rows and the norm's moments.
template <class T>
struct RowRoom {
  float *x, *feed, *mean, *rstd;
  static constexpr bool in_place = Arithmetic<T>::width == 1;
  static int64_t floats(const FFNPlan& p) {
    return (in_place ? 2 : p.C + 2) * p.cols + feed_floats<T>(p.cols) + 64;
  }
  RowRoom(const FFNPlan& p, Scratch& s)
      : x(s.take(in_place ? 0 : p.C * p.cols)), feed(s.take(feed_floats<T>(p.cols))), mean(s.take(p.cols)),
        rstd(s.take(p.cols)) {}
};

// normalised copies a window's pixels and normalises them: u [C, rows·cols].
template <class T>
static void normalised(const FFNPlan& p, const float* x, const Window& w, const float* weight, const float* bias, T* u,
                       const RowRoom<T>& room) {
  int64_t rows = w.y1 - w.y0, n = w.x1 - w.x0, ld = rows * p.cols;
  for (int64_t r = 0; r < rows; r++) {
    T* v = u + r * p.cols;
    float* pixels = room.in_place ? (float*)v : room.x;
    int64_t stride = room.in_place ? ld : p.cols;
    for (int64_t c = 0; c < p.C; c++)
      copy_padded(pixels + c * stride, x + (c * p.tiles.H + w.y0 + r) * p.tiles.W + w.x0, n, p.cols);
    layer_norm(p.C, p.cols, pixels, stride, weight, bias, Feed<T>(v, ld, room.feed), nullptr, 0, room.mean, room.rstd);
    for (int64_t k = 0; k < steps<T>(p.C); k++)  // beyond the image there is nothing, not the norm's bias
      memset((void*)(v + k * ld + n), 0, sizeof(T) * (size_t)(p.cols - n));
  }
}

// Near is the positions of a row and the ones above and below it, in any channel of a
// ring.
struct Near {
  int64_t above, here, below;
};

// Ring holds the last expanded rows of a chunk: [2·chunk, slots, stride], the
// a-halves first. Row y of the image lies in slot (y + 1) % slots; rows outside
// the image are zeros.
struct Ring {
  float* p;
  int64_t slots, stride, chunk;
  Near near(int64_t y) const { return {at(y - 1), at(y), at(y + 1)}; }
  int64_t at(int64_t y) const { return (y + 1) % slots * stride + kMargin; }
  float* channel(int64_t j) const { return p + j * slots * stride; }
  float* row(int64_t j, int64_t y) const { return channel(j) + at(y); }
};

INLINE void clear_row(const Ring& r, int64_t channels, int64_t y) {
  for (int64_t j = 0; j < channels; j++) memset(r.row(j, y) - kMargin, 0, 4 * (size_t)r.stride);
}

// clear_ring prepares a ring for rows of channels from y on: it clears both margins,
// and row -1, if that is the first.
INLINE void clear_ring(const Ring& r, int64_t channels, int64_t y) {
  for (int64_t i = 0; i < channels * r.slots; i++) {
    memset(r.p + i * r.stride, 0, 4 * kMargin);
    memset(r.p + (i + 1) * r.stride - kMargin, 0, 4 * kMargin);
  }
  if (y < 0) clear_row(r, channels, y);
}

// expand_rows fills the ring with rows [y, y+n) of expand·u for channel pairs
// [j0, j0+J): u's rows start at w.y0.
template <class T>
static void expand_rows(const FFNPlan& p, const Ring& ring, const T* expand, int64_t j0, int64_t J, const T* u,
                        const Window& w, int64_t y, int64_t n) {
  int64_t ldu = (w.y1 - w.y0) * p.cols, K = pitch<T>(p.C);
  for (int64_t half = 0; half < 2; half++) {
    const T* A = expand + (half * p.h + j0) * K;
    // Rows of one step may wrap around the end of the ring.
    for (int64_t done = 0; done < n;) {
      int64_t slot = (y + done + 1) % ring.slots, run = min(n - done, ring.slots - slot);
      gemm_runs(J, run, p.cols, p.C, A, K, {u + (y + done - w.y0) * p.cols, ldu, p.cols},
                {ring.row(half * J, y + done), ring.slots * ring.stride, ring.stride}, Overwrite);
      done += run;
    }
  }
}

// Sweep walks along a row, L columns at a time, and the columns next to them.
// If a vector is a whole cache line, two of three shifted loads would each touch two
// lines: then the shifts are done in registers.
struct Sweep {
  const float* p;
#if LANES == 16
  vf before, here;
  INLINE_METHOD Sweep(const float* row) : p(row), before(load(row - L)), here(load(row)) {}
  INLINE_METHOD void next(vf v[3]) {
    vf after = load(p += L);
    v[0] = shifted<L - 1>(before, here), v[1] = here, v[2] = shifted<1>(here, after);
    before = here, here = after;
  }
#else
  INLINE_METHOD Sweep(const float* row) : p(row) {}
  INLINE_METHOD void next(vf v[3]) {
    for (int i = 0; i < 3; i++) v[i] = load(p + i - 1);
    p += L;
  }
#endif
};

// Sweep3 is three rows of a ring's channel at once: next gives the nine neighbours
// of L pixels.
struct Sweep3 {
  Sweep a, b, c;
  INLINE_METHOD Sweep3(const float* channel, const Near& y)
      : a(channel + y.above), b(channel + y.here), c(channel + y.below) {}
  INLINE_METHOD void next(vf v[9]) { a.next(v), b.next(v + 3), c.next(v + 6); }
};

// depthwise3 is the 3×3 filter f at the pixels with neighbours v.
INLINE vf depthwise3(const vf v[9], const vf f[9]) {
  vf a = f[0] * v[0], b = f[3] * v[3], c = f[6] * v[6];
  a += f[1] * v[1], b += f[4] * v[4], c += f[7] * v[7];
  a += f[2] * v[2], b += f[5] * v[5], c += f[8] * v[8];
  return a + b + c;
}

INLINE void taps(const float* w, vf f[9]) {
#pragma GCC unroll 9
  for (int i = 0; i < 9; i++) f[i] = splat(w[i]);
}

// depthwise_row filters n pixels by the taps w.
INLINE void depthwise_row(const float* channel, const Near& y, const float* w, int64_t n, float* out) {
  vf f[9], v[9];
  taps(w, f);
  Sweep3 sweep(channel, y);
  for (int64_t x = 0; x < n; x += L) {
    sweep.next(v);
    store(out + x, depthwise3(v, f));
  }
}

// gelu is as accurate as operands of T, to which its result is rounded.
template <class T>
INLINE vf gelu(vf x) {
  return Arithmetic<T>::width > 1 ? vgelu_half(x) : vgelu(x);
}

// gelu_and_slope also computes the derivative.
template <class T>
INLINE void gelu_and_slope(vf x, vf* y, vf* slope) {
  if constexpr (Arithmetic<T>::width > 1)
    *y = vgelu_half(x), *slope = vgelu_slope_half(x);
  else
    vgelu_and_slope(x, y, slope);
}

// gate_row lays out g = weight · GELU(a) ⊙ b for row y, n columns (a multiple
// of L) beginning at the ring's column at, for J channel pairs.
template <class T>
static void gate_row(const Ring& ring, const float* depthwise, int64_t h, int64_t j0, int64_t J, int64_t y, int64_t at,
                     int64_t n, float weight, Feed<T> g) {
  const Near near = ring.near(y);
  for (int64_t j = 0; j < J; j++) {
    float* row = g.row();
    depthwise_row(ring.channel(j) + at, near, depthwise + (j0 + j) * 9, n, row);
    vf fb[9], v[9];
    taps(depthwise + (h + j0 + j) * 9, fb);
    Sweep3 sweep(ring.channel(J + j) + at, near);
    for (int64_t x = 0; x < n; x += L) {
      sweep.next(v);
      store(row + x, gelu<T>(load(row + x)) * (depthwise3(v, fb) * weight));
    }
    g.done(n);
  }
  g.end(n);
}

// FFNScratch is what a tile needs: its normalised pixels u, one row of them, a
// ring, the gated rows of a step, and the result out.
struct FFNScratch {
  Operand* u;
  RowRoom<Operand> row;
  float* ring;
  Operand* gate;
  float* out;
  static size_t floats(const FFNPlan& p) {
    return (size_t)(p.C * pixels(p) + RowRoom<Operand>::floats(p) + 2 * p.chunk * p.slots * p.stride +
                    p.chunk * p.step * p.cols + p.C * p.tiles.rows * p.cols + 128);
  }
  static int64_t pixels(const FFNPlan& p) { return (p.tiles.rows + 2) * p.cols; }
  FFNScratch(const FFNPlan& p, Scratch& s)
      : u(take_operand<Operand>(s, p.C, pixels(p))), row(p, s), ring(s.take(2 * p.chunk * p.slots * p.stride)),
        gate(take_operand<Operand>(s, p.chunk, p.step * p.cols)), out(s.take(p.C * p.tiles.rows * p.cols)) {}
};

// FFNWeights are an expert's weights in the form that its products read.
struct FFNWeights {
  const Operand* expand;
  const float* depthwise;
  const Operand* project;
};

// reached reports whether a sample is routed to expert e.
INLINE bool reached(const float* route, int64_t B, int64_t E, int64_t e) {
  bool any = !route;
  for (int64_t b = 0; b < B && route; b++) any |= route[b * E + e] != 0;
  return any;
}

// ffn_weights returns the weights of all experts that a sample is routed to.
static const FFNWeights* ffn_weights(Pool& pool, int64_t C, int64_t h, int64_t B, int64_t E, const clusir_ffn* experts,
                                     const float* route) {
  int64_t list = round_up(E * (int64_t)sizeof(FFNWeights) / 4, 16), expand = packed_floats<Operand>(2 * h, C),
          per_expert = expand + packed_floats<Operand>(C, h), used = 0;
  for (int64_t e = 0; e < E; e++) used += reached(route, B, E, e);
  float* room = pool.shared((size_t)(list + used * per_expert));
  FFNWeights* weights = (FFNWeights*)room;
  room += list;
  for (int64_t e = 0; e < E; e++) {
    if (!reached(route, B, E, e)) continue;
    weights[e] = {pack_weights<Operand>(pool, experts[e].expand, 2 * h, C, room), experts[e].depthwise,
                  pack_weights<Operand>(pool, experts[e].project, C, h, room + expand)};
    room += per_expert;
  }
  return weights;
}

// ffn_chunk adds weight · project(gate) of channel pairs [j0, j0+J) to out
// [C, rows·cols], sweeping the tile's rows.
static void ffn_chunk(const FFNPlan& p, const FFNScratch& s, const Tile& t, const Window& w, const FFNWeights& f,
                      int64_t j0, int64_t J, float weight) {
  Ring ring = {s.ring, p.slots, p.stride, J};
  clear_ring(ring, 2 * J, w.y0 - 1);
  int64_t at = t.x0 - w.x0, n = round_up(t.x1 - t.x0, L), ldo = (t.y1 - t.y0) * p.cols;
  int64_t ready = w.y0;  // rows below this one are in the ring
  for (int64_t y = t.y0; y < t.y1; y += p.step) {
    int64_t rows = min(p.step, t.y1 - y), need = min(y + rows + 1, w.y1);
    expand_rows(p, ring, f.expand, j0, J, (const Operand*)s.u, w, ready, need - ready);
    ready = need;
    if (y + rows == p.tiles.H) clear_row(ring, 2 * J, p.tiles.H);
    for (int64_t r = 0; r < rows; r++)
      gate_row(ring, f.depthwise, p.h, j0, J, y + r, at, n, weight,
               Feed<Operand>(s.gate + r * p.cols, p.step * p.cols, s.row.feed));
    gemm_runs(p.C, rows, n, J, f.project + steps<Operand>(j0), pitch<Operand>(p.h), {s.gate, p.step * p.cols, p.cols},
              {s.out + (y - t.y0) * p.cols, ldo, p.cols}, AddTo);
  }
}

}  // namespace ISA
