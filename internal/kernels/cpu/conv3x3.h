// conv3x3.h: zero-padded 3×3 convolution as an implicit GEMM with K = 9C.
//
// A tile of the input and its halo is copied into scratch and padded; the nine
// shifted operands of the product are then just nine addresses. Results are
// stored as they are, or through the pixel shuffle or unshuffle, which therefore
// cost nothing extra. Backward, dx is the convolution of dy with the
// transposed, flipped filter, and dw[t] = dy·(x shifted by t)ᵀ.
#pragma once
#include "tile.h"

namespace ISA {

// Planes addresses a [C,H,W] image that is stored as it is (shuffle 0), through
// the pixel-unshuffle (-1, as [4C,H/2,W/2]) or the pixel-shuffle (1, as
// [C/4,2H,2W]; channel 4c + 2·dy + dx).
struct Planes {
  float* p;
  int64_t C, H, W;
  int shuffle;
  int64_t step() const { return shuffle > 0 ? 2 : 1; }
  float* at(int64_t c, int64_t y, int64_t x) const {
    if (shuffle == 0) return p + (c * H + y) * W + x;
    if (shuffle > 0) return p + (c / 4 * 2 * H + 2 * y + c % 4 / 2) * 2 * W + 2 * x + c % 2;
    return p + ((4 * c + y % 2 * 2 + x % 2) * (H / 2) + y / 2) * (W / 2) + x / 2;
  }
};

// stored addresses t, whose shape compared with that of the plain image x tells how it
// is shuffled.
INLINE Planes stored(const Tensor& t, const Tensor& x) {
  int shuffle = (t.n[2] > x.n[2]) - (t.n[2] < x.n[2]);
  int64_t C = shuffle > 0 ? t.n[1] * 4 : shuffle < 0 ? t.n[1] / 4 : t.n[1];
  return {t, C, x.n[2], x.n[3], shuffle};
}

// In an unshuffled image the even and the odd columns of a row lie in two planes, without
// gaps; in a shuffled one consecutive pixels of a row lie two columns apart.

// fetch copies n pixels of a row to dst.
INLINE void fetch(const Planes& s, int64_t c, int64_t y, int64_t x, int64_t n, float* dst) {
  const float *p = s.at(c, y, x), *q = s.at(c, y, x + 1);
  if (s.shuffle == 0) {
    memcpy(dst, p, 4 * (size_t)n);
  } else if (s.shuffle > 0) {
    for (int64_t i = 0; i < n; i++) dst[i] = p[2 * i];
  } else {
    for (int64_t i = 0; i < n / 2; i++) dst[2 * i] = p[i], dst[2 * i + 1] = q[i];
    if (n % 2) dst[n - 1] = p[n / 2];
  }
}

// put writes n pixels of a row, or adds them.
INLINE void put(const Planes& d, int64_t c, int64_t y, int64_t x, int64_t n, const float* src, Accumulate acc) {
  float *p = d.at(c, y, x), *q = d.at(c, y, x + 1);
  if (d.shuffle == 0) {
    if (acc)
      add_to(p, src, n);
    else
      memcpy(p, src, 4 * (size_t)n);
  } else if (d.shuffle > 0) {
    for (int64_t i = 0; i < n; i++) p[2 * i] = src[i] + (acc ? p[2 * i] : 0);
  } else {
    for (int64_t i = 0; i < n / 2; i++) p[i] = src[2 * i] + (acc ? p[i] : 0);
    for (int64_t i = 0; i < n / 2; i++) q[i] = src[2 * i + 1] + (acc ? q[i] : 0);
    if (n % 2) p[n / 2] = src[n - 1] + (acc ? p[n / 2] : 0);
  }
}

// micro3x3 is micro (gemm.h) for B's rows at b + c·plane + ky·line + kx.
// C counts elements of T.
template <int rows, int vecs, class T>
INLINE void micro3x3(int64_t C, const T* A, int64_t lda, const T* b, int64_t plane, int64_t line, float* out,
                     int64_t ldc, Accumulate acc) {
  using U = decltype(load(b));
  vf c[rows][2];
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) c[i][0] = c[i][1] = vf{};
  for (int64_t k = 0; k < C; k++, b += plane, A += 9) {
    const T* row = b;
    for (int ky = 0; ky < 3; ky++, row += line)
#pragma GCC unroll 3
      for (int kx = 0; kx < 3; kx++) {
        U b0 = load(row + kx), b1 = vecs > 1 ? load(row + kx + L) : U{};
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++) {
          U a = splat(A[i * lda + ky * 3 + kx]);
          c[i][0] = mac(c[i][0], a, b0);
          if (vecs > 1) c[i][1] = mac(c[i][1], a, b1);
          order_loads(i);
        }
      }
  }
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) {
    float* p = out + i * ldc;
    store(p, acc ? load(p) + c[i][0] : c[i][0]);
    if (vecs > 1) store(p + L, acc ? load(p + L) + c[i][1] : c[i][1]);
  }
}

