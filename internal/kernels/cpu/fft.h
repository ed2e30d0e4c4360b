// fft.h: z = orthonormal rfft2(x) and back.
//
// A unit of work is a few planes that stay in the second-level cache through
// both dimensions. Along W, L rows become lanes by a transposition that also
// pairs even and odd elements as real and imaginary parts: a transform of W/2
// complex numbers, from which split makes the W/2+1 bins. They return to rows,
// transposed once more, in a matrix in scratch; along H, its neighbouring
// columns are the lanes. Rows and columns of a unit's planes follow each other,
// so that lanes are full whatever a plane's size.
//
// About 2.5·H·W·log2(H·W) operations, and 2 floats of memory traffic per pixel.
#pragma once
#include "fft1d.h"
#include "lanes.h"
#include "tile.h"

namespace ISA {

// FFTPlanes is how B·C planes of H×W are transformed.
struct FFTPlanes {
  int64_t C, H, W, bins;           // bins = W/2 + 1
  int64_t total, group;            // planes; planes in a unit of work
  int64_t ld;                      // floats in a row of the matrix's real or imaginary half
  const FFTPlan *along_w, *along_h;
  float scale, inner;

  int64_t units() const { return ceil_div(total, group); }
  size_t matrix_floats() const { return (size_t)(H * 2 * ld); }
  size_t line_floats() const { return (size_t)(2 * L * round_up(bins, L)); }
  size_t room_floats() const { return (size_t)(L * max(along_w->room, along_h->room)); }
  size_t scratch_floats() const { return matrix_floats() + line_floats() + room_floats() + 64; }
  // at is row h of plane k of the unit: real bins, and ld floats on the imaginary ones.
  float* at(float* matrix, int64_t k, int64_t h) const { return matrix + h * 2 * ld + k * bins; }
};

// fft_planes groups planes up to 160 KiB of spectrum, but leaves two units for
// each thread. Lanes do not mix, so results do not depend on the grouping.
INLINE FFTPlanes fft_planes(Pool& pool, int64_t B, int64_t C, int64_t H, int64_t W, float inner) {
  FFTPlanes p;
  p.C = C, p.H = H, p.W = W, p.bins = W / 2 + 1, p.total = B * C;
  int64_t fit = (40 << 10) / (H * 2 * p.bins);
  p.group = clamp(fit, 1, max(1, p.total / (2 * pool.threads())));
  // Writes may run past a row by up to L. Halves that are an odd number of cache lines
  // long keep a column's rows from evicting each other.
  p.ld = 16 * (ceil_div(p.group * p.bins + L, 16) | 1);
  p.along_w = &fft_plan(W / 2), p.along_h = &fft_plan(H);
  p.scale = (float)(1 / __builtin_sqrt((double)(H * W)));
  p.inner = inner;
  return p;
}

// split turns the transform Z of even + i·odd elements of n = W/2 pairs into
// the bins 0..n of the real sequence, times scale and, except at the ends, inner:
//   X_k = (Z_k + Z*_(n-k))/2 - i/2 w^k (Z_k - Z*_(n-k)),  w = e^(-πi/n)
INLINE void split(const FFTPlan& plan, const Line& z, float scale, float inner) {
  int64_t n = plan.n;
  Complex dc = get(z, 0);
  put(z, 0, {(dc.re + dc.im) * scale, vf{}});
  put(z, n, {(dc.re - dc.im) * scale, vf{}});
  float s = 0.5f * scale * inner;
  for (int64_t k = 1; 2 * k <= n; k++) {
    Complex a = get(z, k), b = get(z, n - k);
    Complex e = {(a.re + b.re) * s, (a.im - b.im) * s}, o = {(a.im + b.im) * s, (b.re - a.re) * s};
    o = times(o, plan.half[2 * k], plan.half[2 * k + 1]);
    put(z, k, e + o);
    put(z, n - k, {e.re - o.re, o.im - e.im});
  }
}

// merge inverts split, up to a factor n: it turns bins into the Z whose inverse
// transform is the pairs. It ignores the imaginary parts of bins 0 and n.
INLINE void merge(const FFTPlan& plan, const Line& z, float scale, float inner) {
  int64_t n = plan.n;
  vf first = load(z.re) * scale, last = load(z.re + n * z.step) * scale;
  put(z, 0, {first + last, first - last});
  float s = scale * inner;
  for (int64_t k = 1; 2 * k <= n; k++) {
    Complex a = get(z, k), b = get(z, n - k);
    Complex e = {(a.re + b.re) * s, (a.im - b.im) * s}, d = {(a.re - b.re) * s, (a.im + b.im) * s};
    Complex o = times(d, plan.half[2 * k], -plan.half[2 * k + 1]);
    put(z, k, {e.re - o.im, e.im + o.re});
    put(z, n - k, {e.re + o.im, o.re - e.im});
  }
}

// PlaneGroup is a unit's planes: count of them from first on.
struct PlaneGroup {
  int64_t first, count;
};
INLINE PlaneGroup group_at(const FFTPlanes& p, int64_t unit) {
  int64_t first = unit * p.group;
  return {first, min(p.group, p.total - first)};
}

// image_rows and matrix_rows are rows [from, from+L) of a group, counted through all of
// its planes: in x, and the real bins in the matrix.
INLINE Rows image_rows(const FFTPlanes& p, const PlaneGroup& g, const float* x, int64_t from) {
  int64_t count = min(L, g.count * p.H - from);
  Rows r;
  r.count = (int)count;
  for (int i = 0; i < L; i++) r.p[i] = (float*)x + (g.first * p.H + from + min(i, count - 1)) * p.W;
  return r;
}
INLINE Rows matrix_rows(const FFTPlanes& p, const PlaneGroup& g, float* matrix, int64_t from) {
  int64_t count = min(L, g.count * p.H - from);
  Rows r;
  r.count = (int)count;
  for (int i = 0; i < L; i++) {
    int64_t row = from + min(i, count - 1);
    r.p[i] = p.at(matrix, row / p.H, row % p.H);
  }
  return r;
}
INLINE Rows shifted(Rows r, int64_t by) {
  for (int i = 0; i < L; i++) r.p[i] += by;
  return r;
}

// columns transforms the matrix along H, forward or inverse.
INLINE void columns(const FFTPlanes& p, const PlaneGroup& g, float* matrix, bool inverse, float* room) {
  for (int64_t j = 0; j < g.count * p.bins; j += L) {
    Line x = {matrix + j, matrix + p.ld + j, 2 * p.ld};
    fft(*p.along_h, inverse ? swapped(x) : x, room);
  }
}

// spectrum_row is row h of the real (part 0) or imaginary (1) bins of a plane.
INLINE int64_t spectrum_row(const FFTPlanes& p, int64_t plane, int part, int64_t h) {
  return ((plane / p.C * 2 + part) * p.C + plane % p.C) * p.H * p.bins + h * p.bins;
}

// copy_row copies exactly n floats, a vector at a time.
INLINE void copy_row(float* to, const float* from, int64_t n) {
  if (n < L) {
    for (int64_t i = 0; i < n; i++) to[i] = from[i];
    return;
  }
  for (int64_t i = 0; i < n - L; i += L) store(to + i, load(from + i));
  store(to + n - L, load(from + n - L));
}

static void rfft2(Pool& pool, Tensor z, Tensor x, float inner, bool add) {
  int64_t B = x.n[0], C = x.n[1], H = x.n[2], W = x.n[3];
  FFTPlanes p = fft_planes(pool, B, C, H, W, inner);
  pool.run(p.units(), p.scratch_floats(), [&](int64_t unit, Scratch& s) {
    PlaneGroup g = group_at(p, unit);
    float *matrix = s.take(p.matrix_floats()), *v = s.take(p.line_floats()), *room = s.take(p.room_floats());
    for (int64_t r = 0; r < g.count * H; r += L) {
      from_rows<false>(image_rows(p, g, x, r), W, v, L);
      fft(*p.along_w, line_at(v), room);
      split(*p.along_w, line_at(v), p.scale, p.inner);
      Rows to = matrix_rows(p, g, matrix, r);
      to_rows<true>(v, 2 * L, p.bins, to, false);
      to_rows<true>(v + L, 2 * L, p.bins, shifted(to, p.ld), false);
    }
    columns(p, g, matrix, false, room);
    for (int64_t k = 0; k < g.count; k++)
      for (int part = 0; part < 2; part++)
        for (int64_t h = 0; h < H; h++) {
          float *to = z + spectrum_row(p, g.first + k, part, h), *from = p.at(matrix, k, h) + part * p.ld;
          add ? add_to(to, from, p.bins) : copy_row(to, from, p.bins);
        }
  });
}

static void irfft2(Pool& pool, Tensor x, Tensor z, float inner, bool add) {
  int64_t B = x.n[0], C = x.n[1], H = x.n[2], W = x.n[3];
  FFTPlanes p = fft_planes(pool, B, C, H, W, inner);
  pool.run(p.units(), p.scratch_floats(), [&](int64_t unit, Scratch& s) {
    PlaneGroup g = group_at(p, unit);
    float *matrix = s.take(p.matrix_floats()), *v = s.take(p.line_floats()), *room = s.take(p.room_floats());
    for (int64_t k = 0; k < g.count; k++)
      for (int part = 0; part < 2; part++)
        for (int64_t h = 0; h < H; h++)
          copy_row(p.at(matrix, k, h) + part * p.ld, z + spectrum_row(p, g.first + k, part, h), p.bins);
    columns(p, g, matrix, true, room);
    for (int64_t r = 0; r < g.count * H; r += L) {
      Rows from = matrix_rows(p, g, matrix, r);
      from_rows<true>(from, p.bins, v, 2 * L);
      from_rows<true>(shifted(from, p.ld), p.bins, v + L, 2 * L);
      merge(*p.along_w, line_at(v), p.scale, p.inner);
      fft(*p.along_w, swapped(line_at(v)), room);
      to_rows<false>(v, L, W, image_rows(p, g, x, r), add);
    }
  });
}

}  // namespace ISA
