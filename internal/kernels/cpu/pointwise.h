// pointwise.h: y = v, 4 bytes an element, and y = a + s·b, 12. Bound by memory.
#pragma once
#include "each.h"

namespace ISA {

static void fill(Pool& pool, Tensor y, float v) { set_all(pool, y, size(y), v); }

static void add(Pool& pool, Tensor y, Tensor a, Tensor b, float s) {
  int64_t n = size(y);
  each_chunk(pool, n, [&](int64_t from, int64_t to) {
    float* d = y + from;
    const float *p = a + from, *q = b + from;
    each_vector(to - from, VECTOR { store_n(d + i, load_n(p + i, lanes) + s * load_n(q + i, lanes), lanes); });
  });
}

}  // namespace ISA
