// haar.h: for each 2×2 block a b / c d
//
//   LL = (a+b+c+d)/2, HL = (a−b+c−d)/2, LH = (a+b−c−d)/2, HH = (a−b−c+d)/2.
//
// The transform is orthonormal, so the inverse is the transpose: each one's
// gradient is the other, added. A unit is some rows of the half-size planes.
// 8 bytes per element of x, 12 with a residual; bound by memory.
#pragma once
#include "each.h"

namespace ISA {

// Subbands addresses row i of plane p = b·C + c in ll [B,C,h,w] and bands
// [B,3C,h,w], each of which may be absent.
template <class T>
struct Subbands {
  T *ll, *bands;
  int64_t C, h, w;
  T* low(int64_t p, int64_t i) const { return ll ? ll + (p * h + i) * w : nullptr; }
  // k = 0, 1, 2 is HL, LH, HH.
  T* high(int64_t p, int64_t i, int64_t k) const {
    return bands ? bands + (((p / C * 3 + k) * C + p % C) * h + i) * w : nullptr;
  }
};

// subbands addresses ll and bands, either of which may be absent.
template <class T>
INLINE Subbands<T> subbands(const Tensor& ll, const Tensor& bands) {
  const Tensor& some = ll ? ll : bands;
  return {ll, bands, ll ? some.n[1] : some.n[1] / 3, some.n[2], some.n[3]};
}

// split_row splits two rows x and z of 2n floats into those of ll and the other three
// that are wanted.
template <Accumulate acc>
static void split_row(int64_t n, const float* __restrict x, const float* __restrict z, float* __restrict ll,
                      float* __restrict hl, float* __restrict lh, float* __restrict hh) {
  for (int64_t j = 0; j < n; j++) {
    float a = x[2 * j] * 0.5f, b = x[2 * j + 1] * 0.5f, c = z[2 * j] * 0.5f, d = z[2 * j + 1] * 0.5f;
    float s = a + b, t = c + d, p = a - b, q = c - d;
    if (ll) ll[j] = acc ? ll[j] + (s + t) : s + t;
    if (!hl) continue;
    hl[j] = acc ? hl[j] + (p + q) : p + q;
    lh[j] = acc ? lh[j] + (s - t) : s - t;
    hh[j] = acc ? hh[j] + (p - q) : p - q;
  }
}

// split_rows splits all rows of x [B,C,2h,2w].
template <Accumulate acc>
static void split_rows(Pool& pool, const Subbands<float>& s, const float* x, int64_t B) {
  each_row(pool, B * s.C * s.h, 8 * s.w, 0, [&](int64_t row, Scratch&) {
    int64_t p = row / s.h, i = row % s.h;
    const float* top = x + row * 4 * s.w;
    split_row<acc>(s.w, top, top + 2 * s.w, s.low(p, i), s.high(p, i, 0), s.high(p, i, 1), s.high(p, i, 2));
  });
}

// join_row writes the two rows y and z of 2n floats, or adds to them.
template <Accumulate acc>
static void join_row(int64_t n, const float* __restrict ll, const float* __restrict hl, const float* __restrict lh,
                     const float* __restrict hh, float* __restrict y, float* __restrict z) {
  for (int64_t j = 0; j < n; j++) {
    float s = (ll[j] + lh[j]) * 0.5f, t = (ll[j] - lh[j]) * 0.5f;
    float p = (hl[j] + hh[j]) * 0.5f, q = (hl[j] - hh[j]) * 0.5f;
    y[2 * j] = acc ? y[2 * j] + (s + p) : s + p;
    y[2 * j + 1] = acc ? y[2 * j + 1] + (s - p) : s - p;
    z[2 * j] = acc ? z[2 * j] + (t + q) : t + q;
    z[2 * j + 1] = acc ? z[2 * j + 1] + (t - q) : t - q;
  }
}

// join_rows inverts split_rows and adds res if there is one.
template <Accumulate acc>
static void join_rows(Pool& pool, float* y, const Subbands<const float>& s, const float* res, int64_t B) {
  each_row(pool, B * s.C * s.h, 8 * s.w, 0, [&](int64_t row, Scratch&) {
    int64_t p = row / s.h, i = row % s.h, at = row * 4 * s.w;
    join_row<acc>(s.w, s.low(p, i), s.high(p, i, 0), s.high(p, i, 1), s.high(p, i, 2), y + at, y + at + 2 * s.w);
    if (res) add_to(y + at, res + at, 4 * s.w);
  });
}

static void dwt(Pool& pool, Tensor ll, Tensor bands, Tensor x, bool add) {
  auto split = add ? split_rows<AddTo> : split_rows<Overwrite>;
  if (ll || bands) split(pool, subbands<float>(ll, bands), x, x.n[0]);
}

static void idwt(Pool& pool, Tensor y, Tensor ll, Tensor bands, Tensor res) {
  Subbands<const float> s = subbands<const float>(ll, bands);
  if (y.p == res.p)
    join_rows<AddTo>(pool, y, s, nullptr, ll.n[0]);
  else
    join_rows<Overwrite>(pool, y, s, res, ll.n[0]);
}

}  // namespace ISA