// If products are of tiles (amx.h), u is kept three times, once for each column of the
// filter: column x of copy kx is column x + kx. Instead of nine addresses there are then
// three, of rows of pairs of channel and column.
template <class T>
constexpr int64_t kCopies = tiled<T> ? 3 : 1;

// Filter is the layout of weights of C channels: a row has 9 taps for each T of channels
// or, for tiles, the taps of each row of the filter after those of the row above.
template <class T>
struct Filter {
  int64_t block, row;
  Filter(int64_t C)
      : block(tiled<T> ? pitch<T>(6 * steps<T>(C)) : 3 * steps<T>(C)), row(3 * block) {}
  // at is the position of tap k of channel c.
  int64_t at(int64_t c, int k) const {
    int64_t t = c / Arithmetic<T>::width;
    return tiled<T> ? k / 3 * block + t * 3 + k % 3 : t * 9 + k;
  }
};

// Conv3Plan is how an image is cut: a padded input tile of about 256 KiB.
struct Conv3Plan {
  Tiles tiles;
  int64_t line;  // floats in a padded row: column x0-1 first
};

INLINE Conv3Plan conv3_plan(int64_t B, int64_t C, int64_t H, int64_t W, int64_t share) {
  int64_t cols = W <= 320 ? W : equal_parts(W, 256, NR), line = round_up(cols, NR) + 16;
  int64_t rows = clamp((64 << 10) / (C * line) - 2, 4, 32);
  return {{H, W, shared_rows(B * ceil_div(W, cols), H, rows, share), cols}, line};
}

// padded_tile lays out a tile and its halo as u [C, copies, rows+2, line], with zeros
// outside the image. room is for a Feed of lines.
template <class T>
static void padded_tile(const Planes& x, const Tile& t, int64_t line, T* u, float* room) {
  constexpr int64_t width = Arithmetic<T>::width;
  int64_t xa = max(t.x0 - 1, 0), xb = min(t.x1 + 1, x.W), off = xa - (t.x0 - 1), plane = (t.y1 - t.y0 + 2) * line;
  for (int64_t c0 = 0; c0 < x.C; c0 += width, u += (kCopies<T> - 1) * plane)
    for (int64_t y = t.y0 - 1; y <= t.y1; y++, u += line) {
      Feed<T> lines(u, line, room);
      for (int64_t c = c0; c < min(c0 + width, x.C); c++) {
        float* row = lines.row();
        memset(row, 0, 4 * (size_t)line);
        if (y >= 0 && y < x.H) fetch(x, c, y, xa, xb - xa, row + off);
        lines.done(line);
      }
      lines.end(line);
      for (int64_t k = 1; k < kCopies<T>; k++)
        memcpy((void*)(u + k * plane), u + k, sizeof(T) * (size_t)(line - k));
    }
}

// TapsOf<T> are the 9 taps of a filter or, as Pairs, of two, of which the second may be absent.
template <class T>
struct TapsOf;

template <>
struct TapsOf<float> {
  const float* at;
  INLINE_METHOD TapsOf(const float* first, const float*) : at(first) {}
};

template <>
struct TapsOf<Pair> {
  Pair at[9 + L];
  INLINE_METHOD TapsOf(const float* first, const float* second) {
    for (int k = 0; k < 9; k += L) {
      int n = 9 - k < L ? 9 - k : L;
      store(at + k, pack(load_n(first + k, n), second ? load_n(second + k, n) : vf{}));
    }
  }
};

// pack_weights3x3 is pack_weights (tile.h) for filters w [O,C,9]: pairs are of two channels.
template <class T>
INLINE const T* pack_weights3x3(Pool& pool, const float* w, int64_t O, int64_t C, float* room) {
  if constexpr (Arithmetic<T>::width == 1) {
    return w;
  } else {
    T* rounded = (T*)room;
    Filter<T> f(C);
    weight_rows(pool, O, 9 * C, [&](int64_t o) {
      for (int64_t c = 0; c < C; c += 2) {
        const float* taps = w + (o * C + c) * 9;
        TapsOf<T> of(taps, c + 1 < C ? taps + 9 : nullptr);
        for (int k = 0; k < 9; k++) rounded[o * f.row + f.at(c, k)] = of.at[k];
      }
    });
    return rounded;
  }
}

