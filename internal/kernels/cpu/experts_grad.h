// experts_grad.h: the gradient of gated_ffn. The forward pass kept only x: a band of
// rows is swept again, with a second ring for the gradients of the depthwise filter's
// result. With d = depthwise(e), e = expand(u),
// u = LN(x) and w the expert's weight in the sample:
//
//   dg = Projectᵀ·dy;  dd_a = w dg ⊙ b ⊙ GELU'(a), dd_b = w dg ⊙ GELU(a)
//   de = depthwiseᵀ(dd);  du = Expandᵀ·de
//   dProject = w dy·gᵀ, dDepthwise = dd ⋆ e, dExpand = de·uᵀ, dw = Σ dg ⊙ g
//
// Experts come one after another, so that each part holds the weight gradients of only
// one; du is summed in memory over experts, and the norm's gradient
// is a last pass.
#pragma once
#include "experts.h"
#include "residual_grad.h"

namespace ISA {

constexpr int kSteps = 4;  // rows of a step at most (ffn_grad_plan)

// Row is room for one row of pixels as floats [C,cols], if it is not written directly
// into an operand, and for its moments.
struct Row {
  static constexpr bool in_place = Arithmetic<Operand>::width == 1;
  float *x, *mean, *rstd;
  float* of(Operand* row) const { return in_place ? (float*)row : x; }
};

// FFNGrad is one expert's backward pass over its samples.
struct FFNGrad {
  FFNPlan p;  // bands are whole rows: p.tiles.cols is W
  int64_t Cp;
  const float *dy, *x, *norm_weight, *norm_bias;
  clusir_ffn f;                            // the expert
  const Operand* expand;                   // [2h,C]
  const Operand *expand_t, *project_t;     // of its halves [C,2,h], [h,C]
  bool in_bands;                           // a band adds to dx itself
  float *du, *dx;                          // [B,C,H,W]; one of them is added to

  // The offsets of a part's sums: dExpand [2h,Cp], dProjectᵀ [h,Cp],
  // dDepthwise [2h,9], and the norm's dWeight [C] and dBias [C].
  int64_t at_project() const { return 2 * p.h * Cp; }
  int64_t at_depthwise() const { return 3 * p.h * Cp; }
  int64_t at_norm() const { return at_depthwise() + 18 * p.h; }
  int64_t size() const { return at_norm() + (in_bands ? 2 * p.C : 0); }

