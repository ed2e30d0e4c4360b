// Tensor-core products of one warp, computed by its last lane for all. The
// layouts of the fragments are those of PTX's mma.sync (section 9.7.15): with
// g = lane/4 and t = lane%4, row-major A and column-major B.
#include <cstring>

#include "fiber.h"

namespace emu {

static float as_float(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

// tf32 returns what the hardware reads from a register: it ignores the low 13 bits. This
// reveals a kernel that does not round its operands, by its lower accuracy.
static float tf32(uint32_t bits) { return as_float(bits & 0xffffe000u); }
static float bf16_low(uint32_t bits) { return as_float(bits << 16); }
static float bf16_high(uint32_t bits) { return as_float(bits & 0xffff0000u); }

typedef double row __attribute__((vector_size(64)));
typedef long long bits __attribute__((vector_size(64)));
typedef int whole __attribute__((vector_size(32)));

// power returns the power of two of each magnitude: 1 for 1.75, and infinity for infinities
// and NaN.
static void power(row& p, const row& x) { p = (row)((bits)x & 0x7ff0000000000000ll); }

// short_sum adds N products to c as an A100's tensor cores do: significands are aligned
// with the largest exponent (a product's is the sum of its factors' exponents), truncated
// to one bit more than float32 has, and added; the sum is truncated to float32. See
// Fasi, Higham, Mikaitis and Pranesh, Numerical behavior of NVIDIA tensor cores, PeerJ
// Computer Science 7:e330, and Khattak and Mikaitis, Accurate models of NVIDIA tensor
// cores, arXiv:2512.07004. An H100 adds twice as many at once, with one more bit, and is
// more accurate.
template <int N>
static void short_sum(row& c, const float* a, const row* b, const row* b_power) {
  row product[N], largest, p;
  power(largest, c);
  for (int k = 0; k < N; k++) {
    const row factor = a[k] + row{};
    product[k] = factor * b[k];
    power(p, factor);
    p *= b_power[k];
    largest = p > largest ? p : largest;
  }
  const row bottom = 0x1p-900 + row{}, top = 0x1p200 + row{};
  row unit = (largest > bottom ? largest : bottom) * 0x1p-24;
  const row per_unit = 1 / unit;  // exact, and much faster to multiply by than a division
  whole sum = __builtin_convertvector(c * per_unit, whole);
  row plain = c;
  for (int k = 0; k < N; k++) {
    sum += __builtin_convertvector(product[k] * per_unit, whole);
    plain += product[k];
  }
  const bits odd = ~(largest <= top) | (plain != plain);  // 0 times NaN has no magnitude
  const row cut = (row)((bits)(__builtin_convertvector(sum, row) * unit) & ~0x1fffffffll);
  c = odd ? plain : cut;  // infinities and NaN add up as usual
}

// infinite reports whether v has infinities or NaN.
template <int R, int C>
static bool infinite(const float (&v)[R][C]) {
  bool found = false;
  for (const auto& line : v)
    for (float x : line) found |= !(__builtin_fabsf(x) <= __FLT_MAX__);
  return found;
}

// zero reports whether n numbers are all 0.
static bool zero(const float* v, int n) {
  bool other = false;
  for (int i = 0; i < n; i++) other |= v[i] != 0;
  return !other;
}

// multiply computes c += a b with a [16][K] and b [K][8], N products at a time. It
// leaves out products of 0 and finite numbers: most are, in tiles that a matrix does not
// fill.
template <int N, int K>
static void multiply(Warp& w, const float (&a)[16][K], const float (&b)[K][8]) {
  if (zero(b[0], 8 * K) && !infinite(a)) return;
  const bool finite = !infinite(b);
  row wide[K], powers[K];
  for (int k = 0; k < K; k++) {
    for (int j = 0; j < 8; j++) wide[k][j] = b[k][j];
    power(powers[k], wide[k]);
  }
  for (int i = 0; i < 16; i++) {
    if (finite && zero(a[i], K)) continue;
    float(*c)[4] = &w.c[i % 8 * 4];
    const int h = i / 8 * 2;
    row sum = {c[0][h], c[0][h + 1], c[1][h], c[1][h + 1], c[2][h], c[2][h + 1], c[3][h], c[3][h + 1]};
    for (int k = 0; k < K; k += N) short_sum<N>(sum, &a[i][k], &wide[k], &powers[k]);
    for (int j = 0; j < 8; j++) c[j / 2][h + j % 2] = sum[j];
  }
}

static void need_full_warp(unsigned active) {
  if (active != ~0u) fail(719, "mma.sync with lanes that have returned (active %08x)", active);
}

void mma_tf32(Warp& w, unsigned active) {
  need_full_warp(active);
  float a[16][8];
  float b[8][8];
  for (int lane = 0; lane < 32; lane++) {
    int g = lane / 4, t = lane % 4;
    for (int r = 0; r < 4; r++) a[g + r % 2 * 8][t + r / 2 * 4] = tf32(w.a[lane][r]);
    for (int r = 0; r < 2; r++) b[t + r * 4][g] = tf32(w.b[lane][r]);
  }
  multiply<4>(w, a, b);
}

void mma_bf16(Warp& w, unsigned active) {
  need_full_warp(active);
  float a[16][16];
  float b[16][8];
  for (int lane = 0; lane < 32; lane++) {
    int g = lane / 4, t = lane % 4;
    for (int r = 0; r < 4; r++) {
      a[g + r % 2 * 8][2 * t + r / 2 * 8] = bf16_low(w.a[lane][r]);
      a[g + r % 2 * 8][2 * t + r / 2 * 8 + 1] = bf16_high(w.a[lane][r]);
    }
    for (int r = 0; r < 2; r++) {
      b[2 * t + r * 8][g] = bf16_low(w.b[lane][r]);
      b[2 * t + r * 8 + 1][g] = bf16_high(w.b[lane][r]);
    }
  }
  multiply<8>(w, a, b);
}

}  // namespace emu
