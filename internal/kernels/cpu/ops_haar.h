// ops_haar.h: the Haar transform by itself.
#pragma once
#include <stdint.h>

// x and y [B,C,2h,2w], ll [B,C,h,w], bands [B,3C,h,w]: HL, LH, HH. res may be
// NULL, and ll or bands of idwt_grad.
#define OPS_HAAR(X)                                                                                               \
  X(dwt, (float* ll, float* bands, const float* x, int64_t B, int64_t C, int64_t h, int64_t w),                   \
    (ll, bands, x, B, C, h, w))                                                                                   \
  X(dwt_grad, (float* dx, const float* dll, const float* dbands, int64_t B, int64_t C, int64_t h, int64_t w),     \
    (dx, dll, dbands, B, C, h, w))                                                                                \
  X(idwt,                                                                                                         \
    (float* y, const float* ll, const float* bands, const float* res, int64_t B, int64_t C, int64_t h, int64_t w), \
    (y, ll, bands, res, B, C, h, w))                                                                              \
  X(idwt_grad, (float* dll, float* dbands, const float* dy, int64_t B, int64_t C, int64_t h, int64_t w),          \
    (dll, dbands, dy, B, C, h, w))
