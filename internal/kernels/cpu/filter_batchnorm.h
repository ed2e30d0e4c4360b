// filter_batchnorm.h: BatchNorm of a few numbers per sample, x [B,N] over B, eps 1e-5.
// There are some hundred numbers: one thread computes them in float64.
#pragma once
#include "tile.h"

namespace ISA {

// Column is the mean, the biased variance and 1/√(variance + eps) of a column of x [B,N].
struct Column {
  double mean, variance, rstd;
};
INLINE Column column(const float* x, int64_t B, int64_t N) {
  double mean = 0, variance = 0;
  for (int64_t b = 0; b < B; b++) mean += x[b * N];
  mean /= B;
  for (int64_t b = 0; b < B; b++) variance += (x[b * N] - mean) * (x[b * N] - mean);
  variance /= B;
  return {mean, variance, 1 / sqrt(variance + 1e-5)};
}

// batch_norm: y = weight·x̂ + bias; the running statistics move by momentum
// unless that is 0.
static void batch_norm(Pool&, Tensor y, Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance,
                       float momentum) {
  int64_t B = x.n[0], N = x.n[1];
  for (int64_t n = 0; n < N; n++) {
    Column c = column(x + n, B, N);
    for (int64_t i = n; i < B * N; i += N) y[i] = (float)((x[i] - c.mean) * c.rstd * weight[n] + bias[n]);
    if (momentum == 0) continue;
    double unbiased = c.variance * B / (B - 1);
    mean[n] = (float)((1 - (double)momentum) * mean[n] + momentum * c.mean);
    variance[n] = (float)((1 - (double)momentum) * variance[n] + momentum * unbiased);
  }
}

// batch_norm_grad: with g = weight·dy, dx = (g − mean_b(g) − x̂ mean_b(g x̂))·rstd,
// dweight = Σ_b dy x̂, dbias = Σ_b dy.
static void batch_norm_grad(Pool&, Tensor dx, Tensor dweight, Tensor dbias, Tensor dy, Tensor x, Tensor weight) {
  int64_t B = x.n[0], N = x.n[1];
  for (int64_t n = 0; n < N; n++) {
    Column c = column(x + n, B, N);
    double total = 0, along = 0;
    for (int64_t i = n; i < B * N; i += N) {
      total += dy[i];
      along += dy[i] * (x[i] - c.mean) * c.rstd;
    }
    if (dweight) dweight[n] += (float)along;
    if (dbias) dbias[n] += (float)total;
    for (int64_t i = n; i < B * N && dx; i += N)
      dx[i] += (float)((dy[i] - total / B - (x[i] - c.mean) * c.rstd * along / B) * c.rstd * weight[n]);
  }
}

static void batch_norm_infer(Pool&, Tensor y, Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance) {
  int64_t B = x.n[0], N = x.n[1];
  for (int64_t i = 0; i < B * N; i++) {
    int64_t n = i % N;
    y[i] = (float)(weight[n] * ((double)x[i] - mean[n]) / sqrt(variance[n] + 1e-5) + bias[n]);
  }
}

}  // namespace ISA