  // Buffers of one band: u with a halo of two rows, dy with one, both also
  // transposed for the band's own rows; the rings of e and dd; of a step the gated
  // rows and de, as A along pixels and, de, as B too.
  struct Band {
    Tile t;
    Window wu, wd;
    Operand *u, *ut, *dy, *dyt, *gate, *de, *de_rows;
    float *du, *e, *dd, *dg, *room;
    float *xhat, *rstd;  // of its own rows, where in_bands
    float* taps;  // dDepthwise of a chunk, not yet summed over lanes: [2·chunk,9,L]
    float weight;
    float* sums;
    float droute;
  };
  int64_t ring_floats() const { return 2 * p.chunk * p.slots * p.stride; }
  size_t floats() const {
    int64_t rows = p.tiles.rows, group = p.step * p.cols;
    return (size_t)((p.C * (3 * rows + 6) + 2 * Cp * (rows + 1) + (in_bands ? (p.C + 1) * rows : 0) + 4) * p.cols +
                    2 * ring_floats() + 4 * p.chunk * group + 18 * p.chunk * L + 512) +
           (size_t)halved_floats();
  }
  // halved_floats is the room that only operands in half precision need: for a row of
  // pixels as floats, for de along pixels, and for two rows of a step.
  int64_t halved_floats() const {
    int64_t group = p.step * p.cols;
    if (Arithmetic<Operand>::width == 1) return 0;
    return p.C * p.cols + (p.chunk + 4) * group + 64;
  }
  void open(Band& b, Scratch& s) const;
  void open_u(const Band& b, const Row& room) const;
  void open_dy(const Band& b, const Row& room) const;
  void chunk(Band& b, int64_t j0, int64_t J) const;
  void sum_taps(Band& b, int64_t j0, int64_t J) const;
  void own_rows(Band& b, const Ring& e, const Ring& dd, int64_t j0, int64_t J, int64_t y, int64_t n) const;
  vf gate_grad_row(const Band& b, const Ring& e, const Ring& dd, int64_t j, const Near& y, const float* fa,
                   const float* fb, const float* dg, float* g) const;
  void expand_grad(Band& b, const Ring& e, const Ring& dd, int64_t j0, int64_t J, int64_t y, int64_t n) const;
  int64_t expand_grads(Band& b, const Ring& e, const Ring& dd, int64_t j0, int64_t J, int64_t y, int64_t to) const;
  void norm_grad(const Band& b, Scratch& s) const;
  void run(Band& b, Scratch& s) const;
};

inline void FFNGrad::open(Band& b, Scratch& s) const {
  int64_t H = p.tiles.H, W = p.tiles.W, rows = p.tiles.rows, group = p.step * p.cols, own = (b.t.y1 - b.t.y0) * p.cols;
  b.wd = {max(b.t.y0 - 1, 0), min(b.t.y1 + 1, H), 0, W};
  b.wu = {max(b.t.y0 - 2, 0), min(b.t.y1 + 2, H), 0, W};
  b.u = take_operand<Operand>(s, p.C, (rows + 4) * p.cols), b.dy = take_operand<Operand>(s, p.C, (rows + 2) * p.cols);
  b.du = s.take(p.C * rows * p.cols);
  b.ut = take_operand<Operand>(s, (rows + 1) * p.cols, Cp), b.dyt = take_operand<Operand>(s, (rows + 1) * p.cols, Cp);
  b.e = s.take(ring_floats()), b.dd = s.take(ring_floats());
  b.gate = take_operand<Operand>(s, group, p.chunk), b.dg = s.take(p.chunk * group);
  float* de = s.take(2 * p.chunk * group);
  b.de = (Operand*)de, b.de_rows = operand_of<Operand>(de, s, group, 2 * p.chunk);
  b.room = s.take(Arithmetic<Operand>::width > 1 ? 4 * group : 0);
  b.taps = s.take(18 * p.chunk * L);
  b.xhat = in_bands ? s.take(p.C * own) : nullptr, b.rstd = in_bands ? s.take(own) : nullptr;
  Row room = {s.take(Row::in_place ? 0 : p.C * p.cols), s.take(p.cols), s.take(p.cols)};
  open_u(b, room), open_dy(b, room);
}

// copy_row copies row y of image b of x [B,C,H,W] to u [C,cols], rows apart.
INLINE void copy_row(const FFNPlan& p, const float* x, int64_t b, int64_t y, float* u, int64_t stride) {
  for (int64_t c = 0; c < p.C; c++)
    copy_padded(u + c * stride, x + ((b * p.C + c) * p.tiles.H + y) * p.tiles.W, p.tiles.W, p.cols);
}

// open_u normalises the band's rows one by one, and transposes its own while they are in
// the first-level cache.
inline void FFNGrad::open_u(const Band& b, const Row& room) const {
  int64_t W = p.tiles.W, ld = (b.wu.y1 - b.wu.y0) * p.cols, own = (b.t.y1 - b.t.y0) * p.cols;
  int64_t stride = Row::in_place ? ld : p.cols;
  for (int64_t y = b.wu.y0; y < b.wu.y1; y++) {
    Operand* to = b.u + (y - b.wu.y0) * p.cols;
    float* u = room.of(to);
    int64_t at = (y - b.t.y0) * p.cols;  // among the band's own rows
    bool owned = at >= 0 && at < own, keep = in_bands && owned;
    copy_row(p, x, b.t.b, y, u, stride);
    layer_norm(p.C, p.cols, u, stride, norm_weight, norm_bias, Feed<float>(u, stride, nullptr),
               keep ? b.xhat + at : nullptr, own, room.mean, keep ? b.rstd + at : room.rstd);
    for (int64_t c = 0; c < p.C && W < p.cols; c++)  // beyond the image there is nothing, not the norm's bias
      memset(u + c * stride + W, 0, 4 * (size_t)(p.cols - W));
    lay_out(p.C, p.cols, u, to, ld);
    if (owned) transpose_operand(p.C, p.cols, u, stride, b.ut + steps<Operand>(at) * Cp, Cp);
  }
}

inline void FFNGrad::open_dy(const Band& b, const Row& room) const {
  int64_t ld = (b.wd.y1 - b.wd.y0) * p.cols, stride = Row::in_place ? ld : p.cols;
  for (int64_t y = b.wd.y0; y < b.wd.y1; y++) {
    Operand* to = b.dy + (y - b.wd.y0) * p.cols;
    float* rows = room.of(to);
    copy_row(p, dy, b.t.b, y, rows, stride);
    lay_out(p.C, p.cols, rows, to, ld);
    if (y >= b.t.y0 && y < b.t.y1)
      transpose_operand(p.C, p.cols, rows, stride, b.dyt + steps<Operand>((y - b.t.y0) * p.cols) * Cp, Cp);
  }
}

// sum_taps adds a chunk's dDepthwise to the band's sums.
inline void FFNGrad::sum_taps(Band& b, int64_t j0, int64_t J) const {
  for (int64_t j = 0; j < 2 * J; j++) {
    float* w = b.sums + at_depthwise() + (j < J ? j0 + j : p.h + j0 + j - J) * 9;
    for (int k = 0; k < 9; k++) w[k] += sum(load(b.taps + (j * 9 + k) * L));
  }
}

// gate_grad_row turns dg of channel pair j into dd in its ring and writes w·g to g.
// It returns the row's share of the route's gradient, lane by lane.
inline vf FFNGrad::gate_grad_row(const Band& b, const Ring& e, const Ring& dd, int64_t j, const Near& y,
                                 const float* fa, const float* fb, const float* dg, float* g) const {
  float *da = dd.channel(j) + y.here, *db = dd.channel(e.chunk + j) + y.here;
  depthwise_row(e.channel(j), y, fa, p.cols, da);
  float weight = b.weight;
  vf v[9], w[9], route = {};
  taps(fb, w);
  Sweep3 sweep(e.channel(e.chunk + j), y);
  for (int64_t i = 0; i < p.cols; i += L) {
    sweep.next(v);
    vf va = load(da + i), vb = depthwise3(v, w), d = load(dg + i), act, slope;
    gelu_and_slope<Operand>(va, &act, &slope);
    route += d * act * vb;
    store(g + i, act * vb * weight);
    d *= weight;
    store(da + i, d * vb * slope);
    store(db + i, d * act);
  }
  return route;
}

// own_rows takes rows [y, y+n) from e to dd.
inline void FFNGrad::own_rows(Band& b, const Ring& e, const Ring& dd, int64_t j0, int64_t J, int64_t y,
                              int64_t n) const {
  int64_t group = p.step * p.cols, ldd = (b.wd.y1 - b.wd.y0) * p.cols;
  gemm(J, n * p.cols, p.C, project_t + j0 * pitch<Operand>(p.C), pitch<Operand>(p.C), b.dy + (y - b.wd.y0) * p.cols,
       ldd, b.dg, group, Overwrite);
  const int64_t across = steps<Operand>(group), row = steps<Operand>(p.cols);  // of pixels along K
  const Near near[kSteps] = {e.near(y), e.near(y + 1), e.near(y + 2), e.near(y + 3)};
  for (int64_t j = 0; j < J; j++) {
    const float *fa = f.depthwise + (j0 + j) * 9, *fb = f.depthwise + (p.h + j0 + j) * 9;
    for (int64_t r = 0; r < n; r++) {
      Operand* gate = b.gate + j * across + r * row;
      float* g = row_buffer(gate, b.room);
      vf route = gate_grad_row(b, e, dd, j, near[r], fa, fb, b.dg + j * group + r * p.cols, g);
      if (y + r >= b.t.y0 && y + r < b.t.y1) b.droute += sum(route);
      pack_row(p.cols, g, gate);
    }
  }
  int64_t from = max(y, b.t.y0), to = min(y + n, b.t.y1);
  if (from < to)
    gemm(J, Cp, (to - from) * p.cols, b.gate + (from - y) * row, across, b.dyt + (from - b.t.y0) * row * Cp, Cp,
         b.sums + at_project() + j0 * Cp, Cp, AddTo);
}

// depthwise_grad_rows computes n rows of de = depthwiseᵀ(dd) of a channel and adds
// the products of the same rows of e with dd to dw [9,L], lane by lane: rows are often
// so short that summing the lanes would cost more than the products. Both need dd's
// nine neighbours: dDepthwise[k] = Σ_x e[x]·dd[x − k].
INLINE void depthwise_grad_rows(const float* dd, const float* e, const Near* near, int64_t n, const float* w, int64_t W,
                                int64_t cols, float* de, float* dw) {
  constexpr bool one_pass = REGISTERS == 32;  // which hold 9 taps, 9 sums and the neighbours
  for (int64_t r = 0; r < n && !one_pass; r++) depthwise_row(dd, near[r], w, cols, de + r * cols);
  vf v[9], f[9], s[9];
  taps(w, f);
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) s[k] = load(dw + k * L);
  for (int64_t r = 0; r < n; r++, de += cols) {
    Sweep3 sweep(dd, near[r]);
    const float* row = e + near[r].here;
    for (int64_t x = 0; x < cols; x += L) {
      sweep.next(v);
      if (one_pass) store(de + x, depthwise3(v, f));
      vf u = load(row + x);
#pragma GCC unroll 9
      for (int k = 0; k < 9; k++) s[k] += u * v[8 - k];
    }
    memset(de + W, 0, 4 * (size_t)(cols - W));
  }
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) store(dw + k * L, s[k]);
}

