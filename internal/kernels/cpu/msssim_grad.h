// msssim_grad.h: the gradient of multi-scale structural similarity in x.
//
// From a scale's term, each window passes on (times the number of windows)
//
//	dv_xt = 2 l/(v_x + v_t + C₂),  dv_x = −cs dv_xt/2,
//	dm_x  = 2 cs (m_t − l m_x)/(m_x² + m_t² + C₁)   (last scale)
//
// to its rows, and they to their pixels, in the same two steps as the variances:
//
//	dμ_i = Σ g (dm_x + 2 dv_x (μ_i − m_x) + dv_xt (τ_i − m_t)),  dν_i = Σ g dv_x
//	dx_p = Σ g (dμ + 2 dν (x_p − μ) + dν_xt (t_p − τ)),
//
// sums over the windows that contain a row, and over those of the row that contain a
// pixel; the gradient of m_x through the variances cancels, since Σ g (μ_i − m) = 0.
// Once all terms are known, a scale's share is dy·a_s·value/term_s, 0 below the
// floor, and a pixel gets a quarter of its block's gradient at the next scale. Some 500
// operations per pixel and scale, including the terms.
#pragma once
#include "msssim.h"

namespace ISA {

// SSIMGrad adds to SSIM, for the current scale, the windows' means and what they pass
// on [h,line], lines of what a row passes on, 0 outside columns 0 to w, and for each
// scale the gradient of its term.
struct SSIMGrad {
  SSIM& of;
  float *mx, *mt, *dmx, *dvx, *dvxt;
  float *dmean, *dvariance, *dcovariance, *dx[kScales];

  static size_t floats(const SSIMPlan& p) {
    return SSIM::floats(p) + (size_t)(5 * p.at[0].size() + 3 * p.at[0].line + p.pyramid() + 16 * (8 + kScales));
  }
  SSIMGrad(SSIM& m, Scratch& s) : of(m) {
    size_t n = (size_t)m.plan.at[0].size(), line = (size_t)m.plan.at[0].line;
    mx = s.take(n), mt = s.take(n), dmx = s.take(n), dvx = s.take(n), dvxt = s.take(n);
    dmean = s.take(line), dvariance = s.take(line), dcovariance = s.take(line);
    for (int k = 0; k < m.plan.scales; k++) dx[k] = s.take((size_t)m.plan.at[k].size());
  }

  // measure computes the term of scale s and its gradient.
  void measure(int s) const {
    bool last = s == of.plan.scales - 1;
    of.measure(s, [&](int64_t at, const Stats<vf>& m, vf cs, vf l) __attribute__((always_inline)) {
      vf d = 2.0f * l / (m.vx + m.vt + kC2);
      store(mx + at, m.mx), store(mt + at, m.mt);
      store(dvxt + at, d), store(dvx + at, -0.5f * cs * d);
      vf slope = (m.mt - l * m.mx) / (m.mx * m.mx + m.mt * m.mt + kC1);
      store(dmx + at, last ? 2.0f * cs * slope : vf{});
    });
    for (int64_t y = 0; y < of.plan.at[s].H; y++) row(s, y), pixels(s, y);
  }

  // row sums what the windows pass on to row y.
  void row(int s, int64_t y) const {
    const SSIMScale& c = of.plan.at[s];
    int64_t from = max(0, y - kWindow + 1), to = min(y + 1, c.h);
    for (int64_t i = kReach; i < kReach + c.w; i += L) {
      vf mean = load(of.rows.mx + y * c.line + i), other = load(of.rows.mt + y * c.line + i);
      vf dm = {}, dv = {}, dc = {};
      for (int64_t q = from, at = from * c.line + i; q < to; q++, at += c.line) {
        vf v = of.plan.g[y - q] * load(dvx + at), w = of.plan.g[y - q] * load(dvxt + at);
        dm += of.plan.g[y - q] * load(dmx + at) + 2.0f * v * (mean - load(mx + at)) + w * (other - load(mt + at));
        dv += v, dc += w;
      }
      store(dmean + i, dm), store(dvariance + i, dv), store(dcovariance + i, dc);
    }
    float* const lines[] = {dmean, dvariance, dcovariance};
    for (float* p : lines) {
      memset(p, 0, 4 * (size_t)kReach);
      memset(p + kReach + c.w, 0, 4 * (size_t)(c.line - kReach - c.w));
    }
  }

  // pixels sums what row y passes on to its pixels.
  void pixels(int s, int64_t y) const {
    const SSIMScale& c = of.plan.at[s];
    for (int64_t i = kReach; i < kReach + c.W; i += L) {
      int64_t at = y * c.line + i;
      vf x = load(of.x[s] + at), t = load(of.t[s] + at), d = {};
      for (int k = 0; k < kWindow; k++) {
        vf v = 2.0f * load(dvariance + i - k) * (x - load(of.rows.mx + at - k));
        d += of.plan.g[k] * (load(dmean + i - k) + v + load(dcovariance + i - k) * (t - load(of.rows.mt + at - k)));
      }
      store(dx[s] + at, d);
    }
  }

  // join weights the scales and adds each one's gradient to the finer one's,
  // ending in dx[0].
  void join(double dvalue) const {
    for (int s = of.plan.scales - 1; s >= 0; s--) {
      const SSIMScale& c = of.plan.at[s];
      double share = of.term[s] < kFloor ? 0 : dvalue * of.plan.exponent[s] / of.term[s] / (double)(c.h * c.w);
      for (int64_t i = 0; i < c.size(); i += L) store(dx[s] + i, (float)share * load(dx[s] + i));
      if (s == of.plan.scales - 1) continue;
      const SSIMScale& n = of.plan.at[s + 1];
      for (int64_t y = 0; y < 2 * n.H; y++) {
        float *d = dx[s] + y * c.line + kReach, *up = dx[s + 1] + y / 2 * n.line + kReach;
        for (int64_t i = 0; i < 2 * n.W; i++) d[i] += 0.25f * up[i / 2];
      }
    }
  }
};

static void ms_ssim_grad(Pool& pool, Tensor dx, Tensor dy, Tensor x, Tensor t) {
  if (!dx) return;
  int64_t planes = x.n[0] * x.n[1], H = x.n[2], W = x.n[3];
  SSIMPlan plan(H, W);
  pool.run(planes, SSIMGrad::floats(plan), [&](int64_t p, Scratch& s) {
    SSIM ssim(plan, x + p * H * W, t + p * H * W, s);
    SSIMGrad grad(ssim, s);
    for (int k = 0; k < plan.scales; k++) grad.measure(k);
    grad.join(*dy * ssim.value() / (double)planes);
    for (int64_t y = 0; y < H; y++)
      add_to(dx + (p * H + y) * W, grad.dx[0] + y * plan.at[0].line + kReach, W);
  });
}

}  // namespace ISA
