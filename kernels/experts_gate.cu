// The gate between an expert's two products (experts.cu): with e = Expand·u,
//   a = depthwise3×3(e_c), b = depthwise3×3(e_h+c), zero-padded
//   gated_c = route · GELU(a) b,  GELU(a) = a Φ(a), Φ the normal distribution function
// and, with q = Projectᵀ dy and φ the density,
//   da = route · q b (Φ(a) + a φ(a)),  db = route · q GELU(a)
//   de = depthwise3×3ᵀ(da, db),  ddepthwise_t = Σ_p d(a,b)_p e_p+t
//   droute_be = Σ_cp q GELU(a) b
//
// e and de [B,S,2h,H,W], gated and q [B,S,h,H,W] of a round, as T: float, or Bf16 in the
// kernels *_packed; expert [B,S] is each job's expert, −1 for none; depthwise is a table of
// its weights [2h,3,3].
// Threads a multiprocessor, at least: 2048, gate_fwd* 640, gate_grad* 576.
#include "common.cuh"

// Row holds 4 pixels of an image's row and their neighbours left and right.
struct Row {
  float v[6];

  // load reads from column x on; outside the image it reads 0.
  template <class T>
  __device__ __forceinline__ void load(const T* image, int y, int x, int H, int W) {
    const bool any = y >= 0 && y < H;
    const T* row = image + y * W;
    float c[4];
    load4(c, row, x, any ? W : 0, W % 4 == 0);
    v[0] = any && x > 0 ? number(row[x - 1]) : 0.f;
    v[1] = c[0], v[2] = c[1], v[3] = c[2], v[4] = c[3];
    v[5] = any && x + 4 < W ? number(row[x + 4]) : 0.f;
  }
};

// filter returns the 3×3 correlation at pixel k of the middle row.
__device__ __forceinline__ float filter(const float (&w)[9], const Row& top, const Row& middle, const Row& bottom, int k) {
  float sum = 0.f;
#pragma unroll
  for (int j = 0; j < 3; j++) sum += w[j] * top.v[k + j] + w[3 + j] * middle.v[k + j] + w[6 + j] * bottom.v[k + j];
  return sum;
}

__device__ __forceinline__ void load9(float (&w)[9], const float* p) {
#pragma unroll
  for (int t = 0; t < 9; t++) w[t] = p[t];
}

constexpr int strip = 4;

// gate_fwd: a thread computes 4 columns of 4 rows of a hidden channel and keeps three rows
// of each half in registers. Block (x, y): 128 of the h·⌈H/4⌉·⌈W/4⌉ pieces of job y. 12
// bytes (18 with the strips' edges, from a cache; half of it packed) and 60 operations per
// number: bound by memory.
template <class T>
__device__ __forceinline__ void forward(T* gated, const T* e, float* const* depthwise, const int* expert, const float* route,
                                        int E, int S, int h, int H, int W, bool tf32) {
  const int job = blockIdx.y, which = expert[job];
  if (which < 0) return;
  const int columns = (W + 3) / 4, strips = (H + strip - 1) / strip;
  const int i = blockIdx.x * 128 + threadIdx.x;
  const int x = i % columns * 4, y0 = i / columns % strips * strip, c = i / columns / strips;
  if (c >= h) return;
  const float scale = route ? route[job / S * E + which] : 1.f;
  const int P = pitch<T>(H * W);
  const T* a = e + (2ll * job * h + c) * P;
  const T* b = a + static_cast<long long>(h) * P;
  gated += (static_cast<long long>(job) * h + c) * P;
  const float* w = in_global(depthwise[which]);
  float wa[9], wb[9];
  load9(wa, w + c * 9);
  load9(wb, w + (h + c) * 9);
  Row ra[3], rb[3];
#pragma unroll
  for (int r = 0; r < 2; r++) ra[r].load(a, y0 + r - 1, x, H, W), rb[r].load(b, y0 + r - 1, x, H, W);
#pragma unroll
  for (int r = 0; r < strip; r++) {
    if (y0 + r >= H) return;
    ra[(r + 2) % 3].load(a, y0 + r + 1, x, H, W);
    rb[(r + 2) % 3].load(b, y0 + r + 1, x, H, W);
    float out[4];
#pragma unroll
    for (int k = 0; k < 4; k++) {
      const float fa = filter(wa, ra[r % 3], ra[(r + 1) % 3], ra[(r + 2) % 3], k);
      const float fb = filter(wb, rb[r % 3], rb[(r + 1) % 3], rb[(r + 2) % 3], k);
      out[k] = rounded(scale * (fa * normal_cdf(fa) * fb), tf32);
    }
    store4(gated + (y0 + r) * W, out, x, W, W % 4 == 0);
  }
}

