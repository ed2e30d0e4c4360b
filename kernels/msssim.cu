// Multi-scale structural similarity of x and t, planes of H×W, one number y.
//
// Under an 11×11 Gaussian window w = g gᵀ wholly inside the plane, with means m, variances
// v and covariance v_xt about the means:
//   cs = (2v_xt + C₂)/(v_x + v_t + C₂),  l = (2m_x m_t + C₁)/(m_x² + m_t² + C₁)
// A scale's term is the mean of cs, at the last scale of l·cs; a plane's value is
// Π_s max(term_s, 1e-6)^a_s, y their mean; between scales 2×2 blocks are averaged.
//
// E[x²] − m² would lose all digits on a bright flat patch. The window is a product of two
// lines, so its variance splits exactly: with mean μ_i and variance ν_i of row i under g,
// m = Σ g_i μ_i,  v = Σ g_i (ν_i + (μ_i − m)²), without subtracting large numbers. In the
// backward pass a window hands on
//   dv_xt = 2l/(v_x + v_t + C₂), dv_x = −cs dv_xt/2, dm_x = 2cs (m_t − l m_x)/(m_x² + m_t² + C₁)
// (the last only at the last scale), its rows
//   dμ_i = Σ g (dm_x + 2dv_x (μ_i − m_x) + dv_xt (τ_i − m_t)),  dν_i = Σ g dv_x
// and the rows to pixels  dx_p = Σ g (dμ + 2dν (x_p − μ) + dν_xt (t_p − τ)).
//
// Mapping: a block of 256 threads handles 32×16 windows, or pixels, of a plane: block
// (x, y, z) is tile x of plane y + 65535·z. Lines pass through shared memory.
// Per pixel and scale: 8 bytes and some 320 operations forward (x and t are read with a
// frame of 10, and 26 rows are measured for 16 windows); 28 and 420 more for the gradient.
// Bound by shared memory: some 110 and 170 reads of 4 bytes.
// Threads a multiprocessor, at least: 2048, ssim_windows 1024, ssim_dx 768.
#include "common.cuh"

constexpr int threads = 256, window = 11, frame = window - 1, scales_most = 5;
constexpr int tile_w = 32, tile_h = 16;
constexpr float c1 = 1e-4f, c2 = 9e-4f, min_term = 1e-6f;

// The window's line: exp(−d²/(2·1.5²)) for d = −5..5, divided by its sum.
__constant__ float line[window] = {1.028380084e-3f, 7.598758135e-3f, 3.600077213e-2f, 1.093606895e-1f,
                                   2.130055377e-1f, 2.660117249e-1f, 2.130055377e-1f, 1.093606895e-1f,
                                   3.600077213e-2f, 7.598758135e-3f, 1.028380084e-3f};
// The scales' exponents, before division by the sum of those in use.
__constant__ float exponents[scales_most] = {.0448f, .2856f, .3001f, .2363f, .1333f};

// Place locates a block's tile: its plane, of h×w, and its corner.
struct Place {
  long long plane;
  int i, j;
  __device__ __forceinline__ Place(int w) {
    const int across = (w + tile_w - 1) / tile_w;
    plane = blockIdx.y + 65535ll * blockIdx.z;
    i = blockIdx.x / across * tile_h;
    j = blockIdx.x % across * tile_w;
  }
};

// fill copies a part of a plane of H×W to ROWS×COLUMNS, with 0 outside of the plane.
template <int ROWS, int COLUMNS>
__device__ __forceinline__ void fill(float (&to)[ROWS][COLUMNS], const float* plane, int i0, int j0, int H, int W) {
  for (int n = threadIdx.x; n < ROWS * COLUMNS; n += threads) {
    const int i = i0 + n / COLUMNS, j = j0 + n % COLUMNS;
    to[n / COLUMNS][n % COLUMNS] = i >= 0 && i < H && j >= 0 && j < W ? plane[static_cast<size_t>(i) * W + j] : 0.f;
  }
}

// ssim_halve: y = the mean of x's 2×2 blocks, y [planes,h,w], x [planes,H,W]; one thread
// per number of y. 20 bytes, 4 operations per number: bound by memory.
extern "C" __global__ void __launch_bounds__(threads)
    ssim_halve(float* __restrict__ y, const float* __restrict__ x, int planes, int H, int W) {
  const int h = H / 2, w = W / 2;
  const long long i = static_cast<long long>(blockIdx.x) * threads + threadIdx.x;
  if (i >= static_cast<long long>(planes) * h * w) return;
  const float* a = x + (i / (h * w) * H + i / w % h * 2) * W + i % w * 2;
  y[i] = .25f * (a[0] + a[1] + a[W] + a[W + 1]);
}

// Moments are means, variances and the covariance.
struct Moments {
  float mx, mt, vx, vt, vxt;
};

