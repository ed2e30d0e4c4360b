// ops_loss.h: the terms of the objective, one number each.
#pragma once
#include <stdint.h>

// ms_ssim: planes = B·C of x and t, H×W each. orthogonality: p [N,D].
#define OPS_LOSS(X)                                                                                                \
  X(l1, (float* y, const float* x, const float* t, int64_t n), (y, x, t, n))                                       \
  X(l1_grad, (float* dx, const float* dy, const float* x, const float* t, int64_t n), (dx, dy, x, t, n))           \
  X(ms_ssim, (float* y, const float* x, const float* t, int64_t planes, int64_t H, int64_t W),                     \
    (y, x, t, planes, H, W))                                                                                       \
  X(ms_ssim_grad, (float* dx, const float* dy, const float* x, const float* t, int64_t planes, int64_t H, int64_t W), \
    (dx, dy, x, t, planes, H, W))                                                                                  \
  X(orthogonality, (float* y, const float* p, int64_t N, int64_t D), (y, p, N, D))                                 \
  X(orthogonality_grad, (float* dp, const float* dy, const float* p, int64_t N, int64_t D), (dp, dy, p, N, D))
