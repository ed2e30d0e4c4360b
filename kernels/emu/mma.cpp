// Tensor-core products of one warp, computed by its last lane for all. The
// layouts of the fragments are those of PTX's mma.sync (section 9.7.15): with
// g = lane/4 and t = lane%4, row-major A and column-major B.
#include "mma.h"

#include <cstring>

namespace emu {

static float as_float(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

// tf32 is what the hardware reads of a register: the low 13 bits do not count.
// A kernel that forgets to round its operands is less exact, and that shows.
static float tf32(uint32_t bits) { return as_float(bits & 0xffffe000u); }
static float bf16_low(uint32_t bits) { return as_float(bits << 16); }
static float bf16_high(uint32_t bits) { return as_float(bits & 0xffff0000u); }

// multiply computes c += a b with a [16][K] and b [K][8]. The products of such
// operands are exact in float32; sums are rounded, as on the device.
typedef float row __attribute__((vector_size(32)));
template <int K>
static void multiply(Warp& w, const float (&a)[16][K], const row (&b)[K]) {
  for (int i = 0; i < 16; i++) {
    float(*c)[4] = &w.c[i % 8 * 4];
    const int h = i / 8 * 2;
    row sum = {c[0][h], c[0][h + 1], c[1][h], c[1][h + 1], c[2][h], c[2][h + 1], c[3][h], c[3][h + 1]};
    for (int k = 0; k < K; k++) sum += a[i][k] * b[k];
    for (int j = 0; j < 8; j++) c[j / 2][h + j % 2] = sum[j];
  }
}

static void need_full_warp(unsigned active) {
  if (active != ~0u) fail(719, "mma.sync with lanes that have returned (active %08x)", active);
}

void mma_tf32(Warp& w, unsigned active) {
  need_full_warp(active);
  float a[16][8];
  row b[8];
  for (int lane = 0; lane < 32; lane++) {
    int g = lane / 4, t = lane % 4;
    for (int r = 0; r < 4; r++) a[g + r % 2 * 8][t + r / 2 * 4] = tf32(w.a[lane][r]);
    for (int r = 0; r < 2; r++) b[t + r * 4][g] = tf32(w.b[lane][r]);
  }
  multiply(w, a, b);
}

void mma_bf16(Warp& w, unsigned active) {
  need_full_warp(active);
  float a[16][16];
  row b[16];
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
  multiply(w, a, b);
}

}  // namespace emu