// row_moments measures x[0..10] and t[0..10] under the line.
__device__ __forceinline__ Moments row_moments(const float* x, const float* t) {
  Moments m = {};
#pragma unroll
  for (int k = 0; k < window; k++) m.mx += line[k] * x[k], m.mt += line[k] * t[k];
#pragma unroll
  for (int k = 0; k < window; k++) {
    const float dx = x[k] - m.mx, dt = t[k] - m.mt;
    m.vx += line[k] * dx * dx;
    m.vt += line[k] * dt * dt;
    m.vxt += line[k] * dx * dt;
  }
  return m;
}

constexpr int rows_in = tile_h + frame, columns_in = tile_w + frame;

// Lines are the moments of a tile's rows.
struct Lines {
  float mx[rows_in][tile_w], mt[rows_in][tile_w], vx[rows_in][tile_w], vt[rows_in][tile_w], vxt[rows_in][tile_w];

  __device__ __forceinline__ void set(int i, int j, const Moments& m) {
    mx[i][j] = m.mx, mt[i][j] = m.mt, vx[i][j] = m.vx, vt[i][j] = m.vt, vxt[i][j] = m.vxt;
  }
  // window_at returns the moments of the window whose corner is at row i, column j.
  __device__ __forceinline__ Moments window_at(int i, int j) const {
    Moments m = {};
#pragma unroll
    for (int k = 0; k < window; k++) m.mx += line[k] * mx[i + k][j], m.mt += line[k] * mt[i + k][j];
#pragma unroll
    for (int k = 0; k < window; k++) {
      const float dx = mx[i + k][j] - m.mx, dt = mt[i + k][j] - m.mt;
      m.vx += line[k] * (vx[i + k][j] + dx * dx);
      m.vt += line[k] * (vt[i + k][j] + dt * dt);
      m.vxt += line[k] * (vxt[i + k][j] + dx * dt);
    }
    return m;
  }
};

// Handed holds what a scale's windows hand on, 5 times [planes,h,w]: m_x, m_t, dm_x, dv_x,
// dv_xt.
struct Handed {
  float* p;
  size_t size;  // of each of the five
  __device__ __forceinline__ void set(size_t at, const Moments& m, float cs, float l, bool last) const {
    const float dvxt = 2.f * l / (m.vx + m.vt + c2);
    p[at] = m.mx;
    p[at + size] = m.mt;
    p[at + 2 * size] = last ? 2.f * cs * (m.mt - l * m.mx) / (m.mx * m.mx + m.mt * m.mt + c1) : 0.f;
    p[at + 3 * size] = -.5f * cs * dvxt;
    p[at + 4 * size] = dvxt;
  }
};

// ssim_windows: partial[plane][tile] = Σ cs, or l·cs at the last scale, over the
// tile's windows and, unless absent, what they hand on. 25.4 KB of shared memory.
extern "C" __global__ void __launch_bounds__(threads, 4)
    ssim_windows(float* __restrict__ partial, float* __restrict__ handed, const float* __restrict__ x,
                 const float* __restrict__ t, int planes, int H, int W, int last) {
  __shared__ float tx[rows_in][columns_in], tt[rows_in][columns_in];
  __shared__ Lines lines;
  const int h = H - frame, w = W - frame;
  const Place at(w);
  if (at.plane >= planes) return;
  fill(tx, x + at.plane * H * W, at.i, at.j, H, W);
  fill(tt, t + at.plane * H * W, at.i, at.j, H, W);
  __syncthreads();
  for (int n = threadIdx.x; n < rows_in * tile_w; n += threads) {
    const int i = n / tile_w, j = n % tile_w;
    lines.set(i, j, row_moments(&tx[i][j], &tt[i][j]));
  }
  __syncthreads();
  const Handed out = {handed, static_cast<size_t>(planes) * h * w};
  float sum = 0.f;
  for (int n = threadIdx.x; n < tile_h * tile_w; n += threads) {
    const int i = n / tile_w, j = n % tile_w;
    if (at.i + i >= h || at.j + j >= w) continue;
    const Moments m = lines.window_at(i, j);
    const float cs = (2.f * m.vxt + c2) / (m.vx + m.vt + c2);
    const float l = last ? (2.f * m.mx * m.mt + c1) / (m.mx * m.mx + m.mt * m.mt + c1) : 1.f;
    sum += l * cs;
    if (handed) out.set((at.plane * h + at.i + i) * w + at.j + j, m, cs, l, last);
  }
  sum = block_sum<threads>(sum);
  if (threadIdx.x == 0) partial[at.plane * gridDim.x + blockIdx.x] = sum;
}

