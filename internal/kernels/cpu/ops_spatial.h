// ops_spatial.h: means over pixels and bilinear resizing.
#pragma once
#include <stdint.h>

// planes = B·C of them: x [planes,HW], y [planes]; resize from h×w to H×W.
#define OPS_SPATIAL(X)                                                                                               \
  X(mean_hw, (float* y, const float* x, int64_t planes, int64_t HW), (y, x, planes, HW))                             \
  X(mean_hw_grad, (float* dx, const float* dy, int64_t planes, int64_t HW), (dx, dy, planes, HW))                    \
  X(resize, (float* y, const float* x, int64_t planes, int64_t h, int64_t w, int64_t H, int64_t W),                  \
    (y, x, planes, h, w, H, W))                                                                                      \
  X(resize_grad, (float* dx, const float* dy, int64_t planes, int64_t h, int64_t w, int64_t H, int64_t W),           \
    (dx, dy, planes, h, w, H, W))
