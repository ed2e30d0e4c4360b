// vmath.h: elementary functions on vectors, accurate to a few units in the last place
// over the ranges that the network uses.
#pragma once
#include "simd.h"

namespace ISA {

// horner evaluates a polynomial, whose coefficients begin with that of the highest power.
template <class... Coefficients>
INLINE vf horner(vf x, float highest, Coefficients... others) {
  vf p = splat(highest);
  ((p = p * x + others), ...);
  return p;
}

// vsqrt is correctly rounded.
INLINE vf vsqrt(vf x) {
#if defined(__x86_64__) && LANES == 16
  return (vf)_mm512_maskz_sqrt_ps((__mmask16)-1, (__m512)x);  // GCC 12 warns about the unmasked form
#elif defined(__x86_64__) && LANES == 8
  return (vf)_mm256_sqrt_ps((__m256)x);
#elif defined(__x86_64__)
  return (vf)_mm_sqrt_ps((__m128)x);
#else
  for (int i = 0; i < L; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

// vexp: e^x, x clamped to [-87, 88]. Cody-Waite reduction and a polynomial of
// degree 6 (Cephes expf), < 1.5 ulp.
INLINE vf vexp(vf x) {
  x = vmin(vmax(x, splat(-87.0f)), splat(88.0f));
  vf t = x * 1.44269504f + 12582912.0f;  // round to nearest by the magic 1.5·2^23
  vi n = bits(t) - 0x4b400000;
  t = t - 12582912.0f;
  vf r = x - t * 0.693359375f + t * 2.12194440e-4f;
  vf p = horner(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                5.0000001201e-1f);
  p = p * (r * r) + r + 1.0f;
  return p * bits((n + 127) << 23);
}

// verf: the error function, x times a rational approximation in x², < 7 ulp for
// |x| < 4, constant beyond.
INLINE vf verf(vf x) {
  x = vmin(vmax(x, splat(-4.0f)), splat(4.0f));
  vf s = x * x;
  vf p = horner(s, -2.72614225801306e-10f, 2.77068142495902e-08f, -2.10102402082508e-06f, -5.69250639462346e-05f,
                -7.34990630326855e-04f, -2.95459980854025e-03f, -1.60960333262415e-02f);
  vf q = horner(s, -1.45660718464996e-05f, -2.13374055278905e-04f, -1.68282697438203e-03f, -7.37332916720468e-03f,
                -1.42647390514189e-02f);
  return x * p / q;
}

// vgelu: x Φ(x). vgelu_and_slope also computes the derivative, Φ(x) + x φ(x), from the same Φ.
INLINE vf vgelu(vf x) { return 0.5f * x * (1.0f + verf(x * 0.70710678118f)); }
INLINE void vgelu_and_slope(vf x, vf* y, vf* slope) {
  vf cdf = 0.5f * (1.0f + verf(x * 0.70710678118f));
  *y = x * cdf, *slope = cdf + x * (0.3989422804f * vexp(-0.5f * x * x));
}

// vgelu_half and vgelu_slope_half are for results that are rounded to bf16 afterwards:
// polynomials, without a division or an exponential. Φ is off by 3.5e-5 at most, and so
// x Φ(x) by 3.5e-5 |x|; the slope by 2.3e-4, a thirtieth of bf16's last place at 1.
// Beyond the range of the polynomials they are 2.1e-6 and 3e-5 from 0 or 1.
INLINE vf vgelu_half(vf x) {
  vf c = vmin(vmax(x, splat(-4.0f)), splat(4.0f)), s = c * c;
  vf p = horner(s, -1.27879563e-09f, 1.04491442e-07f, -3.71078061e-06f, 7.62042425e-05f, -1.02113532e-03f,
                9.58167708e-03f, -6.60644956e-02f, 3.98805697e-01f);
  return x * (c * p + 0.5f);
}
INLINE vf vgelu_slope_half(vf x) {
  vf c = vmin(vmax(x, splat(-4.375f)), splat(4.375f)), s = c * c;
  vf p = horner(s, 4.92541462e-10f, -4.85320141e-08f, 2.07347761e-06f, -5.06385277e-05f, 7.85671236e-04f,
                -8.13406707e-03f, 5.69920305e-02f, -2.63194381e-01f, 7.97087960e-01f);
  return c * p + 0.5f;
}

// vsigmoid: 1 / (1 + e^-x).
INLINE vf vsigmoid(vf x) { return 1.0f / (1.0f + vexp(-x)); }

// vlog1p: log(1 + x) for x > -1, < 1 ulp: the logarithm of the rounded sum (Cephes
// logf), corrected for the rounding.
INLINE vf vlog1p(vf x) {
  vf u = 1.0f + x;
  vi e = (bits(u) - 0x3f3504f3) >> 23;  // u = m·2^e, m in [√½, √2)
  vf z = bits(bits(u) - (e << 23)) - 1.0f;
  vf p = horner(z, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  vf n = __builtin_convertvector(e, vf), s = z * z;
  vf low = p * (s * z) - 0.5f * s - 2.12194440e-4f * n + (x - (u - 1.0f)) / u;
  return z + low + 0.693359375f * n;
}

// vsincos: sin(x) and cos(x) to 1e-7 for |x| < 1e4; beyond that the reduction by
// multiples of π/2 in three parts loses digits, as x itself does.
INLINE void vsincos(vf x, vf* sine, vf* cosine) {
  vf t = x * 0.636619772f + 12582912.0f;  // round to nearest as in vexp
  vi n = bits(t);
  t = t - 12582912.0f;
  vf r = x - t * 1.5703125f - t * 4.837512969970703e-4f - t * 7.549789948768648e-8f;
  vf s = r * r;
  vf p = horner(s, -1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f);
  p = p * (s * r) + r;
  vf q = horner(s, 2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f);
  q = q * (s * s) - 0.5f * s + 1.0f;
  vi odd = -(n & 1);  // odd quadrants swap the two
  *sine = bits(bits(select(odd, q, p)) ^ ((n & 2) << 30));
  *cosine = bits(bits(select(odd, p, q)) ^ (((n + 1) & 2) << 30));
}

}  // namespace ISA
