// ops_filter.h: the rest of FSB and the gate of Eq. 15.
#pragma once
#include <stdint.h>

// batch_norm: x [B,N]. dynamic_filter: x [B,C,H,W], f [B,G,k·k]. Destinations of
// gradients may be NULL.
#define OPS_FILTER(X)                                                                                                 \
  X(batch_norm,                                                                                                       \
    (float* y, const float* x, const float* weight, const float* bias, float* mean, float* variance, float momentum,  \
     int64_t B, int64_t N),                                                                                           \
    (y, x, weight, bias, mean, variance, momentum, B, N))                                                             \
  X(batch_norm_grad,                                                                                                  \
    (float* dx, float* dweight, float* dbias, const float* dy, const float* x, const float* weight, int64_t B,        \
     int64_t N),                                                                                                      \
    (dx, dweight, dbias, dy, x, weight, B, N))                                                                        \
  X(batch_norm_infer,                                                                                                 \
    (float* y, const float* x, const float* weight, const float* bias, const float* mean, const float* variance,      \
     int64_t B, int64_t N),                                                                                           \
    (y, x, weight, bias, mean, variance, B, N))                                                                       \
  X(dynamic_filter,                                                                                                   \
    (float* low, float* high, const float* x, const float* f, int64_t B, int64_t C, int64_t H, int64_t W, int64_t G,  \
     int64_t k),                                                                                                      \
    (low, high, x, f, B, C, H, W, G, k))                                                                              \
  X(dynamic_filter_grad,                                                                                              \
    (float* dx, float* df, const float* dlow, const float* dhigh, const float* x, const float* f, int64_t B,          \
     int64_t C, int64_t H, int64_t W, int64_t G, int64_t k),                                                          \
    (dx, df, dlow, dhigh, x, f, B, C, H, W, G, k))                                                                    \
  X(sigmoid_gate, (float* y, const float* g, const float* x, int64_t n), (y, g, x, n))                                \
  X(sigmoid_gate_grad, (float* dg, float* dx, const float* dy, const float* g, const float* x, int64_t n),            \
    (dg, dx, dy, g, x, n))