template <int rows, class T>
static void stripe3x3(const Conv3Plan& p, const Tile& t, int64_t C, const T* A, const T* u, Mat<float> out,
                      Accumulate acc) {
  int64_t high = t.y1 - t.y0, n = t.x1 - t.x0, plane = (high + 2) * p.line;
  for (int64_t r = 0; r < high; r++) {
    const T* b = u + r * p.line;
    float* c = out.p + r * out.run;
    int64_t x = 0;
    for (; x + L < n; x += NR) micro3x3<rows, 2, T>(C, A, 9 * C, b + x, plane, p.line, c + x, out.ld, acc);
    if (x < n) micro3x3<rows, 1, T>(C, A, 9 * C, b + x, plane, p.line, c + x, out.ld, acc);
  }
}

// stripes3x3 computes a tile of up to MR channels. C counts elements of T.
template <class T>
static void stripes3x3(int64_t rows, const Conv3Plan& p, const Tile& t, int64_t C, const T* A, const T* u,
                       Mat<float> out, Accumulate acc) {
  using Stripe = void (*)(const Conv3Plan&, const Tile&, int64_t, const T*, const T*, Mat<float>, Accumulate);
  static const Stripe stripes[] = {
      nullptr,         stripe3x3<1, T>, stripe3x3<2, T>, stripe3x3<3, T>,  stripe3x3<4, T>,  stripe3x3<5, T>,
      stripe3x3<6, T>,
#if REGISTERS == 32
      stripe3x3<7, T>, stripe3x3<8, T>, stripe3x3<9, T>, stripe3x3<10, T>, stripe3x3<11, T>, stripe3x3<12, T>
#endif
  };
  stripes[rows](p, t, C, A, u, out, acc);
}

// kOut is the number of channels of a tile's result that are computed at a time.
template <class T>
constexpr int64_t kOut = tiled<T> ? 32 : MR;

// product3x3 computes `rows` of them, from u [C, copies, high+2, line]; runs of out are rows.
template <class T>
static void product3x3(int64_t rows, const Conv3Plan& p, const Tile& t, int64_t C, const T* A, const T* u,
                       Mat<float> out, Accumulate acc) {
  if constexpr (tiled<T>) {
    int64_t high = t.y1 - t.y0, K = kCopies<T> * steps<T>(C);
    Filter<T> f(C);
    by_tiles(rows, high, round_up(t.x1 - t.x0, L), {K, 3, f.block, p.line}, A, f.row,
             {u, (high + 2) * p.line, p.line}, out, acc);
  } else {
    stripes3x3(rows, p, t, steps<T>(C), A, u, out, acc);
  }
}

// convolve computes y (+)= w * x; w is [O,C,9], as pack_weights3x3 gives it.
template <class T>
static void convolve(Pool& pool, const Planes& y0, const Planes& x0, const T* w, int64_t B, Accumulate acc) {
  int64_t C = x0.C, O = y0.C, pixels = x0.H * x0.W, K = kCopies<T> * steps<T>(C), row = Filter<T>(C).row;
  Conv3Plan p = conv3_plan(B, C, x0.H, x0.W, pool.threads());
  size_t floats = (size_t)((K * (p.tiles.rows + 2) + kOut<T> * p.tiles.rows + 3) * p.line + 128);
  pool.run(B * p.tiles.count(), floats, [&](int64_t unit, Scratch& s) {
    Tile t = tile_at(p.tiles, unit);
    Planes x = x0, y = y0;
    x.p += t.b * C * pixels, y.p += t.b * O * pixels;
    int64_t high = t.y1 - t.y0, ldc = high * p.line;
    T* u = (T*)s.take((size_t)(K * (high + 2) * p.line));
    float* out = s.take((size_t)(kOut<T> * ldc));
    padded_tile(x, t, p.line, u, s.take(feed_floats<T>(p.line)));
    for (int64_t o = 0, tiles = ceil_div(O, kOut<T>), rows; tiles; tiles--, o += rows) {
      rows = ceil_div(O - o, tiles);
      if (y.shuffle == 0 && stored_directly(t.x1 - t.x0)) {
        product3x3(rows, p, t, C, w + o * row, u, {y.at(o, t.y0, t.x0), pixels, y.W}, acc);
        continue;
      }
      product3x3(rows, p, t, C, w + o * row, u, {out, ldc, p.line}, Overwrite);
      for (int64_t i = 0; i < rows; i++)
        for (int64_t r = 0; r < high; r++)
          put(y, o + i, t.y0 + r, t.x0, t.x1 - t.x0, out + i * ldc + r * p.line, acc);
    }
  });
}

static void conv3x3(Pool& pool, Tensor y, Tensor x, Tensor w) {
  int64_t O = w.n[0], C = w.n[1];
  int64_t room = Arithmetic<Operand>::width > 1 ? O * Filter<Operand>(C).row : 0;
  const Operand* A = pack_weights3x3<Operand>(pool, w, O, C, pool.shared((size_t)room));
  convolve(pool, stored(y, x), stored(x, x), A, x.n[0], Overwrite);
}