#define GATE_FWD(suffix, T)                                                                                             \
  extern "C" __global__ void __launch_bounds__(128, 5)                                                                  \
      gate_fwd##suffix(T* __restrict__ gated, const T* __restrict__ e, float* const* __restrict__ depthwise,            \
                       const int* __restrict__ expert, const float* __restrict__ route, int E, int S, int h, int H,     \
                       int W, int tf32) {                                                                               \
    forward(gated, e, depthwise, expert, route, E, S, h, H, W, tf32);                                                   \
  }
GATE_FWD(, float)
GATE_FWD(_packed, Bf16)

// ---- the gradient: a block processes a hidden channel of a job in tiles of 32×16. A
// tile's e, with a frame of 2, and its d(a,b), with a frame of 1, are in shared memory: d
// is never written, at the cost of computing its frame twice.

constexpr int grad_threads = 192;
constexpr int tile_w = 32, tile_h = 16, line = tile_w + 8;  // lines start 4 columns early
constexpr int sums = 19;                                    // of a channel: 2·9 taps and droute

// tile_row reads 6 numbers of a tile's line around column x, its ends repeated.
__device__ __forceinline__ void tile_row(Row& r, const float* s, int x) {
  const float4 c = *reinterpret_cast<const float4*>(s + x);
  r.v[0] = s[max(x - 1, 0)];
  r.v[1] = c.x, r.v[2] = c.y, r.v[3] = c.z, r.v[4] = c.w;
  r.v[5] = s[min(x + 4, line - 1)];
}

// filter_row is the correlation at 4 pixels of the second of three lines.
__device__ __forceinline__ void filter_row(float (&out)[4], const float (&w)[9], const float (*s)[line], int x) {
#pragma unroll
  for (int k = 0; k < 4; k++) out[k] = 0.f;
#pragma unroll
  for (int i = 0; i < 3; i++) {
    Row row;
    tile_row(row, s[i], x);
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
      for (int j = 0; j < 3; j++) out[k] += w[3 * i + j] * row.v[k + j];
  }
}

struct Tiles {
  float e[2][tile_h + 4][line], d[2][tile_h + 2][line];
  float w[2][9];
};

// load_tile fills e with both halves around the tile at y0, x0.
template <class T>
__device__ __forceinline__ void load_tile(Tiles& t, const T* a, const T* b, int y0, int x0, int H, int W) {
  constexpr int groups = line / 4, each = (tile_h + 4) * groups;
  for (int i = threadIdx.x; i < 2 * each; i += grad_threads) {
    const int half = i / each, r = i % each / groups, column = i % groups * 4;
    const int y = y0 - 2 + r, x = x0 - 4 + column;
    float v[4];
    load4(v, (half ? b : a) + y * W, x, y >= 0 && y < H && x >= 0 ? W : x, W % 4 == 0);
    *reinterpret_cast<float4*>(&t.e[half][r][column]) = make_float4(v[0], v[1], v[2], v[3]);
  }
}

