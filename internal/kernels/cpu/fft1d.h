// fft1d.h: the complex Fourier transform of L sequences at once, one a lane.
//
// Stockham passes of radix 4, 2, 3, 5 and 7, a direct transform by two small
// matrix products for other primes, Bluestein's convolution for large ones. The
// passes alternate between two lines of scratch; only the first reads and only
// the last writes the caller's line, which may be strided in a matrix.
//
// Radix 4: 28 operations on vectors for 16 loads and stores, bound by arithmetic
// while a line fits the first-level cache. Radix 8 saves one pass in three but
// was slower (64 points on AVX2: 335 ns against 252): a butterfly's values do not
// fit 16 registers.
#pragma once
#include "fft_plan.h"
#include "gemm.h"

namespace ISA {

// Line is a sequence of complex vectors, element k at re + k·step, im + k·step.
// With re and im swapped, the forward transform of one is the inverse of the other.
struct Line {
  float *re, *im;
  int64_t step;
};

INLINE Line swapped(const Line& x) { return {x.im, x.re, x.step}; }

// line_at returns a line in n complex vectors of scratch.
INLINE Line line_at(float* p) { return {p, p + L, 2 * L}; }

struct Complex {
  vf re, im;
};

INLINE Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
INLINE Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
INLINE Complex times(Complex a, float re, float im) { return {a.re * re - a.im * im, a.re * im + a.im * re}; }
INLINE Complex minus_i(Complex a) { return {a.im, -a.re}; }  // -i·a
INLINE Complex get(const Line& x, int64_t k) { return {load(x.re + k * x.step), load(x.im + k * x.step)}; }
INLINE void put(const Line& x, int64_t k, Complex a) {
  store(x.re + k * x.step, a.re);
  store(x.im + k * x.step, a.im);
}

// Butterfly<r> transforms r values in place.
template <int r>
struct Butterfly {
  // Odd r: with t_j = a_j + a_(r-j) and d_j = a_j - a_(r-j), the results u and
  // r-u are Σ cos(2πuj/r) t_j ∓ i Σ sin(2πuj/r) d_j.
  INLINE void apply(Complex a[r], const float* dft) {
    constexpr int h = r / 2;
    Complex t[h + 1], d[h + 1], sum = a[0];
#pragma GCC unroll 4
    for (int j = 1; j <= h; j++) {
      t[j] = a[j] + a[r - j];
      d[j] = a[j] - a[r - j];
      sum = sum + t[j];
    }
#pragma GCC unroll 4
    for (int u = 1; u <= h; u++) {
      Complex even = a[0], odd = {vf{}, vf{}};
#pragma GCC unroll 4
      for (int j = 1; j <= h; j++) {
        int k = u * j % r;
        float c = dft[(k <= h ? k : r - k) - 1], s = k <= h ? dft[h + k - 1] : -dft[h + r - k - 1];
        even = {even.re + t[j].re * c, even.im + t[j].im * c};
        odd = {odd.re + d[j].re * s, odd.im + d[j].im * s};
      }
      a[u] = even + minus_i(odd);
      a[r - u] = even - minus_i(odd);
    }
    a[0] = sum;
  }
};

template <>
struct Butterfly<2> {
  INLINE void apply(Complex a[2], const float*) {
    Complex d = a[0] - a[1];
    a[0] = a[0] + a[1], a[1] = d;
  }
};

template <>
struct Butterfly<4> {
  INLINE void apply(Complex a[4], const float*) {
    Complex s = a[0] + a[2], d = a[0] - a[2], t = a[1] + a[3], e = minus_i(a[1] - a[3]);
    a[0] = s + t, a[1] = d + e, a[2] = s - t, a[3] = d - e;
  }
};

// pass_at does a pass's work for one p: see FFTPass.
template <int r, bool twiddled>
INLINE void pass_at(const FFTPass& f, int64_t p, const Line& x, const Line& y) {
  const float* w = f.twiddle + p * 2 * (r - 1);
  for (int64_t q = 0; q < f.stride; q++) {
    Complex a[r];
#pragma GCC unroll 8
    for (int t = 0; t < r; t++) a[t] = get(x, q + f.stride * (p + f.count * t));
    Butterfly<r>::apply(a, f.dft);
    int64_t k = q + f.stride * r * p;
    put(y, k, a[0]);
#pragma GCC unroll 8
    for (int u = 1; u < r; u++)
      put(y, k + f.stride * u, twiddled ? times(a[u], w[2 * u - 2], w[2 * u - 1]) : a[u]);
  }
}

template <int r>
static void pass(const FFTPass& f, const Line& x, const Line& y) {
  pass_at<r, false>(f, 0, x, y);
  for (int64_t p = 1; p < f.count; p++) pass_at<r, true>(f, p, x, y);
}

// direct_pass is a pass of any odd radix: Butterfly's sums as matrix products.
// It needs 8·(radix/2 + 1) vectors of scratch.
static void direct_pass(const FFTPass& f, const Line& x, const Line& y, float* scratch) {
  int64_t r = f.radix, h = r / 2, size = (h + 1) * 2 * L;
  float *t = scratch, *d = t + size, *even = d + size, *odd = even + size;
  for (int64_t p = 0; p < f.count; p++)
    for (int64_t q = 0; q < f.stride; q++) {
      const float* w = f.twiddle + p * 2 * (r - 1);
      auto in = [&](int64_t k) { return get(x, q + f.stride * (p + f.count * k)); };
      auto out = [&](int64_t u, Complex a) {
        put(y, q + f.stride * (r * p + u), u && p ? times(a, w[2 * u - 2], w[2 * u - 1]) : a);
      };
      put(line_at(t), 0, in(0));
      for (int64_t j = 1; j <= h; j++) {
        put(line_at(t), j, in(j) + in(r - j));
        put(line_at(d), j - 1, in(j) - in(r - j));
      }
      gemm(h + 1, NR, h + 1, f.dft, h + 1, t, NR, even, NR, Overwrite);
      gemm(h, NR, h, f.dft + (h + 1) * (h + 1), h, d, NR, odd, NR, Overwrite);
      out(0, get(line_at(even), 0));
      for (int64_t u = 1; u <= h; u++) {
        Complex e = get(line_at(even), u), o = minus_i(get(line_at(odd), u - 1));
        out(u, e + o);
        out(r - u, e - o);
      }
    }
}

// fft_passes transforms x in place; scratch holds plan.room vectors.
static void fft_passes(const FFTPlan& plan, const Line& x, float* scratch) {
  Line lines[2] = {line_at(scratch), line_at(scratch + 2 * L * plan.n)};
  float* rest = scratch + 4 * L * plan.n;
  Line from = x;
  for (int i = 0; i < plan.passes; i++) {
    const FFTPass& f = plan.pass[i];
    Line to = i == plan.passes - 1 ? x : lines[i % 2];
    switch (f.radix) {
      case 2: pass<2>(f, from, to); break;
      case 3: pass<3>(f, from, to); break;
      case 4: pass<4>(f, from, to); break;
      case 5: pass<5>(f, from, to); break;
      case 7: pass<7>(f, from, to); break;
      default: direct_pass(f, from, to, rest);
    }
    from = to;
  }
}

// filtered multiplies x by n complex factors f.
static void filtered(const Line& to, const Line& x, const float* f, int64_t n) {
  for (int64_t k = 0; k < n; k++) put(to, k, times(get(x, k), f[2 * k], f[2 * k + 1]));
}

// fft transforms x in place; scratch holds plan.room vectors.
static void fft(const FFTPlan& plan, const Line& x, float* scratch) {
  if (!plan.chirp_plan) return fft_passes(plan, x, scratch);
  int64_t m = plan.chirp_plan->n;
  Line a = line_at(scratch);
  filtered(a, x, plan.chirp, plan.n);
  memset(scratch + 2 * L * plan.n, 0, 4 * (size_t)(2 * L * (m - plan.n)));
  fft_passes(*plan.chirp_plan, a, scratch + 2 * L * m);
  filtered(a, a, plan.filter, m);
  fft_passes(*plan.chirp_plan, swapped(a), scratch + 2 * L * m);
  filtered(x, a, plan.chirp, plan.n);
}

}  // namespace ISA