// expand_grad takes rows [y, y+n) from dd to du and adds to the gradients of the
// depthwise filter and of expand.
inline void FFNGrad::expand_grad(Band& b, const Ring& e, const Ring& dd, int64_t j0, int64_t J, int64_t y, int64_t n) const {
  int64_t group = p.step * p.cols, own = (b.t.y1 - b.t.y0) * p.cols, pixels = n * p.cols;
  int64_t across = steps<Operand>(group), row = steps<Operand>(p.cols), H = pitch<Operand>(p.h);
  const Near near[kSteps] = {dd.near(y), dd.near(y + 1), dd.near(y + 2), dd.near(y + 3)};
  for (int64_t half = 0; half < 2; half++) {
    Operand *de = b.de + half * p.chunk * group, *de_rows = b.de_rows + half * p.chunk * across;
    Feed<Operand> rows(de, group, b.room);
    for (int64_t j = 0; j < J; j++) {
      const float* filter = f.depthwise + (half * p.h + j0 + j) * 9;
      float w[9];
      for (int k = 0; k < 9; k++) w[k] = filter[8 - k];
      float* out = rows.row();
      depthwise_grad_rows(dd.channel(half * J + j), e.channel(half * J + j), near, n, w, p.tiles.W, p.cols, out,
                          b.taps + (half * J + j) * 9 * L);
      pack_row(pixels, out, de_rows + j * across);
      rows.done(pixels);
    }
    rows.end(pixels);
    gemm(J, Cp, pixels, de_rows, across, b.ut + (y - b.t.y0) * row * Cp, Cp, b.sums + (half * p.h + j0) * Cp, Cp,
         AddTo);
  }
  gemm_twice(p.C, pixels, J, expand_t + steps<Operand>(j0), 2 * H, H, b.de, group, p.chunk * group,
             b.du + (y - b.t.y0) * p.cols, own, j0 ? AddTo : Overwrite);
}

