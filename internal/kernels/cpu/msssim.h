// msssim.h: multi-scale structural similarity of x and t, planes of H×W.
//
// Under an 11×11 Gaussian window that lies wholly on the plane, with means m,
// variances v and covariance about the means:
//
//	cs = (2v_xt + C₂)/(v_x + v_t + C₂),  l = (2m_x m_t + C₁)/(m_x² + m_t² + C₁)
//
// A scale's term is the mean of cs, at the last scale of l·cs; a plane's value is
// Π_s max(term_s, 1e-6)^a_s; between scales 2×2 blocks are averaged.
//
// E[x²] − m² would lose all digits on a bright flat patch. The window is a
// product of two lines, so its variance splits exactly: with mean μ_i and
// variance ν_i of row i under the horizontal line g,
//
//	m = Σ g_i μ_i,  v = Σ g_i (ν_i + (μ_i − m)²),
//
// and nothing large is subtracted. A unit is a plane: some 250 operations per pixel
// and scale in vectors along rows, bound by arithmetic.
#pragma once
#include "each.h"

namespace ISA {

constexpr int kWindow = 11, kScales = 5;
constexpr int64_t kReach = 16;  // floats before a row, at least the window's 10, and after it
constexpr float kC1 = 0.01f * 0.01f, kC2 = 0.03f * 0.03f;
constexpr double kFloor = 1e-6;

// SSIMScale is the geometry of one scale: planes of H×W in lines, rows that start
// kReach floats in; h×w windows.
struct SSIMScale {
  int64_t H, W, h, w, line;
  int64_t size() const { return H * line; }
};

// SSIMPlan is what depends on the planes' size alone.
struct SSIMPlan {
  int scales = 1;
  SSIMScale at[kScales];
  double exponent[kScales];
  float g[kWindow];  // the window's line

  SSIMPlan(int64_t H, int64_t W) {
    static const double weights[kScales] = {.0448, .2856, .3001, .2363, .1333};
    double total = 0, lines = 0;
    while (scales < kScales && min(H, W) >> scales >= kWindow) scales++;
    for (int s = 0; s < scales; s++, H /= 2, W /= 2) {
      at[s] = {H, W, H - kWindow + 1, W - kWindow + 1, kReach + round_up(W, 16) + kReach};
      total += weights[s];
    }
    for (int s = 0; s < scales; s++) exponent[s] = weights[s] / total;
    for (int i = 0; i < kWindow; i++) lines += gaussian(i);
    for (int i = 0; i < kWindow; i++) g[i] = (float)(gaussian(i) / lines);
  }
  static double gaussian(int i) { return exp(-(i - 5) * (i - 5) / (2 * 1.5 * 1.5)); }
  int64_t pyramid() const {
    int64_t n = 0;
    for (int s = 0; s < scales; s++) n += at[s].size();
    return n;
  }
};

// Stats are planes, or registers, of means, variances and the covariance.
template <class T>
struct Stats {
  T mx, mt, vx, vt, vxt;
};

// window is the statistics of the L windows whose top row is at `at` in rows.
INLINE Stats<vf> window(const float* g, const Stats<float*>& rows, int64_t at, int64_t line) {
  Stats<vf> m = {};
  for (int64_t k = 0, p = at; k < kWindow; k++, p += line)
    m.mx += g[k] * load(rows.mx + p), m.mt += g[k] * load(rows.mt + p);
  for (int64_t k = 0, p = at; k < kWindow; k++, p += line) {
    vf dx = load(rows.mx + p) - m.mx, dt = load(rows.mt + p) - m.mt;
    m.vx += g[k] * (load(rows.vx + p) + dx * dx);
    m.vt += g[k] * (load(rows.vt + p) + dt * dt);
    m.vxt += g[k] * (load(rows.vxt + p) + dx * dt);
  }
  return m;
}

INLINE vf structure(const Stats<vf>& m) { return (2.0f * m.vxt + kC2) / (m.vx + m.vt + kC2); }
INLINE vf luminance(const Stats<vf>& m) { return (2.0f * m.mx * m.mt + kC1) / (m.mx * m.mx + m.mt * m.mt + kC1); }

// SSIM is the state of one pair of planes: both images at every scale and, for the
// current scale, the rows' statistics [H,line], valid in columns 0 to w. The floats
// around x, t and the means are finite, because they are multiplied by weights of 0.
struct SSIM {
  const SSIMPlan& plan;
  float *x[kScales], *t[kScales];
  Stats<float*> rows;
  float* similarity;  // a line
  double term[kScales];

