// simd.h: vectors of LANES floats, written once and compiled once per
// instruction set (isa_*.cc define LANES and choose the target).
//
// Everything below a family header is in namespace ISA, so that the copies do not clash at
// link time.
#pragma once
#include <cstdint>
#include <cstring>

#define INLINE static inline __attribute__((always_inline))
#define INLINE_METHOD inline __attribute__((always_inline))

// REGISTERS is the number of vector registers: 32 with AVX-512 and NEON, else 16.
#if LANES == 16 || defined(__aarch64__)
#define REGISTERS 32
#else
#define REGISTERS 16
#endif

namespace ISA {

constexpr int L = LANES;        // floats in a vector
constexpr int NR = 2 * LANES;   // columns of a GEMM micro-tile

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef float vfu __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef double vd __attribute__((vector_size(4 * LANES)));
typedef double vdu __attribute__((vector_size(4 * LANES), aligned(8), may_alias));

INLINE vf load(const float* p) { return *(const vfu*)p; }
INLINE vd load(const double* p) { return *(const vdu*)p; }
INLINE void store(float* p, vf v) { *(vfu*)p = v; }
INLINE void store(double* p, vd v) { *(vdu*)p = v; }
// x - 0 is x for every x, -0 included, so this is one broadcast; 0 + x would be an addition.
INLINE vf splat(float x) { return x - vf{}; }
INLINE vd splat(double x) { return x - vd{}; }
INLINE vf bits(vi x) { return (vf)x; }
INLINE vi bits(vf x) { return (vi)x; }
// select takes a where the mask is set (all ones), b elsewhere.
INLINE vf select(vi mask, vf a, vf b) { return (vf)(((vi)a & mask) | ((vi)b & ~mask)); }
// vmax and vmin return b if a or b is NaN. GCC needs four instructions for the comparison
// if masks have their own registers.
#if LANES == 16 && defined(__x86_64__)
INLINE vf vmax(vf a, vf b) { return (vf)_mm512_maskz_max_ps((__mmask16)-1, (__m512)a, (__m512)b); }
INLINE vf vmin(vf a, vf b) { return (vf)_mm512_maskz_min_ps((__mmask16)-1, (__m512)a, (__m512)b); }
#elif LANES == 8 && defined(__x86_64__)
INLINE vf vmax(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE vf vmin(vf a, vf b) { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
#else
INLINE vf vmax(vf a, vf b) { return select(a > b, a, b); }
INLINE vf vmin(vf a, vf b) { return select(a < b, a, b); }
#endif
INLINE vf vabs(vf a) { return bits(bits(a) & 0x7fffffff); }

#if LANES == 16 && defined(__x86_64__)
// shifted returns the L lanes from lane n of a on, with b following a.
template <int n>
INLINE vf shifted(vf a, vf b) {
  return (vf)_mm512_maskz_alignr_epi32((__mmask16)-1, (__m512i)b, (__m512i)a, n);  // GCC 12 warns of the plain form
}
#endif

// sum adds the lanes pairwise, in an order that does not depend on L's halves
// being registers.
template <class T, class V>
INLINE T sum_of(V v) {
  constexpr int lanes = sizeof(V) / sizeof(T);
  T t[lanes];
  memcpy(t, &v, sizeof v);
  for (int n = lanes / 2; n; n /= 2)
    for (int i = 0; i < n; i++) t[i] += t[i + n];
  return t[0];
}
INLINE float sum(vf v) { return sum_of<float>(v); }
INLINE double sum(vd v) { return sum_of<double>(v); }

// load_n and store_n touch only the first n lanes' memory.
INLINE vf load_n(const float* p, int n) {
  vf v = {};
  memcpy(&v, p, 4 * (size_t)n);
  return v;
}
INLINE void store_n(float* p, vf v, int n) { memcpy(p, &v, 4 * (size_t)n); }

// order_loads, after step i of an unrolled loop, keeps later loads from moving before it. On
// arm64 GCC would start with all loads and spill accumulators for them.
INLINE void order_loads(int i) {
#if defined(__aarch64__)
  if (i % 4 == 3) asm volatile("" ::: "memory");
#else
  (void)i;
#endif
}

// round_up returns the smallest multiple of m that is >= n.
INLINE int64_t round_up(int64_t n, int64_t m) { return (n + m - 1) / m * m; }

}  // namespace ISA