// flipped returns the filter of the transposed convolution, [C,O,9], taps
// reversed, in the pool's shared memory.
static const Operand* flipped(Pool& pool, const float* w, int64_t O, int64_t C) {
  constexpr int64_t width = Arithmetic<Operand>::width;
  Filter<Operand> f(O);
  Operand* t = (Operand*)pool.shared((size_t)(C * f.row));
  pool.run(ceil_div(C, 16), 0, [&](int64_t unit, Scratch&) {
    for (int64_t c = unit * 16; c < min(C, unit * 16 + 16); c++)
      for (int64_t o = 0; o < O; o += width) {
        const float* taps = w + (o * C + c) * 9;
        TapsOf<Operand> of(taps, o + 1 < O ? taps + 9 * C : nullptr);
        for (int k = 0; k < 9; k++) t[c * f.row + f.at(o, k)] = of.at[8 - k];
      }
  });
  return t;
}

// conv3x3_grad_weight treats a tile's padded pixels as one row: with zeros in dy's
// padding, a tap's gradient is dy times the transposed tile from one address on, one
// product with K = all pixels. Pairs of pixels begin at even pixels or, for taps that are
// shifted by an odd number of pixels, at odd ones: each case has a transposed tile.
static void conv3x3_grad_weight(Pool& pool, float* dw, const Planes& dy0, const Planes& x0, int64_t B) {
  int64_t C = x0.C, O = dy0.C, pixels = x0.H * x0.W, Cp = round_up(C, L);
  Conv3Plan p = conv3_plan(B, C + O, x0.H, x0.W, 4);
  constexpr int64_t width = Arithmetic<Operand>::width;
  p.line = round_up(p.tiles.cols + 2, width);
  int64_t units = B * p.tiles.count(), area = (p.tiles.rows + 2) * p.line, room = round_up(area, L) + 2 * L;
  Partials sums = partials(pool, part_count(units, B * pixels, 9 * O * Cp), 9 * O * Cp);
  pool.run(sums.parts, (size_t)(C * area + (Cp + O + 2) * room + 256), [&](int64_t part, Scratch& s) {
    float *u = s.take(C * area + room), *line = width > 1 ? s.take(room) : nullptr, *acc = sums.open(part);
    Operand *v[width], *g = take_operand<Operand>(s, room, O);
    for (Operand*& transposed : v) transposed = take_operand<Operand>(s, room, Cp);
    int64_t from, to;
    part_range(sums, units, part, &from, &to);
    for (int64_t unit = from; unit < to; unit++) {
      Tile t = tile_at(p.tiles, unit);
      Planes x = x0, dy = dy0;
      x.p += t.b * C * pixels, dy.p += t.b * O * pixels;
      int64_t high = t.y1 - t.y0, n = t.x1 - t.x0, own = high * p.line, K = own - 2;
      int64_t all = (high + 2) * p.line, wide = round_up(all, L);
      int64_t ldg = steps<Operand>(width > 1 ? round_up(own, L) : own);
      padded_tile(x, t, p.line, u, nullptr);
      transpose_operand(C, wide, u, all, v[0], Cp);
      shift_pairs(steps<Operand>(wide), Cp, v[0], v[width - 1]);
      for (int64_t o = 0; o < O; o++) {
        float* rows = row_buffer(g + o * ldg, line);
        for (int64_t r = 0; r < high; r++) {
          fetch(dy, o, t.y0 + r, t.x0, n, rows + r * p.line);
          memset(rows + r * p.line + n, 0, 4 * (size_t)(p.line - n));
        }
        if (width > 1) memset(rows + own, 0, 4 * (size_t)(round_up(own, L) - own));
        pack_row(round_up(own, L), rows, g + o * ldg);
      }
      for (int k = 0; k < 9; k++) {
        int64_t shift = k / 3 * p.line + k % 3;
        gemm(O, Cp, K, g, ldg, v[shift % width] + shift / width * Cp, Cp, acc + k * O * Cp, Cp, AddTo);
      }
    }
  });
  pool.run(O, 0, [&](int64_t o, Scratch&) {
    for (int k = 0; k < 9; k++)
      for (int64_t c = 0; c < C; c++) dw[(o * C + c) * 9 + k] += total(sums, (k * O + o) * Cp + c);
  });
}

static void conv3x3_grad(Pool& pool, Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w) {
  Planes g = stored(dy, x), u = stored(x, x);
  if (dx) convolve(pool, {dx, u.C, u.H, u.W, 0}, g, flipped(pool, w, g.C, u.C), x.n[0], AddTo);
  if (dw) conv3x3_grad_weight(pool, dw, g, u, x.n[0]);
}

}  // namespace ISA
