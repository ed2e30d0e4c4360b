// ops_conv.h: convolutions.
#pragma once
#include <stdint.h>

// Inputs of a 1×1 convolution, concatenated over channels: [B,channels,HW] each.
typedef struct {
  float* p;
  int64_t channels;
} clusir_part;

// conv1x1: y [B,O,HW], w [O,ΣC], bias [O] or NULL. In the gradient, parts of dx
// may be NULL.
// conv3x3: x [B,C,H,W], w [O,C,9]; shuffle: 0 plain, -1 y is stored through the
// pixel-unshuffle, 1 through the pixel-shuffle.
#define OPS_CONV(X)                                                                                               \
  X(conv1x1,                                                                                                      \
    (float* y, const float* w, const float* bias, int64_t B, int64_t O, int64_t HW, int64_t parts,                \
     const clusir_part* xs),                                                                                      \
    (y, w, bias, B, O, HW, parts, xs))                                                                            \
  X(conv1x1_grad,                                                                                                 \
    (const clusir_part* dxs, float* dw, float* dbias, const float* dy, const float* w, int64_t B, int64_t O,      \
     int64_t HW, int64_t parts, const clusir_part* xs),                                                           \
    (dxs, dw, dbias, dy, w, B, O, HW, parts, xs))                                                                 \
  X(conv3x3,                                                                                                      \
    (float* y, const float* x, const float* w, int64_t B, int64_t C, int64_t O, int64_t H, int64_t W, int shuffle), \
    (y, x, w, B, C, O, H, W, shuffle))                                                                            \
  X(conv3x3_grad,                                                                                                 \
    (float* dx, float* dw, const float* dy, const float* x, const float* w, int64_t B, int64_t C, int64_t O,      \
     int64_t H, int64_t W, int shuffle),                                                                          \
    (dx, dw, dy, x, w, B, C, O, H, W, shuffle))
