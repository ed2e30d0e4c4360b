// tile.h: moving parts of an image between tensors and scratch, and sums that
// do not depend on the number of threads.
#pragma once
#include "gemm.h"
#include "ops.h"
#include "pool.h"
#include "vmath.h"

namespace ISA {

// size returns the number of elements.
INLINE int64_t size(const Tensor& t) { return t.n[0] * t.n[1] * t.n[2] * t.n[3]; }

// Geometry of the tiles into which an image is cut: sizes that keep a tile's
// working set in the second-level cache.
struct Tiles {
  int64_t H, W, rows, cols;  // image and tile
  int64_t down() const { return (H + rows - 1) / rows; }
  int64_t across() const { return (W + cols - 1) / cols; }
  int64_t count() const { return down() * across(); }
};

// Tile is one of them: rows [y0,y1), columns [x0,x1) of image b.
struct Tile {
  int64_t b, y0, y1, x0, x1;
};

INLINE int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE float max_f(float a, float b) { return a > b ? a : b; }
INLINE int64_t clamp(int64_t x, int64_t lo, int64_t hi) { return min(max(x, lo), hi); }
INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

INLINE Tile tile_at(const Tiles& t, int64_t unit) {
  int64_t b = unit / t.count(), k = unit % t.count();
  int64_t y0 = k / t.across() * t.rows, x0 = k % t.across() * t.cols;
  return {b, y0, min(y0 + t.rows, t.H), x0, min(x0 + t.cols, t.W)};
}

// equal_parts cuts n into equal parts of at most limit, each a multiple of m.
INLINE int64_t equal_parts(int64_t n, int64_t limit, int64_t m) {
  return round_up(ceil_div(n, ceil_div(n, max(limit, m))), m);
}

// shared_rows is the height of bands of at most limit rows, chosen so that
// strips·bands is a multiple of share where H allows it.
INLINE int64_t shared_rows(int64_t strips, int64_t H, int64_t limit, int64_t share) {
  int64_t bands = ceil_div(H, limit);
  while (bands < H && strips * bands % share) bands++;
  return ceil_div(H, bands);
}

// copy_padded copies n floats and clears up to room.
INLINE void copy_padded(float* dst, const float* src, int64_t n, int64_t room) {
  memcpy(dst, src, 4 * (size_t)n);
  memset(dst + n, 0, 4 * (size_t)(room - n));
}

INLINE void add_to(float* dst, const float* src, int64_t n) {
  int64_t i = 0;
  for (; i + L <= n; i += L) store(dst + i, load(dst + i) + load(src + i));
  for (; i < n; i++) dst[i] += src[i];
}

// add_both adds a and b to y.
INLINE void add_both(float* y, const float* a, const float* b, int64_t n) {
  int64_t i = 0;
  for (; i + L <= n; i += L) store(y + i, load(y + i) + load(a + i) + load(b + i));
  for (; i < n; i++) y[i] = y[i] + a[i] + b[i];
}

// sum_of_rows writes a + b for n floats; b has room up to a multiple of L.
INLINE void sum_of_rows(float* y, const float* a, const float* b, int64_t n) {
  int64_t i = 0;
  for (; i + L <= n; i += L) store(y + i, load(a + i) + load(b + i));
  for (; i < n; i++) y[i] = a[i] + b[i];
}

// packed_floats is the room of weights [M,K] as A of a product.
template <class T>
INLINE int64_t packed_floats(int64_t M, int64_t K) {
  return Arithmetic<T>::width > 1 ? round_up(M * pitch<T>(K), 16) + L : 0;
}

// weight_rows calls f(m) for the rows of weights with K numbers each.
template <class F>
INLINE void weight_rows(Pool& pool, int64_t M, int64_t K, F&& f) {
  int64_t per = max(1, (32 << 10) / K);
  pool.run(ceil_div(M, per), 0, [&](int64_t u, Scratch&) {
    for (int64_t m = u * per; m < min(M, (u + 1) * per); m++) f(m);
  });
}

// pack_weights_serial is pack_weights (below) on the calling thread.
INLINE const float* pack_weights_serial(int64_t, int64_t, const float* w, float*) { return w; }
INLINE const Pair* pack_weights_serial(int64_t M, int64_t K, const float* w, Pair* room) {
  for (int64_t m = 0; m < M; m++) round_row(w + m * K, K, room + m * pitch<Pair>(K));
  return room;
}

// pack_weights returns weights w [M,K] as A of a product: w itself, or rounded, in room.
template <class T>
INLINE const T* pack_weights(Pool& pool, const float* w, int64_t M, int64_t K, float* room) {
  if constexpr (Arithmetic<T>::width == 1) {
    return w;
  } else {
    T* rounded = (T*)room;
    weight_rows(pool, M, K, [&](int64_t m) { round_row(w + m * K, K, rounded + m * pitch<T>(K)); });
    return rounded;
  }
}

// take_operand takes room for an operand B [K,n].
template <class T>
INLINE T* take_operand(Scratch& s, int64_t K, int64_t n) {
  return (T*)s.take((size_t)(steps<T>(K) * n));
}

// operand_of takes room for an operand B [K,n] made from x; an operand of floats may be x itself.
template <class T>
INLINE T* operand_of(float* x, Scratch& s, int64_t K, int64_t n) {
  if constexpr (Arithmetic<T>::width == 1)
    return x;
  else
    return take_operand<T>(s, K, n);
}

// transpose_operand for floats (operand.h).
INLINE void transpose_operand(int64_t R, int64_t n, const float* x, int64_t ldx, float* y, int64_t ld) {
  transpose_padded(R, n, x, ldx, y, ld);
}

// transpose_weights makes wᵀ [K,M] of weights w [M,K], as A of a product, rows ld apart.
INLINE void transpose_weights(int64_t M, int64_t K, const float* w, float* y, int64_t ld) {
  transpose(M, K, w, K, y, ld);
}
INLINE void transpose_weights(int64_t M, int64_t K, const float* w, Pair* y, int64_t ld) {
  for (int64_t k = 0; k < K; k++) {
    for (int64_t m = 0; m < M; m++) round_to(y + k * ld + m / 2, m % 2, w[m * K + k]);
    if (M % 2) round_to(y + k * ld + M / 2, 1, 0);
  }
}

// Partials are the addends of a sum over the whole batch: each part is summed
// by one thread in a fixed order, and the parts are then added in theirs. Their
// number depends on the work, never on the number of threads.
struct Partials {
  float* base;
  int64_t parts, size;
  float* part(int64_t i) const { return base + i * size; }
  // open clears a part, for the thread that will sum it.
  float* open(int64_t i) const { return (float*)memset(part(i), 0, 4 * (size_t)size); }
};

// part_count is the number of parts for sums of size floats over units of work
// on that number of pixels: at most 16, with at least 256 pixels each, so that clearing and
// adding parts is cheap compared with filling them, and, unless it is one part, 32 MiB in
// total.
INLINE int64_t part_count(int64_t units, int64_t pixels, int64_t size) {
  return clamp(min(min(units, pixels / 256), (8 << 20) / max(size, 1)), 1, 16);
}

// partials makes room for parts sums of size floats in memory of the pool's.
INLINE Partials partials(Pool& pool, int64_t parts, int64_t size) {
  size = round_up(size, 16);
  return {pool.shared((size_t)(parts * size)), parts, size};
}

// part_range is the units that belong to a part.
INLINE void part_range(const Partials& p, int64_t units, int64_t part, int64_t* from, int64_t* to) {
  *from = units * part / p.parts;
  *to = units * (part + 1) / p.parts;
}

// total is the sum of element i over the parts.
INLINE float total(const Partials& p, int64_t i) {
  float s = p.base[i];
  for (int64_t k = 1; k < p.parts; k++) s += p.base[k * p.size + i];
  return s;
}

// totals is total of L elements.
INLINE vf totals(const Partials& p, int64_t i) {
  vf s = load(p.base + i);
  for (int64_t k = 1; k < p.parts; k++) s += load(p.base + k * p.size + i);
  return s;
}

// reduce adds the parts' [rows,cols] matrix (rows ld apart, from offset at) to dst [rows,cols].
static void reduce(Pool& pool, float* dst, const Partials& p, int64_t at, int64_t rows, int64_t cols, int64_t ld) {
  if (!dst) return;
  int64_t chunk = max(1, 16384 / cols);
  pool.run(ceil_div(rows, chunk), 0, [&](int64_t u, Scratch&) {
    for (int64_t r = u * chunk; r < min(rows, (u + 1) * chunk); r++) {
      int64_t c = 0;
      for (; c + L <= cols; c += L) store(dst + r * cols + c, load(dst + r * cols + c) + totals(p, at + r * ld + c));
      for (; c < cols; c++) dst[r * cols + c] += total(p, at + r * ld + c);
    }
  });
}

}  // namespace ISA