// ssim_value: y = the mean of the planes' values, and shares[s][plane] = the weight of a
// window of scale s in y: a_s value/term_s/(h w)/planes, 0 below the floor. Either may be
// absent. H×W is the size of the first scale; the partial sums of the scales follow each
// other. One block, one warp per plane.
extern "C" __global__ void __launch_bounds__(threads)
    ssim_value(float* __restrict__ y, float* __restrict__ shares, const float* __restrict__ partial, int planes,
               int scales, int H, int W) {
  const int lane = threadIdx.x % 32;
  float total = 0.f, exponent = 0.f;
  for (int s = 0; s < scales; s++) exponent += exponents[s];
  for (int p = threadIdx.x / 32; p < planes; p += threads / 32) {
    float value = 1.f, term = 0.f;
    // The terms are summed twice: first for the value, then for the shares.
    for (int round = 0; round < (shares ? 2 : 1); round++) {
      const float* part = partial;
      for (int s = 0; s < scales; s++) {
        const int h = (H >> s) - frame, w = (W >> s) - frame;
        const int tiles = ((h + tile_h - 1) / tile_h) * ((w + tile_w - 1) / tile_w);
        const float windows = static_cast<float>(h) * static_cast<float>(w);
        term = 0.f;
        for (int i = lane; i < tiles; i += 32) term += part[static_cast<size_t>(p) * tiles + i];
        term = warp_sum(term) / windows;
        part += static_cast<size_t>(planes) * tiles;
        const float a = exponents[s] / exponent;
        if (round == 0) value *= powf(term < min_term ? min_term : term, a);
        else if (lane == 0)
          shares[s * planes + p] = term < min_term ? 0.f : a * value / term / windows / static_cast<float>(planes);
      }
    }
    if (lane == 0) total += value;
  }
  total = block_sum<threads>(total);
  if (y && threadIdx.x == 0) y[0] = total / static_cast<float>(planes);
}

// Rows holds what a tile's rows hand on, and their means, at the positions of the line
// that reach the tile's pixels.
struct Rows {
  float dmean[tile_h][columns_in], dvariance[tile_h][columns_in], dcovariance[tile_h][columns_in];
  float mx[tile_h][columns_in], mt[tile_h][columns_in];
};

// ssim_dx: dx [planes,H,W] = (or +=, for the image itself) dy·share·(what the windows
// hand on) + a quarter of the next scale's, [planes,H/2,W/2], unless absent. 43 KB of
// shared memory.
extern "C" __global__ void __launch_bounds__(threads, 3)
    ssim_dx(float* __restrict__ dx, const float* __restrict__ next, const float* __restrict__ dy,
            const float* __restrict__ share, const float* __restrict__ handed, const float* __restrict__ x,
            const float* __restrict__ t, int planes, int H, int W, int add) {
  __shared__ float tx[tile_h][columns_in + frame], tt[tile_h][columns_in + frame];
  __shared__ float in[5][rows_in][columns_in];
  __shared__ Rows rows;
  const int h = H - frame, w = W - frame;
  const Place at(W);
  if (at.plane >= planes) return;
  fill(tx, x + at.plane * H * W, at.i, at.j - frame, H, W);
  fill(tt, t + at.plane * H * W, at.i, at.j - frame, H, W);
  for (int f = 0; f < 5; f++)
    fill(in[f], handed + (static_cast<size_t>(f) * planes + at.plane) * h * w, at.i - frame, at.j - frame, h, w);
  __syncthreads();
  for (int n = threadIdx.x; n < tile_h * columns_in; n += threads) {
    const int i = n / columns_in, j = n % columns_in;
    float mx = 0.f, mt = 0.f, dm = 0.f, dv = 0.f, dc = 0.f;
#pragma unroll
    for (int k = 0; k < window; k++) mx += line[k] * tx[i][j + k], mt += line[k] * tt[i][j + k];
#pragma unroll
    for (int k = 0; k < window; k++) {  // the window k rows up, whose k-th row is i
      const int q = i + frame - k;
      const float v = line[k] * in[3][q][j], c = line[k] * in[4][q][j];
      dm += line[k] * in[2][q][j] + 2.f * v * (mx - in[0][q][j]) + c * (mt - in[1][q][j]);
      dv += v;
      dc += c;
    }
    rows.dmean[i][j] = dm, rows.dvariance[i][j] = dv, rows.dcovariance[i][j] = dc;
    rows.mx[i][j] = mx, rows.mt[i][j] = mt;
  }
  __syncthreads();
  const float g = dy[0] * share[at.plane];
  for (int n = threadIdx.x; n < tile_h * tile_w; n += threads) {
    const int i = n / tile_w, j = n % tile_w, y = at.i + i, c = at.j + j;
    if (y >= H || c >= W) continue;
    const float px = tx[i][j + frame], pt = tt[i][j + frame];
    float sum = 0.f;
#pragma unroll
    for (int k = 0; k < window; k++) {  // the line whose k-th pixel this is
      const int q = j + frame - k;
      sum += line[k] * (rows.dmean[i][q] + 2.f * rows.dvariance[i][q] * (px - rows.mx[i][q]) +
                        rows.dcovariance[i][q] * (pt - rows.mt[i][q]));
    }
    sum *= g;
    if (next && y / 2 < H / 2 && c / 2 < W / 2)
      sum += .25f * next[(at.plane * (H / 2) + y / 2) * (W / 2) + c / 2];
    const size_t to = (static_cast<size_t>(at.plane) * H + y) * W + c;
    dx[to] = add ? dx[to] + sum : sum;
  }
}
