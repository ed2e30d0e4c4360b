// amx.h: the micro-kernel of products for processors that multiply whole tiles.
//
// A tile is a register of 16 rows of 64 bytes. tdpbf16ps adds to a tile of C, 16×16
// floats, the product of 16 rows of 16 Pairs of A and 16 Pairs along K of 16 columns
// of B: 8,192 multiply-accumulates in 16 cycles, and just as many cycles for fewer rows
// or Pairs. Both operands have the layout of gemm.h. A load takes 8 cycles if its rows
// are whole cache lines and 50 if they are not, which is why weights' rows are pitch()
// apart (operand.h) and conv3x3.h keeps a copy of a tile for each column of the filter.
//
// Registers: C in 0 to 3, two tiles of rows by two of columns; A and B in 4 and 5,
// and, if K does not fill its last tiles, those in 6 and 7. Rows are divided evenly
// among their tiles; a smaller last one is a product of its own.
//
// The instruction sums the first numbers of a tile's Pairs and the second ones
// separately, in float and in order, and adds both sums to C. It treats numbers below
// 2⁻¹²⁶ as 0, as vdpbf16ps does.
#pragma once
#include "operand.h"

#if defined(AMX_INSTRUCTIONS)
namespace ISA {

// Shape is the configuration of the registers, the operand of ldtilecfg.
struct alignas(64) Shape {
  uint8_t palette, start, reserved[14];
  uint16_t bytes[16];  // of a row
  uint8_t rows[16];
};

template <int t>
INLINE void clear_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(t));
}
template <int t>
INLINE void load_tile(const void* p, int64_t ld) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(4 * ld), "i"(t) : "memory");
}
template <int t>
INLINE void store_tile(float* p, int64_t ld) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(4 * ld), "i"(t) : "memory");
}
template <int c, int a, int b>
INLINE void mac_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(c), "i"(a), "i"(b));
}

constexpr int64_t kTile = 16;  // rows of a tile, and numbers of 32 bits in one of them

// The registers' shape as the thread's last product left it; m = 0 if they are released.
static thread_local int64_t held_m = 0, held_rest = 0;

// shape_tiles configures the registers for tiles of m rows and `rest` Pairs after the
// last whole ones. ldtilecfg takes as long as a small product, and most products of an
// operation have the same shape.
static void shape_tiles(int64_t m, int64_t rest) {
  if (m == held_m && (!rest || rest == held_rest)) return;
  held_m = m, held_rest = rest;
  Shape shape = {};
  shape.palette = 1;
  auto set = [&](int t, int64_t rows, int64_t numbers) {
    shape.rows[t] = (uint8_t)rows, shape.bytes[t] = (uint16_t)(4 * numbers);
  };
  for (int t = 0; t < 4; t++) set(t, m, kTile);
  set(4, m, kTile), set(5, kTile, kTile);
  if (rest) set(6, m, rest), set(7, rest, kTile);
  asm volatile("ldtilecfg %0" ::"m"(shape) : "memory");
}

// release_tiles releases the registers when a thread has done its share of an operation.
static void release_tiles() {
  if (held_m) asm volatile("tilerelease");
  held_m = 0;
}

// Steps are the Pairs along K of a product, in `blocks` that are apart in A and B: three
// for the rows of a 3×3 filter, else one.
struct Steps {
  int64_t K, blocks, a, b;
};

// tiles_step multiplies the tiles at A and B, loaded into registers a and b one at a
// time.
template <int down, int across, int a, int b>
INLINE void tiles_step(const Pair* A, int64_t lda, const Pair* B, int64_t ldb, int64_t m) {
  load_tile<a>(A, lda);
  load_tile<b>(B, ldb);
  mac_tiles<0, a, b>();
  if (across > 1) {
    load_tile<b>(B + kTile, ldb);
    mac_tiles<1, a, b>();
  }
  if (down > 1) {
    load_tile<a>(A + m * lda, lda);
    if (across > 1) mac_tiles<3, a, b>(), load_tile<b>(B, ldb);
    mac_tiles<2, a, b>();
  }
}

// micro_tiles computes down×across tiles of C of m rows each.
template <int down, int across>
INLINE void micro_tiles(const Steps& s, const Pair* A, int64_t lda, const Pair* B, int64_t ldb, float* C, int64_t ldc,
                        int64_t m, Accumulate acc) {
  if (acc) {
    load_tile<0>(C, ldc);
    if (across > 1) load_tile<1>(C + kTile, ldc);
    if (down > 1) load_tile<2>(C + m * ldc, ldc);
    if (down * across > 3) load_tile<3>(C + m * ldc + kTile, ldc);
  } else {
    clear_tile<0>(), clear_tile<1>(), clear_tile<2>(), clear_tile<3>();
  }
  for (int64_t i = 0; i < s.blocks; i++, A += s.a, B += s.b) {
    int64_t k = 0;
    for (; k + kTile <= s.K; k += kTile) tiles_step<down, across, 4, 5>(A + k, lda, B + k * ldb, ldb, m);
    if (k < s.K) tiles_step<down, across, 6, 7>(A + k, lda, B + k * ldb, ldb, m);
  }
  store_tile<0>(C, ldc);
  if (across > 1) store_tile<1>(C + kTile, ldc);
  if (down > 1) store_tile<2>(C + m * ldc, ldc);
  if (down * across > 3) store_tile<3>(C + m * ldc + kTile, ldc);
}

// tile_rows computes tiles of m rows for G runs of n columns.
template <int down>
static void tile_rows(int64_t m, int64_t G, int64_t n, const Steps& s, const Pair* A, int64_t lda, Mat<const Pair> B,
                      Mat<float> C, Accumulate acc) {
  for (int64_t g = 0; g < G; g++) {
    const Pair* b = B.p + g * B.run;
    float* c = C.p + g * C.run;
    int64_t j = 0;
    for (; j + 2 * kTile <= n; j += 2 * kTile) micro_tiles<down, 2>(s, A, lda, b + j, B.ld, c + j, C.ld, m, acc);
    if (j < n) micro_tiles<down, 1>(s, A, lda, b + j, B.ld, c + j, C.ld, m, acc);
  }
}

// by_tiles is the product of M rows and G runs of n columns, n a multiple of kTile.
static void by_tiles(int64_t M, int64_t G, int64_t n, const Steps& s, const Pair* A, int64_t lda, Mat<const Pair> B,
                     Mat<float> C, Accumulate acc) {
  int64_t tiles = (M + kTile - 1) / kTile, height = (M + tiles - 1) / tiles, rest = s.K % kTile;
  for (int64_t i = 0, m = height; i < M; m = M - i) {
    shape_tiles(m, rest);
    while (i < M && M - i >= m) {
      bool two = M - i >= 2 * m;
      (two ? tile_rows<2> : tile_rows<1>)(m, G, n, s, A + i * lda, lda, B, {C.p + i * C.ld, C.ld, C.run}, acc);
      i += two ? 2 * m : m;
    }
  }
}

}  // namespace ISA
#endif
