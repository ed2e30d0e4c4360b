// msssim_grad.h: the gradient of multi-scale structural similarity in x.
//
// With dterm = dy·a_s·value/term_s/windows at a scale (0 below the floor), each
// window hands on
//
//	dv_xt = 2 l dterm/(v_x + v_t + C₂),  dv_x = −cs dv_xt/2,
//	dm_x  = 2 cs dterm (m_t − l m_x)/(m_x² + m_t² + C₁)   (last scale)
//
// to its rows, and they to their pixels, by the same two steps as the variances:
//
//	dμ_i = Σ g (dm_x + 2 dv_x (μ_i − m_x) + dv_xt (τ_i − m_t)),  dν_i = Σ g dv_x
//	dx_p = Σ g (dμ + 2 dν (x_p − μ) + dν_xt (t_p − τ)),
//
// sums over the windows that a row is in, and the row's places that a pixel is
// in; what flows into m_x from the variances cancels, since Σ g (μ_i − m) = 0.
// Up the pyramid a pixel gets a quarter of its block's. Some 500 operations a
// pixel and scale, the terms included.
#pragma once
#include "msssim.h"

namespace ISA {

// SSIMGrad adds to SSIM, of the scale at hand, the windows' means and what they
// hand on [h,line], lines of what a row hands on, 0 outside columns 0 to w, and
// the gradients dx [H,line] of this scale and the next in turns.
struct SSIMGrad {
  const SSIM& of;
  float *mx, *mt, *dmx, *dvx, *dvxt;
  float *dmean, *dvariance, *dcovariance, *dx[2];

  static size_t floats(const SSIMPlan& p) {
    return SSIM::floats(p) + (size_t)(7 * p.at[0].size() + 3 * p.at[0].line + 16 * 10);
  }
  SSIMGrad(const SSIM& m, Scratch& s) : of(m) {
    size_t n = (size_t)m.plan.at[0].size(), line = (size_t)m.plan.at[0].line;
    mx = s.take(n), mt = s.take(n), dmx = s.take(n), dvx = s.take(n), dvxt = s.take(n);
    dmean = s.take(line), dvariance = s.take(line), dcovariance = s.take(line);
    dx[0] = s.take(n), dx[1] = s.take(n);
  }

  // windows computes what every window hands on.
  void windows(int s, float dterm) const {
    const SSIMScale& c = of.plan.at[s];
    bool last = s == of.plan.scales - 1;
    for (int64_t y = 0; y < c.h; y++)
      for (int64_t i = 0, at = y * c.line + kReach; i < c.w; i += L, at += L) {
        Stats<vf> m = window(of.plan.g, of.rows, at, c.line);
        vf cs = structure(m), l = last ? luminance(m) : splat(1);
        vf d = 2.0f * dterm * l / (m.vx + m.vt + kC2);
        store(mx + at, m.mx), store(mt + at, m.mt);
        store(dvxt + at, d), store(dvx + at, -0.5f * cs * d);
        vf slope = (m.mt - l * m.mx) / (m.mx * m.mx + m.mt * m.mt + kC1);
        store(dmx + at, last ? 2.0f * dterm * cs * slope : vf{});
      }
  }

  // row sums what the windows hand on to row y.
  void row(int s, int64_t y) const {
    const SSIMScale& c = of.plan.at[s];
    int64_t from = most(0, y - kWindow + 1), to = least(y + 1, c.h);
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

  // pixels sums what row y hands on to its pixels.
  void pixels(int s, int64_t y, float* dst) const {
    const SSIMScale& c = of.plan.at[s];
    for (int64_t i = kReach; i < kReach + c.W; i += L) {
      int64_t at = y * c.line + i;
      vf x = load(of.x[s] + at), t = load(of.t[s] + at), d = {};
      for (int k = 0; k < kWindow; k++) {
        vf v = 2.0f * load(dvariance + i - k) * (x - load(of.rows.mx + at - k));
        d += of.plan.g[k] * (load(dmean + i - k) + v + load(dcovariance + i - k) * (t - load(of.rows.mt + at - k)));
      }
      store(dst + at, d);
    }
  }

  // scale computes the gradient at scale s from that of the next.
  void scale(int s, double dvalue) const {
    const SSIMScale& c = of.plan.at[s];
    float* d = dx[s % 2];
    memset(d, 0, 4 * (size_t)c.size());
    if (!(of.term[s] < kFloor)) {
      of.row_statistics(s);
      windows(s, (float)(dvalue * of.plan.exponent[s] / of.term[s] / (double)(c.h * c.w)));
      for (int64_t y = 0; y < c.H; y++) row(s, y), pixels(s, y, d);
    }
    if (s == of.plan.scales - 1) return;
    const SSIMScale& n = of.plan.at[s + 1];
    for (int64_t y = 0; y < 2 * n.H; y++)
      for (int64_t i = 0; i < 2 * n.W; i++)
        d[y * c.line + kReach + i] += 0.25f * dx[(s + 1) % 2][y / 2 * n.line + kReach + i / 2];
  }
};

static void ms_ssim_grad(Pool& pool, float* dx, const float* dy, const float* x, const float* t, int64_t planes,
                         int64_t H, int64_t W) {
  SSIMPlan plan(H, W);
  pool.run(planes, SSIMGrad::floats(plan), [&](int64_t p, Scratch& s) {
    SSIM ssim(plan, x + p * H * W, t + p * H * W, s);
    ssim.measure();
    SSIMGrad grad(ssim, s);
    for (int k = plan.scales - 1; k >= 0; k--) grad.scale(k, *dy * ssim.value() / (double)planes);
    for (int64_t y = 0; y < H; y++)
      add_to(dx + (p * H + y) * W, grad.dx[0] + y * plan.at[0].line + kReach, W);
  });
}

}  // namespace ISA
