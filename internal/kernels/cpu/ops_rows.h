// ops_rows.h: small matrix products and operations on rows.
#pragma once
#include <stdint.h>

// linear: x [R,K], w [O,K], bias [O] or NULL, y [R,O]. mix: a [R,K], parts [K,n],
// y [R,n]. The others: rows [R,n]. Any destination of a gradient may be NULL.
#define OPS_ROWS(X)                                                                                                   \
  X(linear, (float* y, const float* x, const float* w, const float* bias, int64_t R, int64_t K, int64_t O),           \
    (y, x, w, bias, R, K, O))                                                                                         \
  X(linear_grad,                                                                                                      \
    (float* dx, float* dw, float* dbias, const float* dy, const float* x, const float* w, int64_t R, int64_t K,       \
     int64_t O),                                                                                                      \
    (dx, dw, dbias, dy, x, w, R, K, O))                                                                               \
  X(mix, (float* y, const float* a, const float* parts, int64_t R, int64_t K, int64_t n), (y, a, parts, R, K, n))     \
  X(mix_grad,                                                                                                         \
    (float* da, float* dparts, const float* dy, const float* a, const float* parts, int64_t R, int64_t K, int64_t n), \
    (da, dparts, dy, a, parts, R, K, n))                                                                              \
  X(normalize, (float* y, const float* x, int64_t R, int64_t n), (y, x, R, n))                                        \
  X(normalize_grad, (float* dx, const float* dy, const float* x, int64_t R, int64_t n), (dx, dy, x, R, n))            \
  X(top_k_softmax, (float* y, const float* x, int64_t R, int64_t n, int64_t k), (y, x, R, n, k))                      \
  X(softmax_grad, (float* dx, const float* dy, const float* y, int64_t R, int64_t n), (dx, dy, y, R, n))              \
  X(scale_rows, (float* y, const float* x, const float* s, int64_t R, int64_t n), (y, x, s, R, n))                    \
  X(scale_rows_grad,                                                                                                  \
    (float* dx, float* ds, const float* dy, const float* x, const float* s, int64_t R, int64_t n),                    \
    (dx, ds, dy, x, s, R, n))