// expand_grads does so for rows [y,to), a step at a time, and returns to, or y
// if that is beyond.
inline int64_t FFNGrad::expand_grads(Band& b, const Ring& e, const Ring& dd, int64_t j0, int64_t J, int64_t y, int64_t to) const {
  for (int64_t n; y < to; y += n) {
    n = min(p.step, to - y);
    expand_grad(b, e, dd, j0, J, y, n);
  }
  return y;
}

inline void FFNGrad::chunk(Band& b, int64_t j0, int64_t J) const {
  int64_t H = p.tiles.H, ready = max(b.wd.y0 - 1, 0), done = b.t.y0;
  Ring e = {b.e, p.slots, p.stride, J}, dd = {b.dd, p.slots, p.stride, J};
  clear_ring(e, 2 * J, b.wd.y0 - 1), clear_ring(dd, 2 * J, b.wd.y0 - 1);
  memset(b.taps, 0, 4 * (size_t)(18 * J * L));
  for (int64_t y = b.wd.y0, n; y < b.wd.y1; y += n) {
    n = min(p.step, b.wd.y1 - y);
    int64_t need = min(y + n + 1, H);
    expand_rows(p, e, expand, j0, J, (const Operand*)b.u, b.wu, ready, need - ready);
    ready = need;
    if (y + n == H) clear_row(e, 2 * J, H);
    own_rows(b, e, dd, j0, J, y, n);
    done = expand_grads(b, e, dd, j0, J, done, min(b.t.y1, y + n - 1));
    if (y + n == H) {  // only now: row H replaces the oldest row
      clear_row(dd, 2 * J, H);
      done = expand_grads(b, e, dd, j0, J, done, b.t.y1);
    }
  }
  sum_taps(b, j0, J);
}

