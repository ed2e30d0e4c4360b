// ops_ffn.h: the gated feed-forward networks.
#pragma once
#include <stdint.h>

// One expert: expand [2h,C], depthwise [2h,9], project [C,h]. In a list of
// gradients each pointer may be NULL.
typedef struct {
  float *expand, *depthwise, *project;
} clusir_ffn;

// x and y [B,C,H,W]; route [B,E] or NULL with E = 1.
#define OPS_FFN(X)                                                                                                     \
  X(gated_ffn,                                                                                                         \
    (float* y, const float* x, int64_t B, int64_t C, int64_t H, int64_t W, const float* norm_weight,                   \
     const float* norm_bias, int64_t E, int64_t h, const clusir_ffn* experts, const float* route),                     \
    (y, x, B, C, H, W, norm_weight, norm_bias, E, h, experts, route))                                                  \
  X(gated_ffn_grad,                                                                                                    \
    (float* dx, float* dnorm_weight, float* dnorm_bias, const clusir_ffn* dexperts, float* droute, const float* dy,    \
     const float* x, int64_t B, int64_t C, int64_t H, int64_t W, const float* norm_weight, const float* norm_bias,     \
     int64_t E, int64_t h, const clusir_ffn* experts, const float* route),                                             \
    (dx, dnorm_weight, dnorm_bias, dexperts, droute, dy, x, B, C, H, W, norm_weight, norm_bias, E, h, experts, route))
