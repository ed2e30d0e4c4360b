// ops_wavelet.h: the wavelet attention.
#pragma once
#include <stdint.h>

// x [B,C,H,W], s [B,C,H/2,W/2], m [B,C,C]; H and W are x's, h and w are s's.
#define OPS_WAVELET(X)                                                                                                \
  X(wavelet_reduce,                                                                                                   \
    (float* y, const float* x, const float* norm_weight, const float* norm_bias, const float* w, int64_t B,           \
     int64_t C, int64_t H, int64_t W),                                                                                \
    (y, x, norm_weight, norm_bias, w, B, C, H, W))                                                                    \
  X(wavelet_reduce_grad,                                                                                              \
    (float* dx, float* dnorm_weight, float* dnorm_bias, float* dw, const float* dy, const float* x,                   \
     const float* norm_weight, const float* norm_bias, const float* w, int64_t B, int64_t C, int64_t H, int64_t W),   \
    (dx, dnorm_weight, dnorm_bias, dw, dy, x, norm_weight, norm_bias, w, B, C, H, W))                                 \
  X(wavelet_merge,                                                                                                    \
    (float* y, const float* x, const float* s, const float* m, const float* w, int64_t B, int64_t C, int64_t H,       \
     int64_t W),                                                                                                      \
    (y, x, s, m, w, B, C, H, W))                                                                                      \
  X(wavelet_merge_grad,                                                                                               \
    (float* ds, float* dm, float* dw, const float* dy, const float* s, const float* m, const float* w, int64_t B,     \
     int64_t C, int64_t H, int64_t W),                                                                                \
    (ds, dm, dw, dy, s, m, w, B, C, H, W))                                                                            \
  X(attention_map,                                                                                                    \
    (float* m, const float* s, const float* qkv, const float* temperature, int64_t B, int64_t C, int64_t heads,       \
     int64_t hw),                                                                                                     \
    (m, s, qkv, temperature, B, C, heads, hw))                                                                        \
  X(attention_map_grad,                                                                                               \
    (float* ds, float* dqkv, float* dtemperature, const float* dm, const float* s, const float* qkv,                  \
     const float* temperature, int64_t B, int64_t C, int64_t heads, int64_t hw),                                      \
    (ds, dqkv, dtemperature, dm, s, qkv, temperature, B, C, heads, hw))
