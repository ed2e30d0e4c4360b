// optim.h: one step of Adam for all parameters at once.
//
//   m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g²,
//   p −= lr · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + eps)
//
// Units are chunks of all parameters in sequence, so that a thousand small ones cost
// no more than a large one. 28 bytes per element, bound by memory.
#pragma once
#include "each.h"

namespace ISA {

// AdamStep is common to a parameter's elements: its first unit, lr/(1−β₁ᵗ) and
// 1/√(1−β₂ᵗ).
struct AdamStep {
  int64_t first;
  float rate, root;
};

// adam_steps counts a step for every parameter that a sample reached and assigns units;
// steps[count].first is their number.
static void adam_steps(const clusir_adam_param* ps, int64_t count, double lr, double beta1, double beta2,
                       AdamStep* steps) {
  int64_t units = 0;
  for (int64_t i = 0; i < count; i++) {
    const clusir_adam_param& p = ps[i];
    steps[i] = {units, 0, 0};
    if (p.reached && *p.reached == 0) continue;
    double t = *p.step += 1;
    steps[i].rate = (float)(lr / (1 - pow(beta1, t)));
    steps[i].root = (float)(1 / sqrt(1 - pow(beta2, t)));
    units += ceil_div(size(p.param), kChunk);
  }
  steps[count] = {units, 0, 0};
}

// adam_owner finds the parameter that a unit belongs to: the last that starts at or
// before it. A parameter that is not updated has no units, so the next starts at the same.
INLINE int64_t adam_owner(const AdamStep* steps, int64_t count, int64_t unit) {
  int64_t low = 0, high = count;
  while (high - low > 1) {
    int64_t middle = (low + high) / 2;
    if (steps[middle].first <= unit)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static void adam(Pool& pool, const clusir_adam_param* ps, int64_t count, double lr, double beta1, double beta2,
                 double eps) {
  AdamStep* steps = (AdamStep*)pool.shared((size_t)((count + 1) * (int64_t)sizeof(AdamStep) / 4));
  adam_steps(ps, count, lr, beta1, beta2, steps);
  float b1 = (float)beta1, c1 = (float)(1 - beta1), b2 = (float)beta2, c2 = (float)(1 - beta2), e = (float)eps;
  pool.run(steps[count].first, 0, [&](int64_t unit, Scratch&) {
    int64_t owner = adam_owner(steps, count, unit), at = (unit - steps[owner].first) * kChunk;
    const clusir_adam_param& p = ps[owner];
    const AdamStep step = steps[owner];
    float *param = p.param + at, *m = p.m + at, *v = p.v + at;
    const float* grad = p.grad + at;
    each_vector(min(size(p.param) - at, kChunk), VECTOR {
      vf g = load_n(grad + i, lanes);
      vf first = b1 * load_n(m + i, lanes) + c1 * g, second = b2 * load_n(v + i, lanes) + c2 * g * g;
      store_n(m + i, first, lanes), store_n(v + i, second, lanes);
      store_n(param + i, load_n(param + i, lanes) - step.rate * first / (vsqrt(second) * step.root + e), lanes);
    });
  });
}

// clip_norm sums the rows' squares in order, in float64 from row to row, so the norm
// does not depend on the threads.
static void clip_norm(Pool& pool, const Tensor* gs, int64_t count, float limit) {
  float* squares = pool.shared((size_t)count);
  pool.run(count, 0, [&](int64_t k, Scratch&) { squares[k] = row_dot(gs[k], gs[k], size(gs[k])); });
  double sum = 0;
  for (int64_t k = 0; k < count; k++) sum += squares[k];
  if (sum <= (double)limit * limit) return;
  float scale = (float)(limit / sqrt(sum));
  pool.run(count, 0, [&](int64_t k, Scratch&) {
    float* y = gs[k];
    each_vector(size(gs[k]), VECTOR { store_n(y + i, load_n(y + i, lanes) * scale, lanes); });
  });
}

static void average(Pool& pool, const Tensor* ys, const Tensor* xs, int64_t count, float a) {
  pool.run(count, 0, [&](int64_t k, Scratch&) {
    float* y = ys[k];
    const float* x = xs[k];
    each_vector(size(ys[k]), VECTOR {
      vf v = load_n(y + i, lanes);
      store_n(y + i, v + a * (load_n(x + i, lanes) - v), lanes);
    });
  });
}

}  // namespace ISA
