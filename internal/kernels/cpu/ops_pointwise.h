// ops_pointwise.h: operations on tensors of equal shape, n floats.
#pragma once
#include <stdint.h>

#define OPS_POINTWISE(X)                                                          \
  X(add, (float* y, const float* a, const float* b, int64_t n), (y, a, b, n))     \
  X(axpy, (float* y, const float* x, float a, int64_t n), (y, x, a, n))
