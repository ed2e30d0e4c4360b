// spectral_grad.h: the gradient of spectral.h. A tile's forward pass is computed
// again; with y = z (1 + gain) e^(i·turn) and r = z e^(i·turn),
//
//   dgain = Re(dy* r), dturn = (1 + gain) Im(dy* i r) = (1 + gain) (dy_im r_re - dy_re r_im)
//   dz = (1 + gain) e^(-i·turn) dy + the gradient through |z| and u:
//   d|z| = dlog/(1+|z|), dz += (du - u (u·du))/|z| + u d|z|
//
// The weights' gradients are sums over all bins: see Partials. 24C² MACs per bin.
#pragma once
#include "lanes.h"
#include "spectral.h"

namespace ISA {

// FuseSums is the layout of a part's gradients of one Fuse: offsets of w1
// [C,Kp], w2 [C,Cp], b1 and b2 [C]; Kp and Cp are padded to L.
struct FuseSums {
  int64_t Kp, Cp, w1, w2, b1, b2, end;
};
INLINE FuseSums fuse_sums(int64_t C, int64_t K, int64_t at) {
  FuseSums f;
  f.Kp = round_up(K, L), f.Cp = round_up(C, L);
  f.w1 = at, f.w2 = f.w1 + C * f.Kp, f.b1 = f.w2 + C * f.Cp, f.b2 = f.b1 + C, f.end = f.b2 + C;
  return f;
}

static void reduce_fuse(Pool& pool, const clusir_fuse& d, const Partials& sums, const FuseSums& at, int64_t C,
                        int64_t K) {
  reduce(pool, d.w1, sums, at.w1, C, K, at.Kp);
  reduce(pool, d.w2, sums, at.w2, C, C, at.Cp);
  reduce(pool, d.b1, sums, at.b1, 1, C, C);
  reduce(pool, d.b2, sums, at.b2, 1, C, C);
}

// FuseTransposed holds a Fuse's transposed weights: w1 [K,C], w2 [C,C].
struct FuseTransposed {
  float *w1, *w2;
};
INLINE FuseTransposed transposed(float*& room, const clusir_fuse& f, int64_t C, int64_t K) {
  FuseTransposed t = {room, room + K * C};
  room += K * C + C * C;
  transpose(C, K, f.w1.p, K, t.w1, C);
  transpose(C, C, f.w2.p, C, t.w2, C);
  return t;
}

static void add_row_sums(float* sums, int64_t C, int64_t N, const float* x) {
  for (int64_t c = 0; c < C; c++) sums[c] += row_sum(x + c * N, N);
}

// fuse_grad turns dout [C,N] into din [K,N] and adds the weights' gradients to
// sums. dhidden [C,N] and across [N, Kp] are scratch.
static void fuse_grad(const FuseTransposed& w, int64_t C, int64_t K, int64_t N, const float* in, const float* hidden,
                      const float* dout, float* dhidden, float* din, float* across, float* sums, const FuseSums& at) {
  add_row_sums(sums + at.b2, C, N, dout);
  transpose_padded(C, N, hidden, N, across, at.Cp);
  gemm(C, at.Cp, N, dout, N, across, at.Cp, sums + at.w2, at.Cp, AddTo);
  gemm(C, N, C, w.w2, C, dout, N, dhidden, N, Overwrite);
  for (int64_t i = 0; i < C * N; i += L) {
    vf d = load(dhidden + i);
    store(dhidden + i, select(load(hidden + i) > 0.0f, d, d * kFuseLeak));
  }
  add_row_sums(sums + at.b1, C, N, dhidden);
  transpose_padded(K, N, in, N, across, at.Kp);
  gemm(C, at.Kp, N, dhidden, N, across, at.Kp, sums + at.w1, at.Kp, AddTo);
  gemm(K, N, C, w.w1, C, dhidden, N, din, N, Overwrite);
}

// multiply_grad turns dy into dz, and gain and turn into their gradients, in place.
static void multiply_grad(int64_t n, const float* z, float* dy, float* gain, float* turn) {
  for (int64_t i = 0; i < n; i += L) {
    vf re = load(z + i), im = load(z + n + i), gr = load(dy + i), gi = load(dy + n + i), s, c;
    vsincos(load(turn + i), &s, &c);
    vf g = 1.0f + load(gain + i), rr = re * c - im * s, ri = re * s + im * c;
    store(gain + i, gr * rr + gi * ri);
    store(turn + i, (gi * rr - gr * ri) * g);
    store(dy + i, (gr * c + gi * s) * g);
    store(dy + n + i, (gi * c - gr * s) * g);
  }
}

// polar_grad adds the gradient through log(1+|z|) and u to dz.
static void polar_grad(int64_t n, const float* z, const float* dlog, const float* du, float* dz) {
  for (int64_t i = 0; i < n; i += L) {
    vf re = load(z + i), im = load(z + n + i), m = magnitude(re, im), r = 1.0f / m;
    vf ur = re * r, ui = im * r, dr = load(du + i), di = load(du + n + i);
    vf along = load(dlog + i) / (1.0f + m) - (ur * dr + ui * di) * r;
    store(dz + i, load(dz + i) + dr * r + ur * along);
    store(dz + n + i, load(dz + n + i) + di * r + ui * along);
  }
}

// SpectralGrad is the scratch that a tile of the gradient needs in addition to
// SpectralTile.
struct SpectralGrad {
  float *g, *dl;           // [2C,N]: dy, which becomes dz; dl
  float *dlogs, *dunits;   // [2C,N], [4C,N]
  float *dhidden, *across; // [C,N], [N,Kp]
};
constexpr int64_t kSpectralGradRows = kSpectralRows + 11;  // rows per channel, except for across

INLINE SpectralGrad spectral_grad_tile(Scratch& s, int64_t n, int64_t across) {
  SpectralGrad t;
  t.g = s.take(2 * n), t.dl = s.take(2 * n), t.dlogs = s.take(2 * n), t.dunits = s.take(4 * n);
  t.dhidden = s.take(n), t.across = s.take(across);
  return t;
}

// SpectralSums is the layout of a part's gradients of both.
struct SpectralSums {
  FuseSums amplitude, phase;
};

// spectral_backward computes a tile's dz and dl in d from z and l in t and dy in d, and
// adds the weights' gradients to sums.
static void spectral_backward(const SpectralTile& t, const SpectralGrad& d, int64_t C, int64_t N,
                              const clusir_fuse& amplitude, const clusir_fuse& phase, const FuseTransposed& wa,
                              const FuseTransposed& wp, float* sums, const SpectralSums& at) {
  spectral_forward(t, C, N, amplitude, phase);
  multiply_grad(C * N, t.z, d.g, t.gain, t.turn);
  fuse_grad(wa, C, 2 * C, N, t.logs, t.ha, t.gain, d.dhidden, d.dlogs, d.across, sums, at.amplitude);
  fuse_grad(wp, C, 4 * C, N, t.units, t.hp, t.turn, d.dhidden, d.dunits, d.across, sums, at.phase);
  memset(d.dl, 0, 4 * (size_t)(2 * C * N));
  polar_grad(C * N, t.z, d.dlogs, d.dunits, d.g);
  polar_grad(C * N, t.l, d.dlogs + C * N, d.dunits + 2 * C * N, d.dl);
}

static void spectral_fusion_grad(Pool& pool, Tensor dz, Tensor dl, clusir_fuse damplitude, clusir_fuse dphase,
                                 Tensor dy, Tensor z, Tensor l, clusir_fuse amplitude, clusir_fuse phase) {
  int64_t B = z.n[0], C = z.n[1] / 2, bins = z.n[2] * z.n[3];
  SpectralSums at;
  at.amplitude = fuse_sums(C, 2 * C, 0), at.phase = fuse_sums(C, 4 * C, at.amplitude.end);
  int64_t T = bins_tile((kSpectralGradRows + 4) * C, bins), per_image = ceil_div(bins, T), units = B * per_image;
  int64_t size = round_up(at.phase.end, 16), parts = part_count(units, B * bins, size);
  float* room = pool.shared((size_t)(8 * C * C + parts * size));
  FuseTransposed wa = transposed(room, amplitude, C, 2 * C), wp = transposed(room, phase, C, 4 * C);
  Partials sums = {room, parts, size};
  size_t floats = (size_t)(kSpectralGradRows * C * T + at.phase.Kp * T + 16 * 16);
  pool.run(parts, floats, [&](int64_t part, Scratch& s) {
    SpectralTile t = spectral_tile(s, C * T);
    SpectralGrad d = spectral_grad_tile(s, C * T, at.phase.Kp * T);
    float* acc = sums.open(part);
    int64_t from, to;
    part_range(sums, units, part, &from, &to);
    for (int64_t unit = from; unit < to; unit++) {
      int64_t image = unit / per_image * 2 * C * bins, first = unit % per_image * T;
      int64_t n = min(T, bins - first), N = round_up(n, L);
      gather_bins(t.z, N, z + image, 2 * C, bins, first, n);
      gather_bins(t.l, N, l + image, 2 * C, bins, first, n);
      gather_bins(d.g, N, dy + image, 2 * C, bins, first, n);
      spectral_backward(t, d, C, N, amplitude, phase, wa, wp, acc, at);
      if (dz) scatter_bins(dz + image, d.g, N, 2 * C, bins, first, n);
      if (dl) scatter_bins(dl + image, d.dl, N, 2 * C, bins, first, n);
    }
  });
  reduce_fuse(pool, damplitude, sums, at.amplitude, C, 2 * C);
  reduce_fuse(pool, dphase, sums, at.phase, C, 4 * C);
}

}  // namespace ISA