// gate_tile fills d, writes gated and returns this thread's part of droute.
template <class T>
__device__ __forceinline__ float gate_tile(Tiles& t, T* gated, const T* q, float scale, int y0, int x0, int H, int W,
                                           bool tf32) {
  constexpr int groups = line / 4, n = (tile_h + 2) * groups;
  static_assert(n <= grad_threads, "a thread has 4 numbers of d");
  if (threadIdx.x >= n) return 0.f;
  const int r = threadIdx.x / groups, column = threadIdx.x % groups * 4;
  const int y = y0 - 1 + r, x = x0 - 4 + column;
  const bool inside = r > 0 && r <= tile_h && column > 0 && column <= tile_w;
  float v[4], fa[4], fb[4], droute = 0.f;
  load4(v, q + y * W, x, y >= 0 && y < H && x >= 0 ? W : x, W % 4 == 0);
  filter_row(fa, t.w[0], t.e[0] + r, column);
  filter_row(fb, t.w[1], t.e[1] + r, column);
#pragma unroll
  for (int k = 0; k < 4; k++) {
    const float a = fa[k], cdf = normal_cdf(a), gelu = a * cdf;
    if (inside) droute += v[k] * gelu * fb[k];
    fa[k] = scale * v[k] * fb[k] * (cdf + a * .39894228f * expf(-.5f * a * a));
    const float out = rounded(scale * gelu * fb[k], tf32);
    fb[k] = scale * v[k] * gelu;
    v[k] = out;
  }
  *reinterpret_cast<float4*>(&t.d[0][r][column]) = make_float4(fa[0], fa[1], fa[2], fa[3]);
  *reinterpret_cast<float4*>(&t.d[1][r][column]) = make_float4(fb[0], fb[1], fb[2], fb[3]);
  if (inside && y < H) store4(gated + y * W, v, x, W, W % 4 == 0);
  return droute;
}

// filter_tile writes de of one half and adds to the sums of its taps.
template <class T>
__device__ __forceinline__ void filter_tile(float (&sum)[9], const float (*e)[line], const float (*d)[line], T* de,
                                            const float (&w)[9], int y0, int x0, int H, int W, bool tf32) {
  constexpr int groups = tile_w / 4;
  const int r = threadIdx.x / groups, column = 4 + threadIdx.x % groups * 4;
  const int y = y0 + r, x = x0 - 4 + column;
  if (r >= tile_h || y >= H || x >= W) return;
  float out[4] = {}, middle[4];
#pragma unroll
  for (int i = 0; i < 3; i++) {
    Row row;
    tile_row(row, d[r + i], column);
#pragma unroll
    for (int k = 0; k < 4; k++) {
      if (i == 1) middle[k] = row.v[k + 1];
#pragma unroll
      for (int j = 0; j < 3; j++) out[k] += w[8 - 3 * i - j] * row.v[k + j];
    }
  }
#pragma unroll
  for (int k = 0; k < 4; k++) out[k] = rounded(out[k], tf32);
  store4(de + y * W, out, x, W, W % 4 == 0);
#pragma unroll
  for (int i = 0; i < 3; i++) {
    Row row;
    tile_row(row, e[r + 1 + i], column);
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
      for (int j = 0; j < 3; j++) sum[3 * i + j] += middle[k] * row.v[k + j];
  }
}

