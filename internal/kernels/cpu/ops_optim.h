// ops_optim.h: the optimiser.
#pragma once
#include <stdint.h>

// One parameter of n floats, its gradient, moments and number of updates; reached
// may be NULL.
typedef struct {
  float *param, *grad, *m, *v, *step, *reached;
  int64_t n;
} clusir_adam_param;

// A row of n floats to change, and where there is one, its source.
typedef struct {
  float *y, *x;
  int64_t n;
} clusir_row;

#define OPS_OPTIM(X)                                                                                               \
  X(adam, (const clusir_adam_param* ps, int64_t count, double lr, double beta1, double beta2, double eps),         \
    (ps, count, lr, beta1, beta2, eps))                                                                            \
  X(clip_norm, (const clusir_row* gs, int64_t count, float limit), (gs, count, limit))                             \
  X(average, (const clusir_row* ys, int64_t count, float a), (ys, count, a))
