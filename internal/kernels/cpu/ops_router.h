// ops_router.h: PCGRM, the two-stage router.
#pragma once
#include <stdint.h>

// alpha and keep [B,N], mu and log_sigma [N,D], t and eps [B,N,D]; q and o
// [B,T,D], k and v [B,S,D]; route [B,E]. eps may be NULL, and so may any
// destination of a gradient.
#define OPS_ROUTER(X)                                                                                                 \
  X(tokens,                                                                                                           \
    (float* t, const float* alpha, const float* mu, const float* log_sigma, const float* eps, int64_t B, int64_t N,   \
     int64_t D),                                                                                                      \
    (t, alpha, mu, log_sigma, eps, B, N, D))                                                                          \
  X(tokens_grad,                                                                                                      \
    (float* dalpha, float* dmu, float* dlog_sigma, const float* dt, const float* alpha, const float* mu,              \
     const float* log_sigma, const float* eps, int64_t B, int64_t N, int64_t D),                                      \
    (dalpha, dmu, dlog_sigma, dt, alpha, mu, log_sigma, eps, B, N, D))                                                \
  X(attend,                                                                                                           \
    (float* o, const float* q, const float* k, const float* v, const float* keep, int64_t B, int64_t T, int64_t S,    \
     int64_t D, int64_t heads),                                                                                       \
    (o, q, k, v, keep, B, T, S, D, heads))                                                                            \
  X(attend_grad,                                                                                                      \
    (float* dq, float* dk, float* dv, const float* dout, const float* q, const float* k, const float* v,              \
     const float* keep, int64_t B, int64_t T, int64_t S, int64_t D, int64_t heads),                                   \
    (dq, dk, dv, dout, q, k, v, keep, B, T, S, D, heads))                                                             \
  X(sum_kept, (float* y, const float* t, const float* keep, int64_t B, int64_t N, int64_t D), (y, t, keep, B, N, D))  \
  X(sum_kept_grad, (float* dt, const float* dy, const float* keep, int64_t B, int64_t N, int64_t D),                  \
    (dt, dy, keep, B, N, D))                                                                                          \
  X(count_routed, (float* count, const float* route, int64_t B, int64_t E), (count, route, B, E))
