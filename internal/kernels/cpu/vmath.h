// vmath.h: elementary functions on vectors, accurate to a few units in the
// last place over the ranges that the network uses.
#pragma once
#include "simd.h"

namespace ISA {

// vsqrt is correctly rounded.
INLINE vf vsqrt(vf x) {
#if defined(__x86_64__) && LANES == 16
  return (vf)_mm512_sqrt_ps((__m512)x);
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
// degree 6 (Cephes expf), < 2 ulp.
INLINE vf vexp(vf x) {
  x = vmin(vmax(x, splat(-87.0f)), splat(88.0f));
  vf t = x * 1.44269504f + 12582912.0f;  // round to nearest by the magic 1.5·2^23
  vi n = bits(t) - 0x4b400000;
  t = t - 12582912.0f;
  vf r = x - t * 0.693359375f + t * 2.12194440e-4f;
  vf p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  return p * bits((n + 127) << 23);
}

// verf: the error function by a rational approximation of x/(clamped x²),
// about 2 ulp for |x| < 4, exactly ±1 to float32 beyond.
INLINE vf verf(vf x) {
  x = vmin(vmax(x, splat(-4.0f)), splat(4.0f));
  vf s = x * x;
  vf p = splat(-2.72614225801306e-10f);
  p = p * s + 2.77068142495902e-08f;
  p = p * s + -2.10102402082508e-06f;
  p = p * s + -5.69250639462346e-05f;
  p = p * s + -7.34990630326855e-04f;
  p = p * s + -2.95459980854025e-03f;
  p = p * s + -1.60960333262415e-02f;
  vf q = splat(-1.45660718464996e-05f);
  q = q * s + -2.13374055278905e-04f;
  q = q * s + -1.68282697438203e-03f;
  q = q * s + -7.37332916720468e-03f;
  q = q * s + -1.42647390514189e-02f;
  return x * p / q;
}

// vgelu: x Φ(x), and vgelu_slope its derivative Φ(x) + x φ(x).
INLINE vf vgelu(vf x) { return 0.5f * x * (1.0f + verf(x * 0.70710678118f)); }
INLINE vf vgelu_slope(vf x) {
  vf phi = 0.3989422804f * vexp(-0.5f * x * x);
  return 0.5f * (1.0f + verf(x * 0.70710678118f)) + x * phi;
}

// vsigmoid: 1 / (1 + e^-x).
INLINE vf vsigmoid(vf x) { return 1.0f / (1.0f + vexp(-x)); }

}  // namespace ISA