// gate_grad writes gated, de and, for each job and channel, the sums: partial
// [B,S,h,19]. Block (x, y): channel x of job y. 12 bytes read (22 with the frames,
// from a cache), 12 written, half of it packed, and some 230 operations per number of gated:
// bound by both memory and arithmetic on an A100. 12 KB of shared memory.
template <class T>
__device__ __forceinline__ void gradient(T* de, T* gated, float* partial, const T* e, const T* q, float* const* depthwise,
                                         const int* expert, const float* route, int E, int S, int h, int H, int W, bool tf32) {
  __shared__ __align__(16) Tiles tiles;
  __shared__ float parts[sums][grad_threads / 32];
  const int c = blockIdx.x, job = blockIdx.y, which = expert[job];
  if (which < 0) return;
  const float scale = route ? route[job / S * E + which] : 1.f;
  const int P = pitch<T>(H * W);
  const long long a = (2ll * job * h + c) * P, b = a + static_cast<long long>(h) * P, one = (static_cast<long long>(job) * h + c) * P;
  const int half = threadIdx.x / 9, tap = threadIdx.x % 9;
  if (half < 2) tiles.w[half][tap] = in_global(depthwise[which])[(half * h + c) * 9 + tap];
  float suma[9] = {}, sumb[9] = {}, droute = 0.f;
  for (int y0 = 0; y0 < H; y0 += tile_h)
    for (int x0 = 0; x0 < W; x0 += tile_w) {
      __syncthreads();  // the previous tile's reads are over
      load_tile(tiles, e + a, e + b, y0, x0, H, W);
      __syncthreads();
      droute += gate_tile(tiles, gated + one, q + one, scale, y0, x0, H, W, tf32);
      __syncthreads();
      filter_tile(suma, tiles.e[0], tiles.d[0], de + a, tiles.w[0], y0, x0, H, W, tf32);
      filter_tile(sumb, tiles.e[1], tiles.d[1], de + b, tiles.w[1], y0, x0, H, W, tf32);
    }
  clear_padding(gated + one, H * W);
  clear_padding(de + a, H * W);
  clear_padding(de + b, H * W);
#pragma unroll
  for (int t = 0; t < sums; t++) {
    const float v = warp_sum(t < 9 ? suma[t % 9] : t < 18 ? sumb[t % 9] : droute);
    if (threadIdx.x % 32 == 0) parts[t][threadIdx.x / 32] = v;
  }
  __syncthreads();
  if (threadIdx.x >= sums) return;
  float v = 0.f;
  for (int w = 0; w < grad_threads / 32; w++) v += parts[threadIdx.x][w];
  partial[(static_cast<long long>(job) * h + c) * sums + threadIdx.x] = v;
}

#define GATE_GRAD(suffix, T)                                                                                             \
  extern "C" __global__ void __launch_bounds__(grad_threads, 3)                                                          \
      gate_grad##suffix(T* __restrict__ de, T* __restrict__ gated, float* __restrict__ partial,                          \
                        const T* __restrict__ e, const T* __restrict__ q, float* const* __restrict__ depthwise,          \
                        const int* __restrict__ expert, const float* __restrict__ route, int E, int S, int h, int H,     \
                        int W, int tf32) {                                                                               \
    gradient(de, gated, partial, e, q, depthwise, expert, route, E, S, h, H, W, tf32);                                   \
  }
GATE_GRAD(, float)
GATE_GRAD(_packed, Bf16)

// gate_dw adds the sums of an expert's jobs, in order, to its ddepthwise, for each expert
// that ran and whose gradient is wanted. Block (x, y): 128 of the 18·h numbers of expert
// y. 4 (jobs + 2) bytes and `jobs` operations per number: bound by memory.
extern "C" __global__ void __launch_bounds__(128)
    gate_dw(float* const* __restrict__ ddepthwise, const float* __restrict__ partial, const int* __restrict__ list,
            const int* __restrict__ count, int B, int h) {
  const int e = blockIdx.y, i = blockIdx.x * 128 + threadIdx.x;
  if (!ddepthwise[e] || i >= 18 * h) return;
  const int c = i / 9 % h, t = i % 9 + (i >= 9 * h ? 9 : 0);
  float sum = 0.f;
  for (int n = 0; n < count[e]; n++) sum += partial[(static_cast<long long>(list[e * B + n]) * h + c) * sums + t];
  in_global(ddepthwise[e])[i] += sum;
}

// gate_droute: droute_be += the sum of its job over the channels; one warp per job, 4
// jobs per block. 4 bytes and 1 operation per number: bound by memory.
extern "C" __global__ void __launch_bounds__(128)
    gate_droute(float* __restrict__ droute, const float* __restrict__ partial, const int* __restrict__ expert, int jobs,
                int E, int S, int h) {
  const int job = blockIdx.x * 4 + threadIdx.x / 32;
  if (job >= jobs || expert[job] < 0) return;
  float sum = 0.f;
  for (int c = threadIdx.x % 32; c < h; c += 32) sum += partial[(static_cast<long long>(job) * h + c) * sums + 18];
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) droute[job / S * E + expert[job]] += sum;
}