// norm_grad adds a band's dy and the norm's gradient of its du to dx, while both are
// in cache. It sums by bands, unlike residual_grad, which float32 uses.
inline void FFNGrad::norm_grad(const Band& b, Scratch& s) const {
  int64_t rows = b.t.y1 - b.t.y0, W = p.tiles.W, n = p.cols, ld = rows * n;
  float *row = s.take(2 * n), *sums = b.sums + at_norm();
  for (int64_t r = 0; r < rows; r++) {
    layer_norm_grad(p.C, n, b.du + r * n, ld, b.xhat + r * n, ld, b.rstd + r * n, norm_weight, sums, sums + p.C, row,
                    row + n);
    for (int64_t c = 0; c < p.C && dx; c++) {
      int64_t at = ((b.t.b * p.C + c) * p.tiles.H + b.t.y0 + r) * W;
      add_both(dx + at, dy + at, b.du + c * ld + r * n, W);
    }
  }
}

inline void FFNGrad::run(Band& b, Scratch& s) const {
  open(b, s);
  for (int64_t j = 0; j < p.h; j += p.chunk) chunk(b, j, min(p.chunk, p.h - j));
  if (in_bands) return norm_grad(b, s);
  int64_t rows = b.t.y1 - b.t.y0, H = p.tiles.H, W = p.tiles.W;
  for (int64_t c = 0; c < p.C; c++)
    for (int64_t r = 0; r < rows; r++)
      add_to(du + ((b.t.b * p.C + c) * H + b.t.y0 + r) * W, b.du + (c * rows + r) * p.cols, W);
}

// ffn_grad_plan cuts the batch into bands of about 1 MiB: at least four in all if
// the height allows it, whatever the number of threads.
INLINE FFNPlan ffn_grad_plan(int64_t B, int64_t C, int64_t h, int64_t H, int64_t W) {
  FFNPlan p;
  p.C = C, p.h = h, p.cols = round_up(W, L);
  int64_t rows = clamp((tiled<Operand> ? 64 << 10 : 256 << 10) / (C * p.cols), 8, 128);
  p.tiles = {H, W, ceil_div(H, max(ceil_div(H, rows), min(ceil_div(4, B), ceil_div(H, 8)))), W};
  p.step = p.cols >= 128 ? 1 : p.cols >= 64 ? 2 : 4;
  p.slots = p.step == 1 ? 3 : 2 * max(p.step, 2);
  p.stride = p.cols + 2 * kMargin;
  p.chunk = equal_parts(h, (96 << 10) / (4 * p.slots * p.stride), kPart<Operand>);
  return p;
}

