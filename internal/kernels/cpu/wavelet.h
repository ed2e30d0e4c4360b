// wavelet.h: the two ends of the wavelet attention.
//
//   wavelet_reduce: y = DWT(w·LN(x)), C → C/4 channels → C subbands at half size
//   wavelet_merge:  y = x + w·concat(IDWT(m·s), IDWT(s))
//
// Both work on strips of one row of the half-size image, two rows of the full one,
// which stay in cache from the norm to the subbands and from the subbands to the
// residual. Bound by arithmetic at C ≥ 48, by memory below.
#pragma once
#include "haar.h"
#include "norm.h"

namespace ISA {

// Strip is T columns of row i of the half-size image of sample b, and the same part of
// the full one: rows 2i and 2i+1, columns from 2·at. Scratch holds the latter as
// [channels, 2, 2·N], N = T padded to L.
struct Strips {
  int64_t h, w, T;
  Strips(int64_t H, int64_t W) : h(H / 2), w(W / 2), T(equal_parts(W / 2, 128, NR)) {}
  int64_t across() const { return ceil_div(w, T); }
  int64_t per_image() const { return h * across(); }
  int64_t room() const { return round_up(min(T, w), L); }
};
struct Strip {
  int64_t b, i, at, n, N;
};
INLINE Strip strip_at(const Strips& s, int64_t unit) {
  int64_t b = unit / s.per_image(), k = unit % s.per_image(), at = k % s.across() * s.T, n = min(s.T, s.w - at);
  return {b, k / s.across(), at, n, round_up(n, L)};
}

// full_rows copies the strip's two full rows of x [C,2h,2w] to u [C,2,2N].
INLINE void full_rows(const Strips& g, const Strip& t, int64_t C, const float* x, float* u) {
  for (int64_t c = 0; c < C; c++)
    for (int64_t r = 0; r < 2; r++, u += 2 * t.N)
      copy_padded(u, x + ((t.b * C + c) * 2 * g.h + 2 * t.i + r) * 2 * g.w + 2 * t.at, 2 * t.n, 2 * t.N);
}

// half_rows copies the strip's row of s [C,h,w] to u [C,N].
INLINE void half_rows(const Strips& g, const Strip& t, int64_t C, const float* s, float* u) {
  for (int64_t c = 0; c < C; c++, u += t.N)
    copy_padded(u, s + ((t.b * C + c) * g.h + t.i) * g.w + t.at, t.n, t.N);
}

// haar splits u [Q,2,2N] into v [4Q,N]: LL, HL, LH, HH. It is orthonormal, so
// unhaar is its inverse and its transpose.
static void haar(int64_t Q, int64_t N, const float* u, float* v) {
  for (int64_t q = 0; q < Q; q++, u += 4 * N, v += N)
    split_row<Overwrite>(N, u, u + 2 * N, v, v + Q * N, v + 2 * Q * N, v + 3 * Q * N);
}

INLINE void unhaar_row(int64_t Q, int64_t N, const float* v, float* u) {
  join_row<Overwrite>(N, v, v + Q * N, v + 2 * Q * N, v + 3 * Q * N, u, u + 2 * N);
}
static void unhaar(int64_t Q, int64_t N, const float* v, float* u) {
  for (int64_t q = 0; q < Q; q++, u += 4 * N, v += N) unhaar_row(Q, N, v, u);
}

static void wavelet_reduce(Pool& pool, Tensor y, Tensor x, clusir_norm norm, Tensor w) {
  int64_t B = x.n[0], C = x.n[1], H = x.n[2], W = x.n[3];
  Strips g(H, W);
  int64_t Q = C / 4, room = g.room();
  const Operand* A = pack_weights<Operand>(pool, w, Q, C, pool.shared((size_t)packed_floats<Operand>(Q, C)));
  pool.run(B * g.per_image(), (size_t)((8 * C + 8 * Q + 20) * room + 128), [&](int64_t unit, Scratch& s) {
    Strip t = strip_at(g, unit);
    int64_t n = 4 * t.N;
    float *u = s.take(C * n), *r = s.take(Q * n), *v = s.take(Q * n), *mean = s.take(n), *rstd = s.take(n);
    Operand* b = operand_of<Operand>(u, s, C, n);
    full_rows(g, t, C, x, u);
    layer_norm(C, n, u, n, norm.weight, norm.bias, Feed<Operand>(b, n, s.take(feed_floats<Operand>(n))), nullptr, 0,
               mean, rstd);
    gemm(Q, n, C, A, pitch<Operand>(C), b, n, r, n, Overwrite);
    haar(Q, t.N, r, v);
    for (int64_t c = 0; c < C; c++)
      memcpy(y + ((t.b * C + c) * g.h + t.i) * g.w + t.at, v + c * t.N, 4 * (size_t)t.n);
  });
}

// Its products stay in float32: they are few, and the sums for the norm cancel.
static void wavelet_reduce_grad(Pool& pool, Tensor dx, clusir_norm dnorm, Tensor dw, Tensor dy, Tensor x,
                                clusir_norm norm, Tensor w) {
  int64_t B = x.n[0], C = x.n[1], H = x.n[2], W = x.n[3];
  Strips g(H, W);
  int64_t Q = C / 4, room = g.room(), Cp = round_up(C, L), units = B * g.per_image(), at_w = Q * Cp;
  Partials sums = partials(pool, part_count(units, B * H * W, at_w), at_w + 2 * C);
  size_t floats = (size_t)((3 * C + 2 * Q + Cp + 4) * 4 * room + Q * C + 256);
  pool.run(sums.parts, floats, [&](int64_t part, Scratch& s) {
    int64_t from, to, full = 4 * room;
    float *acc = sums.open(part), *wt = s.take(C * Q);
    float *xhat = s.take(C * full), *u = s.take(C * full), *du = s.take(C * full), *r = s.take(Q * full),
          *v = s.take(Q * full), *ut = s.take(Cp * full), *row = s.take(4 * full);
    transpose(Q, C, w.p, C, wt, Q);
    part_range(sums, units, part, &from, &to);
    for (int64_t unit = from; unit < to; unit++) {
      Strip t = strip_at(g, unit);
      int64_t n = 4 * t.N;
      full_rows(g, t, C, x, u);
      layer_norm(C, n, u, n, norm.weight, norm.bias, Feed<float>(u, n, nullptr), xhat, n, row, row + n);
      half_rows(g, t, C, dy, v);
      unhaar(Q, t.N, v, r);
      transpose_operand(C, n, u, n, ut, Cp);
      gemm(Q, Cp, n, r, n, ut, Cp, acc, Cp, AddTo);
      gemm(C, n, Q, wt, Q, r, n, du, n, Overwrite);
      layer_norm_grad(C, n, du, n, xhat, n, row + n, norm.weight, acc + at_w, acc + at_w + C, row + 2 * n, row + 3 * n);
      if (!dx) continue;
      for (int64_t k = 0; k < 2 * C; k++)
        add_to(dx + ((t.b * C + k / 2) * H + 2 * t.i + k % 2) * W + 2 * t.at, du + k * 2 * t.N, 2 * t.n);
    }
  });
  reduce(pool, dw, sums, 0, Q, C, Cp);
  reduce(pool, dnorm.weight, sums, at_w, 1, C, C);
  reduce(pool, dnorm.bias, sums, at_w + C, 1, C, C);
}

// merged lays out v = concat(IDWT(m·s), IDWT(s)), [C/2,2,2N], of a strip u of s,
// which b holds as an operand.
template <class T>
static void merged(int64_t C, int64_t N, const Operand* m, const Operand* b, const float* u, float* o, Feed<T> v) {
  gemm(C, N, C, m, pitch<Operand>(C), b, N, o, N, Overwrite);
  for (int64_t q = 0; q < C / 2; q++) {
    unhaar_row(C / 4, N, q < C / 4 ? o + q * N : u + (q - C / 4) * N, v.row());
    v.done(4 * N);
  }
  v.end(4 * N);
}

static void wavelet_merge(Pool& pool, Tensor y, Tensor x, Tensor s, Tensor m, Tensor w) {
  int64_t B = x.n[0], C = x.n[1], H = x.n[2], W = x.n[3];
  Strips g(H, W);
  float* room = pool.shared((size_t)(packed_floats<Operand>(B * C, C) + packed_floats<Operand>(C, C / 2)));
  const Operand* maps = pack_weights<Operand>(pool, m, B * C, C, room);
  const Operand* A = pack_weights<Operand>(pool, w, C, C / 2, room + packed_floats<Operand>(B * C, C));
  pool.run(B * g.per_image(), (size_t)((9 * C + 8) * g.room() + 256), [&](int64_t unit, Scratch& scratch) {
    Strip t = strip_at(g, unit);
    float *u = scratch.take(C * t.N), *o = scratch.take(C * t.N), *r = scratch.take(4 * C * t.N);
    Operand *b = operand_of<Operand>(u, scratch, C, t.N), *v = take_operand<Operand>(scratch, C / 2, 4 * t.N);
    half_rows(g, t, C, s, u);
    merged(C, t.N, maps + t.b * C * pitch<Operand>(C), laid_out(C, t.N, u, b), u, o,
           Feed<Operand>(v, 4 * t.N, scratch.take(feed_floats<Operand>(4 * t.N))));
    if (stored_directly(t.n)) {
      int64_t at = (t.b * C * H + 2 * t.i) * W + 2 * t.at;
      return gemm_from<Operand>(C, 2, 2 * t.n, C / 2, A, pitch<Operand>(C / 2), {v, 4 * t.N, 2 * t.N},
                                {y + at, H * W, W}, x + at);
    }
    gemm(C, 4 * t.N, C / 2, A, pitch<Operand>(C / 2), v, 4 * t.N, r, 4 * t.N, Overwrite);
    for (int64_t k = 0; k < 2 * C; k++) {
      int64_t at = ((t.b * C + k / 2) * H + 2 * t.i + k % 2) * W + 2 * t.at;
      sum_of_rows(y + at, x + at, r + k * 2 * t.N, 2 * t.n);
    }
  });
}

// MergeGrad is the work of one part: a run of strips of one sample.
struct MergeGrad {
  const Strips& g;
  int64_t C;
  const float *dy, *s;
  const Operand *m, *mt, *wt;
  float* ds;