  static size_t floats(const SSIMPlan& p) {
    return (size_t)(2 * p.pyramid() + 5 * p.at[0].size() + p.at[0].line + 16 * 7);
  }
  SSIM(const SSIMPlan& p, const float* x0, const float* t0, Scratch& s) : plan(p) {
    size_t n = (size_t)p.at[0].size();
    float* all = s.take((size_t)(2 * p.pyramid()));
    memset(all, 0, 8 * (size_t)p.pyramid());
    for (int k = 0; k < p.scales; k++, all += 2 * p.at[k - 1].size()) x[k] = all, t[k] = all + p.at[k].size();
    rows = {s.take(n), s.take(n), s.take(n), s.take(n), s.take(n)};
    memset(rows.mx, 0, 4 * n);
    memset(rows.mt, 0, 4 * n);
    similarity = s.take((size_t)p.at[0].line);
    fill(x, x0);
    fill(t, t0);
  }

  // fill computes the scales of one image.
  void fill(float* const* to, const float* image) const {
    for (int k = 0; k < plan.scales; k++) {
      const SSIMScale& c = plan.at[k];
      for (int64_t y = 0; y < c.H; y++) {
        float* d = to[k] + y * c.line + kReach;
        if (k == 0) {
          memcpy(d, image + y * c.W, 4 * (size_t)c.W);
          continue;
        }
        const float *a = to[k - 1] + 2 * y * plan.at[k - 1].line + kReach, *b = a + plan.at[k - 1].line;
        for (int64_t i = 0; i < c.W; i++) d[i] = (a[2 * i] + a[2 * i + 1] + b[2 * i] + b[2 * i + 1]) * 0.25f;
      }
    }
  }

  // row_statistics fills rows at scale s.
  void row_statistics(int s) const {
    const SSIMScale& c = plan.at[s];
    for (int64_t y = 0; y < c.H; y++)
      for (int64_t i = 0, at = y * c.line + kReach; i < c.w; i += L, at += L) {
        const float *a = x[s] + at, *b = t[s] + at;
        Stats<vf> m = {};
        for (int k = 0; k < kWindow; k++) m.mx += plan.g[k] * load(a + k), m.mt += plan.g[k] * load(b + k);
        for (int k = 0; k < kWindow; k++) {
          vf dx = load(a + k) - m.mx, dt = load(b + k) - m.mt, gx = plan.g[k] * dx, gt = plan.g[k] * dt;
          m.vx += gx * dx, m.vt += gt * dt, m.vxt += gx * dt;
        }
        store(rows.mx + at, m.mx), store(rows.mt + at, m.mt);
        store(rows.vx + at, m.vx), store(rows.vt + at, m.vt), store(rows.vxt + at, m.vxt);
      }
  }

  // measure computes the term of scale s, and calls each(at, m, cs, l) for the
  // windows at `at`, with their statistics, contrast-structure and luminance (1
  // except at the last scale).
  template <class F>
  void measure(int s, F&& each) {
    const SSIMScale& c = plan.at[s];
    double total = 0;
    row_statistics(s);
    for (int64_t y = 0; y < c.h; y++) {
      for (int64_t i = 0; i < c.w; i += L) {
        int64_t at = y * c.line + kReach + i;
        Stats<vf> m = window(plan.g, rows, at, c.line);
        vf cs = structure(m), l = s == plan.scales - 1 ? luminance(m) : splat(1.0f);
        store(similarity + i, l * cs);
        each(at, m, cs, l);
      }
      total += line_sum(similarity, c.w);
    }
    term[s] = total / (double)(c.h * c.w);
  }

  static float line_sum(const float* p, int64_t n) {
    vf s = {};
    each_vector(n, VECTOR { s += load_n(p + i, lanes); });
    return sum(s);
  }

  // value is the product over scales; a NaN stays one.
  double value() const {
    double v = 1;
    for (int s = 0; s < plan.scales; s++) v *= pow(term[s] < kFloor ? kFloor : term[s], plan.exponent[s]);
    return v;
  }
};

// ms_ssim: the mean of the planes' values.
static void ms_ssim(Pool& pool, Tensor y, Tensor x, Tensor t) {
  int64_t planes = x.n[0] * x.n[1], H = x.n[2], W = x.n[3];
  SSIMPlan plan(H, W);
  double total = 0, *values = (double*)pool.shared((size_t)(2 * planes));
  pool.run(planes, SSIM::floats(plan), [&](int64_t p, Scratch& s) {
    SSIM ssim(plan, x + p * H * W, t + p * H * W, s);
    for (int k = 0; k < plan.scales; k++)
      ssim.measure(k, [](int64_t, const Stats<vf>&, vf, vf) __attribute__((always_inline)) {});
    values[p] = ssim.value();
  });
  for (int64_t p = 0; p < planes; p++) total += values[p];
  *y = (float)(total / planes);
}

}  // namespace ISA