// expert_grad runs one expert over the samples that were routed to it.
static void expert_grad(Pool& pool, FFNGrad& g, const clusir_ffn& d, float* droute, int64_t E, const float* route,
                        int64_t B, Partials sums) {
  const FFNPlan& p = g.p;
  int64_t bands = p.tiles.count(), units = B * bands;
  pool.run(sums.parts, g.floats(), [&](int64_t part, Scratch& s) {
    int64_t from, to;
    part_range(sums, units, part, &from, &to);
    float* acc = sums.open(part);
    for (int64_t unit = from; unit < to; unit++) {
      FFNGrad::Band b = {};
      b.t = tile_at(p.tiles, unit);
      b.weight = route ? route[b.t.b * E] : 1.0f;
      b.sums = acc;
      if (b.weight == 0) continue;
      s.reset(g.floats());
      g.run(b, s);
      acc[g.size() + unit] = b.droute;
    }
  });
  reduce(pool, d.expand, sums, 0, 2 * p.h, p.C, g.Cp);
  reduce(pool, d.depthwise, sums, g.at_depthwise(), 2 * p.h, 9, 9);
  for (int64_t unit = 0; unit < units && droute; unit++) droute[unit / bands * E] += total(sums, g.size() + unit);
  if (d.project)
    pool.run(p.C, 0, [&](int64_t c, Scratch&) {
      for (int64_t j = 0; j < p.h; j++) d.project[c * p.h + j] += total(sums, g.at_project() + j * g.Cp + c);
    });
}

static void gated_ffn_grad(Pool& pool, Tensor dx, clusir_norm dnorm, const clusir_ffn* dexperts, Tensor droute,
                           Tensor dy, Tensor x, clusir_norm norm, int64_t E, const clusir_ffn* experts, Tensor route) {
  int64_t B = x.n[0], C = x.n[1], H = x.n[2], W = x.n[3];
  int64_t h = experts->project.n[1];
  FFNGrad g = {};
  g.p = ffn_grad_plan(B, C, h, H, W);
  g.Cp = round_up(C, L);
  g.in_bands = tiled<Operand> && E == 1 && !route;
  g.dy = dy, g.x = x, g.norm_weight = norm.weight, g.norm_bias = norm.bias;
  int64_t units = B * g.p.tiles.count(), size = round_up(g.size() + units, 16), parts = part_count(units, B * H * W, size);
  int64_t image = g.in_bands ? 0 : round_up(B * C * H * W, 16), H2 = pitch<Operand>(h), K = pitch<Operand>(C);
  int64_t transposed = round_up(2 * H2 * C + h * K, 16), weights = transposed + packed_floats<Operand>(2 * h, C);
  Partials norms = {nullptr, kNormParts, round_up(2 * C, 16)};
  float* base = pool.shared((size_t)(image + weights + parts * size + norms.parts * norms.size));
  float *du = base, *wt = base + image;
  norms.base = wt + weights + parts * size;
  set_all(pool, du, image, 0);
  Operand *expand_t = (Operand*)wt, *project_t = expand_t + 2 * H2 * C;
  g.du = du, g.dx = dx, g.expand_t = expand_t, g.project_t = project_t;
  for (int64_t e = 0; e < E; e++) {
    if (!reached(route, B, E, e)) continue;
    g.f = experts[e];
    g.expand = pack_weights<Operand>(pool, g.f.expand, 2 * h, C, wt + transposed);
    for (int64_t half = 0; half < 2; half++)
      transpose_weights(h, C, g.f.expand + half * h * C, expand_t + half * H2, 2 * H2);
    transpose_weights(C, h, g.f.project, project_t, K);
    expert_grad(pool, g, dexperts[e], droute ? droute + e : nullptr, E, route ? route + e : nullptr, B,
                {wt + weights, parts, size});
  }
  if (!g.in_bands) return residual_grad(pool, dx, dnorm.weight, dnorm.bias, dy, x, du, norm.weight, B, C, H * W, norms);
  Partials sums = {wt + weights, parts, size};
  reduce(pool, dnorm.weight, sums, g.at_norm(), 1, C, C);
  reduce(pool, dnorm.bias, sums, g.at_norm() + C, 1, C, C);
}

}  // namespace ISA
