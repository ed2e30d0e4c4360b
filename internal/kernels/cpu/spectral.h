// spectral.h: y = z (1 + gain) e^(i·turn), the learned multiplier of Eq. 14.
//
//   |z| = √(re² + im² + 1e-4), u = z/|z|
//   gain = amplitude(log(1+|z|), log(1+|l|))
//   turn = phase(re u_z, im u_z, re u_l, im u_l)
//
// Bins come in tiles: everything between z, l and y is in a tile's scratch, as rows of
// N bins, padded with zeros to a multiple of L.
//
// Cost per bin: 8C² MACs and, per channel, two square roots and logarithms, a
// sine and a cosine; 6C floats of memory traffic. Bound by arithmetic.
#pragma once
#include "conv1x1.h"

namespace ISA {

constexpr float kFuseLeak = 0.1f;
constexpr float kSpectralFloor = 1e-4f;  // added to |z|²

// bins_tile is the number of bins in a tile that needs `rows` rows of scratch:
// 384 KiB of it, in tiles of about the same size.
INLINE int64_t bins_tile(int64_t rows, int64_t bins) {
  return equal_parts(bins, clamp((96 << 10) / rows / NR * NR, 32, 256), NR);
}

// SpectralTile is the forward pass's scratch.
struct SpectralTile {
  float *z, *l;          // [2C,N]
  float *logs, *units;   // [2C,N], [4C,N]: the inputs of amplitude and phase
  float *ha, *hp;        // [C,N]: their hidden values, after the LeakyReLU
  float *gain, *turn;    // [C,N]
};
constexpr int64_t kSpectralRows = 14;  // rows of it per channel

INLINE SpectralTile spectral_tile(Scratch& s, int64_t n) {
  SpectralTile t;
  t.z = s.take(2 * n), t.l = s.take(2 * n), t.logs = s.take(2 * n), t.units = s.take(4 * n);
  t.ha = s.take(n), t.hp = s.take(n), t.gain = s.take(n), t.turn = s.take(n);
  return t;
}

// gather_bins and scatter_bins move bins [at, at+n) of an image [rows,bins] to
// rows of N, and add them back.
INLINE void gather_bins(float* tile, int64_t N, const float* image, int64_t rows, int64_t bins, int64_t at, int64_t n) {
  for (int64_t r = 0; r < rows; r++) copy_padded(tile + r * N, image + r * bins + at, n, N);
}
INLINE void scatter_bins(float* image, const float* tile, int64_t N, int64_t rows, int64_t bins, int64_t at,
                         int64_t n) {
  for (int64_t r = 0; r < rows; r++) add_to(image + r * bins + at, tile + r * N, n);
}

INLINE vf magnitude(vf re, vf im) { return vsqrt(re * re + im * im + kSpectralFloor); }

// polar writes log(1+|z|) and u of n numbers z; imaginary parts follow the real ones
// after n floats.
static void polar(int64_t n, const float* z, float* log, float* u) {
  for (int64_t i = 0; i < n; i += L) {
    vf re = load(z + i), im = load(z + n + i), m = magnitude(re, im), r = 1.0f / m;
    store(log + i, vlog1p(m));
    store(u + i, re * r);
    store(u + n + i, im * r);
  }
}

static void add_bias(int64_t C, int64_t N, float* x, const float* bias) {
  for (int64_t c = 0; c < C; c++)
    for (int64_t i = c * N; i < (c + 1) * N; i += L) store(x + i, load(x + i) + bias[c]);
}

// fuse computes out = w2·hidden + b2, hidden = leaky(w1·in + b1): in [K,N].
static void fuse(const clusir_fuse& f, int64_t C, int64_t K, int64_t N, const float* in, float* hidden, float* out) {
  gemm(C, N, K, f.w1.p, K, in, N, hidden, N, Overwrite);
  add_bias(C, N, hidden, f.b1);
  for (int64_t i = 0; i < C * N; i += L) {
    vf h = load(hidden + i);
    store(hidden + i, select(h > 0.0f, h, h * kFuseLeak));
  }
  gemm(C, N, C, f.w2.p, C, hidden, N, out, N, Overwrite);
  add_bias(C, N, out, f.b2);
}

// spectral_forward fills t from its z and l.
static void spectral_forward(const SpectralTile& t, int64_t C, int64_t N, const clusir_fuse& amplitude,
                             const clusir_fuse& phase) {
  polar(C * N, t.z, t.logs, t.units);
  polar(C * N, t.l, t.logs + C * N, t.units + 2 * C * N);
  fuse(amplitude, C, 2 * C, N, t.logs, t.ha, t.gain);
  fuse(phase, C, 4 * C, N, t.units, t.hp, t.turn);
}

// multiply computes z (1 + gain) e^(i·turn) in place, for n numbers.
static void multiply(int64_t n, float* z, const float* gain, const float* turn) {
  for (int64_t i = 0; i < n; i += L) {
    vf re = load(z + i), im = load(z + n + i), g = 1.0f + load(gain + i), s, c;
    vsincos(load(turn + i), &s, &c);
    store(z + i, (re * c - im * s) * g);
    store(z + n + i, (re * s + im * c) * g);
  }
}

static void spectral_fusion(Pool& pool, Tensor y, Tensor z, Tensor l, clusir_fuse amplitude, clusir_fuse phase) {
  int64_t B = z.n[0], C = z.n[1] / 2, bins = z.n[2] * z.n[3];
  int64_t T = bins_tile(kSpectralRows * C, bins), per_image = ceil_div(bins, T);
  pool.run(B * per_image, (size_t)(kSpectralRows * C * T + 8 * 16), [&](int64_t unit, Scratch& s) {
    int64_t image = unit / per_image * 2 * C * bins, at = unit % per_image * T;
    int64_t n = min(T, bins - at), N = round_up(n, L);
    SpectralTile t = spectral_tile(s, C * N);
    gather_bins(t.z, N, z + image, 2 * C, bins, at, n);
    gather_bins(t.l, N, l + image, 2 * C, bins, at, n);
    spectral_forward(t, C, N, amplitude, phase);
    multiply(C * N, t.z, t.gain, t.turn);
    for (int64_t r = 0; r < 2 * C; r++) memcpy(y + image + r * bins + at, t.z + r * N, 4 * (size_t)n);
  });
}

}  // namespace ISA