  size_t floats() const { return (size_t)((21 * C + 4 * round_up(C, L) + 24) * g.room() + 512); }

  // strip adds a strip's share to ds, to dm [C,Cp] and to dwᵀ [C/2,Cp].
  void strip(const Strip& t, Scratch& scratch, float* dm, float* dwt) const {
    int64_t Cp = round_up(C, L), N = t.N, n = 4 * N;
    float *u = scratch.take(C * N), *o = scratch.take(C * N), *v = scratch.take(2 * C * N), *gy = scratch.take(C * n),
          *dv = scratch.take(2 * C * N), *d = scratch.take(2 * C * N);
    Operand *tr = take_operand<Operand>(scratch, n, Cp), *A = operand_of<Operand>(v, scratch, n, C / 2),
            *b = operand_of<Operand>(u, scratch, C, N), *G = operand_of<Operand>(gy, scratch, C, n),
            *D = operand_of<Operand>(d, scratch, N, C), *E = operand_of<Operand>(d, scratch, C, N);
    half_rows(g, t, C, s, u);
    full_rows(g, t, C, dy, gy);
    if (dwt) {
      merged(C, N, m, laid_out(C, N, u, b), u, o, Feed<float>(v, n, nullptr));
      transpose_operand(C, n, gy, n, tr, Cp);
      gemm(C / 2, Cp, n, pack_rows(C / 2, n, v, A), steps<Operand>(n), tr, Cp, dwt, Cp, AddTo);
    }
    gemm(C / 2, n, C, wt, pitch<Operand>(C), laid_out(C, n, gy, G), n, dv, n, Overwrite);
    haar(C / 4, N, dv, d);                  // gradient of m·s
    haar(C / 4, N, dv + C * N, d + C * N);  // of s itself
    if (dm) {
      transpose_operand(C, N, u, N, tr, Cp);
      gemm(C, Cp, N, pack_rows(C, N, d, D), steps<Operand>(N), tr, Cp, dm, Cp, AddTo);
    }
    if (!ds) return;
    gemm(C, N, C, mt, pitch<Operand>(C), laid_out(C, N, d, E), N, d + C * N, N, AddTo);
    for (int64_t c = 0; c < C; c++)
      add_to(ds + ((t.b * C + c) * g.h + t.i) * g.w + t.at, d + (C + c) * N, t.n);
  }
};

static void wavelet_merge_grad(Pool& pool, Tensor ds, Tensor dm, Tensor dw, Tensor dy, Tensor s, Tensor m, Tensor w) {
  int64_t B = dy.n[0], C = dy.n[1], H = dy.n[2], W = dy.n[3];
  Strips g(H, W);
  int64_t Cp = round_up(C, L), size = C * Cp + C / 2 * Cp;
  int64_t per = part_count(g.per_image(), g.h * g.w, size * B), units = g.per_image();
  int64_t K = pitch<Operand>(C);  // for the room of m, mᵀ and wᵀ after each part's sums
  Partials sums = partials(pool, B * per, size + 2 * C * K + C / 2 * K);
  pool.run(B * per, MergeGrad{g, C, 0, 0, 0, 0, 0, 0}.floats(), [&](int64_t part, Scratch& scratch) {
    int64_t b = part / per;
    float* acc = sums.open(part);
    Operand *room = (Operand*)(acc + size), *mt = room + C * K, *wt = mt + C * K;
    transpose_weights(C, C, m + b * C * C, mt, K);
    transpose_weights(C, C / 2, w, wt, K);
    MergeGrad grad = {g, C, dy, s, pack_weights_serial(C, C, m + b * C * C, room), mt, wt, ds};
    for (int64_t u = units * (part % per) / per; u < units * (part % per + 1) / per; u++) {
      scratch.reset(grad.floats());
      grad.strip(strip_at(g, b * units + u), scratch, dm ? acc : nullptr, dw ? acc + C * Cp : nullptr);
    }
  });
  for (int64_t b = 0; b < B && dm; b++)
    reduce(pool, dm + b * C * C, {sums.part(b * per), per, sums.size}, 0, C, C, Cp);
  if (!dw) return;
  pool.run(C, 0, [&](int64_t c, Scratch&) {
    for (int64_t k = 0; k < C / 2; k++) dw[c * (C / 2) + k] += total(sums, C * Cp + k * Cp + c);
  });
}

}  // namespace ISA
