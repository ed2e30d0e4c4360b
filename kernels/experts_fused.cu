// The gated feed-forward networks of the experts, forward, in one kernel:
//   y_b = x_b + Σ_e route_be Project_e·(GELU(a) ⊙ b),  (a, b) = depthwise3×3_e(Expand_e·u_b)
//   u = LN(x) = weight ⊙ (x − mean)/√(var + 1e-5) + bias over the channels of each pixel
// x, y [B,C,H,W]; tables hold the addresses of each expert's Expand [2h,C], Depthwise
// [2h,3,3] and Project [C,h]; route [B,E], or absent if there is one expert.
//
// experts.cu and experts_gate.cu compute the same with the 2h channels of Expand·u and the
// h of the gate in memory, 20 (C + 1.2h) bytes per pixel and expert. Here they stay in
// shared memory: 8 bytes per channel and pixel, whatever h and the number of experts. That
// is for the narrow layers, C ≤ 96, which are bound by memory otherwise; their gradient
// computes everything again from x, so that it misses nothing.
//
// Block (x, y) computes a tile of 16×8 pixels of sample y, with all of their channels. u
// and e are needed in a frame of one pixel around it, 18×10, which all tiles that share it
// compute: 192 columns of Expand's product for 128, a third more multiply-accumulates in all.
// Then for 16 hidden channels of an expert at a time, two barriers a time:
//   e [32,180]      = Expand·u          warp w: 8 columns at 8w, 8w + 64, 8w + 128
//   gated [16,128]  = GELU(a) ⊙ b       a thread: 2 rows of 4 pixels of a channel
//   sum [C,128]    += Project·gated     warp w: row w of the tile, in registers
// Weights are copied while others are being used: Expand's next ones and Project's during
// the gate, Depthwise's during Expand's product.
//
// 4·C·h multiply-accumulates per pixel and expert, on the tensor cores unless the precision
// is float32, and some 60 instructions per pixel and hidden channel in the gate: bound by
// both. Widths of 16, 32, 48, 64 and 96 have kernels, to which C is rounded up; 256 threads
// and 51, 66, 80, 95, 125 KB of shared memory.
// Threads a multiprocessor, at least: 512, *_64_* 256, *_96_* 256.
#include "experts_fused.cuh"

using gemm::Precision;

constexpr int threads = 256, warps = threads / 32;
constexpr int frame_w = tile_w + 2, frame_h = tile_h + 2, frame = frame_w * frame_h;
static_assert(tile_h == warps, "a warp sums a row of the tile");

// Lines are padded so that reads have no bank conflicts: 8 or 24 words past a multiple of
// 32 for B of a product, 4 for A, and 16 for a line of e, whose rows of 18 are 20 apart.
constexpr int columns = (frame + 7) / 8 * 8, row_e = 20, line_e = frame_h * row_e + 8;

template <int WIDTH>
struct Shared {
  float u[WIDTH][columns];  // 0 outside of the image, where e is 0 too, and past C
  float e[2 * chunk][line_e];
  float gated[chunk][tile + 8];
  float expand[2 * chunk][WIDTH + 4];  // a's channels, then b's; 0 past C and h
  float project[WIDTH][chunk + 4];     // 0 past C and h
  float depthwise[2 * chunk][9];
};
static_assert(sizeof(Shared<96>) == 4 * (96 * 236 + 9248), "fusedShared in experts_fused.go");

// ---- weights

// copy_project starts the copies of the columns of Project of 16 hidden channels from c on.
template <int WIDTH>
__device__ __forceinline__ void copy_project(Shared<WIDTH>& s, const float* project, int c, int C, int h) {
  pieces<threads, WIDTH, chunk, 4>([&](int line, int at) {
    copy4(&s.project[line][at], project + line * h + c + at, line < C ? h - c - at : 0, h % 4 == 0);
  });
}

// round4 rounds 4 numbers to TF32.
__device__ __forceinline__ void round4(float* p) {
  float4& v = *reinterpret_cast<float4*>(p);
  v = make_float4(rounded(v.x, true), rounded(v.y, true), rounded(v.z, true), rounded(v.w, true));
}

// wait_rounded waits for this thread's copies of Expand, and of Project if `project`. For
// TF32 it rounds what they wrote, so that products need not.
template <Precision P, int WIDTH>
__device__ __forceinline__ void wait_rounded(Shared<WIDTH>& s, bool project) {
  wait();
  if (P != gemm::tf32) return;
  pieces<threads, 2 * chunk, WIDTH, 8>([&](int line, int at) { round4(&s.expand[line][at]); });
  if (project) pieces<threads, WIDTH, chunk, 4>([&](int line, int at) { round4(&s.project[line][at]); });
}

// ---- LN: a thread computes a pixel of the frame

template <int WIDTH>
__device__ __forceinline__ void normalise(Shared<WIDTH>& s, const float* x, const float* weight, const float* bias, int C,
                                          int H, int W, int y0, int x0, bool tf32) {
  const int i = threadIdx.x;
  if (i >= columns) return;
  const int py = y0 - 1 + i / frame_w, px = x0 - 1 + i % frame_w;
  const bool inside = i < frame && py >= 0 && py < H && px >= 0 && px < W;
  const long long P = static_cast<long long>(H) * W;
  x += static_cast<long long>(py) * W + px;
  float mean = 0.f, var = 0.f;
#pragma unroll 8
  for (int c = 0; c < C; c++) {
    const float v = inside ? x[c * P] : 0.f;
    s.u[c][i] = v;
    mean += v;
  }
  mean /= C;
  for (int c = 0; c < C; c++) {
    const float d = s.u[c][i] - mean;
    var += d * d;
  }
  const float scale = 1.f / sqrtf(var / C + 1e-5f);
  for (int c = 0; c < C; c++)
    s.u[c][i] = inside ? rounded(weight[c] * ((s.u[c][i] - mean) * scale) + bias[c], tf32) : 0.f;
  for (int c = C; c < WIDTH; c++) s.u[c][i] = 0.f;
}

// ---- products: a warp adds A [16·R,K] B [K,8·N] to c, as R×N products of 16×8. A thread
// has the rows g and g + 8 and the columns 2t and 2t + 1 of each; g is lane / 4, t lane % 4.

template <int R, int N>
__device__ __forceinline__ void add_tf32(float (&c)[R][N][4], const float (&u)[R][4], const float (&v)[N][2]) {
#pragma unroll
  for (int i = 0; i < R; i++) {
    unsigned a[4];
#pragma unroll
    for (int r = 0; r < 4; r++) a[r] = __float_as_uint(u[i][r]);
#pragma unroll
    for (int j = 0; j < N; j++) {
      const unsigned b[2] = {__float_as_uint(v[j][0]), __float_as_uint(v[j][1])};
      mma_tf32(c[i][j], a, b);
    }
  }
}

template <int R, int N>
__device__ __forceinline__ void add_bf16(float (&c)[R][N][4], const float (&u)[2][R][4], const float (&v)[2][N][2]) {
#pragma unroll
  for (int i = 0; i < R; i++) {
    unsigned a[4];
#pragma unroll
    for (int r = 0; r < 4; r++) a[r] = pack_bf16(u[r / 2][i][r % 2], u[r / 2][i][2 + r % 2]);
#pragma unroll
    for (int j = 0; j < N; j++) {
      const unsigned b[2] = {pack_bf16(v[0][j][0], v[0][j][1]), pack_bf16(v[1][j][0], v[1][j][1])};
      mma_bf16(c[i][j], a, b);
    }
  }
}

// multiply reads A's rows, stride_a apart, and B's columns at n[j] of lines that are
// stride_b apart. Both are in shared memory, and rounded if the precision is TF32.
template <Precision P, int K, int R, int N>
__device__ __forceinline__ void multiply(float (&c)[R][N][4], const float* a, int stride_a, const float* b, int stride_b,
                                         const int (&n)[N]) {
  const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  if constexpr (P == gemm::float32) {
    for (int k = 0; k < K; k += 4) {
      float u[R][2][4];
#pragma unroll
      for (int i = 0; i < 2 * R; i++) load4(u[i / 2][i % 2], a + (8 * i + g) * stride_a, k, K);
#pragma unroll
      for (int e = 0; e < 4; e++)
#pragma unroll
        for (int j = 0; j < N; j++) {
          const float2 v = *reinterpret_cast<const float2*>(b + (k + e) * stride_b + n[j] + 2 * t);
#pragma unroll
          for (int i = 0; i < R; i++) {
            c[i][j][0] += u[i][0][e] * v.x, c[i][j][1] += u[i][0][e] * v.y;
            c[i][j][2] += u[i][1][e] * v.x, c[i][j][3] += u[i][1][e] * v.y;
          }
        }
    }
    return;
  }
  a += lane % 16 * stride_a + lane / 16 * 4;
  b += t * stride_b + g;
#pragma unroll
  for (int k = 0; k < K; k += 16) {
    float u[2][R][4], v[2][N][2];  // of two steps of 8 along K: k's t and t + 4
#pragma unroll
    for (int e = 0; e < 2; e++) {
#pragma unroll
      for (int i = 0; i < R; i++) load_matrices(u[e][i], a + 16 * i * stride_a + k + 8 * e);
#pragma unroll
      for (int j = 0; j < N; j++)
#pragma unroll
        for (int r = 0; r < 2; r++) v[e][j][r] = b[(k + 8 * e + 4 * r) * stride_b + n[j]];
      if constexpr (P == gemm::tf32) add_tf32(c, u[e], v[e]);
    }
    if constexpr (P == gemm::bf16) add_bf16(c, u, v);
  }
}

// expand computes e = Expand·u.
template <Precision P, int WIDTH>
__device__ __forceinline__ void expand_chunk(Shared<WIDTH>& s) {
  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  constexpr int N = (columns + 8 * warps - 1) / (8 * warps);
  float c[2][N][4] = {};
  int n[N];
#pragma unroll
  for (int j = 0; j < N; j++) n[j] = min(8 * (warp + warps * j), columns - 8);  // the last is computed twice
  multiply<P, WIDTH>(c, s.expand[0], WIDTH + 4, s.u[0], columns, n);
#pragma unroll
  for (int j = 0; j < N; j++) {
    const int pixel = 8 * (warp + warps * j) + 2 * t, at = pixel / frame_w * row_e + pixel % frame_w;
    if (pixel >= frame) continue;
#pragma unroll
    for (int i = 0; i < 4; i++)
      *reinterpret_cast<float2*>(&s.e[8 * i + g][at]) = make_float2(c[i / 2][j][i % 2 * 2], c[i / 2][j][i % 2 * 2 + 1]);
  }
}

// ---- the gate

// filter computes the 3×3 correlation at 2 rows of 4 pixels.
__device__ __forceinline__ void filter(float (&out)[2][4], const float* e, const float* w9) {
  float w[9];
#pragma unroll
  for (int i = 0; i < 9; i++) w[i] = w9[i];
#pragma unroll
  for (int i = 0; i < 8; i++) out[i / 4][i % 4] = 0.f;
#pragma unroll
  for (int r = 0; r < 4; r++) {
    const float4 p = *reinterpret_cast<const float4*>(e + r * row_e);
    const float2 q = *reinterpret_cast<const float2*>(e + r * row_e + 4);
    const float v[6] = {p.x, p.y, p.z, p.w, q.x, q.y};
#pragma unroll
    for (int o = max(r - 2, 0); o <= min(r, 1); o++)
#pragma unroll
      for (int k = 0; k < 4; k++)
#pragma unroll
        for (int j = 0; j < 3; j++) out[o][k] += w[3 * (r - o) + j] * v[k + j];
  }
}

// gate_chunk computes gated.
template <int WIDTH>
__device__ __forceinline__ void gate_chunk(Shared<WIDTH>& s, float scale, bool tf32) {
  const int x = threadIdx.x % 4 * 4, c = threadIdx.x / 4 % chunk, y = threadIdx.x / (4 * chunk) * 2;
  static_assert(threads == tile / 8 * chunk, "a thread has 8 pixels of a channel");
  float a[2][4], b[2][4];
  filter(a, &s.e[c][y * row_e + x], s.depthwise[c]);
  filter(b, &s.e[chunk + c][y * row_e + x], s.depthwise[chunk + c]);
#pragma unroll
  for (int r = 0; r < 2; r++) {
    float v[4];
#pragma unroll
    for (int k = 0; k < 4; k++) v[k] = rounded(scale * (a[r][k] * normal_cdf(a[r][k]) * b[r][k]), tf32);
    *reinterpret_cast<float4*>(&s.gated[c][(y + r) * tile_w + x]) = make_float4(v[0], v[1], v[2], v[3]);
  }
}

// ---- the whole

// from returns the first expert from e on that the sample runs, or E.
__device__ __forceinline__ int from(int e, int E, const float* route) {
  while (e < E && route && route[e] == 0.f) e++;
  return e;
}

// add_residual writes y = x + sum, of a warp's row of the tile.
template <int R>
__device__ __forceinline__ void add_residual(float* y, const float* x, const float (&sum)[R][2][4], int C, int H, int W, int py,
                                             int x0) {
  const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  if (py >= H) return;
#pragma unroll
  for (int i = 0; i < 2 * R; i++)
#pragma unroll
    for (int j = 0; j < 2; j++) {
      const int c = 8 * i + g, px = x0 + 8 * j + 2 * t;
      const long long at = (static_cast<long long>(c) * H + py) * W + px;
      const float v[2] = {sum[i / 2][j][i % 2 * 2], sum[i / 2][j][i % 2 * 2 + 1]};
      if (c >= C || px >= W) continue;
      if (W % 2 == 0) {
        const float2 r = *reinterpret_cast<const float2*>(x + at);
        *reinterpret_cast<float2*>(y + at) = make_float2(r.x + v[0], r.y + v[1]);
        continue;
      }
      y[at] = x[at] + v[0];
      if (px + 1 < W) y[at + 1] = x[at + 1] + v[1];
    }
}

template <Precision P, int WIDTH>
__device__ __forceinline__ void ffn(float* y, const float* x, const float* weight, const float* bias,
                                    const float* const* expand, const float* const* depthwise, const float* const* project,
                                    const float* route, int E, int C, int h, int H, int W) {
  DYN_SHARED(Shared<WIDTH>, shared);
  Shared<WIDTH>& s = *shared;
  const int across = (W + tile_w - 1) / tile_w;
  const int x0 = blockIdx.x % across * tile_w, y0 = blockIdx.x / across * tile_h;
  const long long sample = static_cast<long long>(blockIdx.y) * C * H * W;
  const int warp = threadIdx.x / 32, n[2] = {warp * tile_w, warp * tile_w + 8};
  if (route) route += blockIdx.y * E;
  float sum[WIDTH / 16][2][4] = {};
  int e = from(0, E, route), c = 0;
  if (e < E) {
    copy_expand<threads>(s.expand, expand[e], 0, C, h);
    normalise(s, x + sample, weight, bias, C, H, W, y0, x0, P == gemm::tf32);
    wait_rounded<P>(s, false);
    __syncthreads();  // u and Expand's rows are complete
  }
  while (e < E) {
    copy_depthwise<threads>(s.depthwise, depthwise[e], c, h);
    expand_chunk<P>(s);
    wait();
    __syncthreads();  // e and Depthwise are complete; the last products are over
    copy_project(s, project[e], c, C, h);
    const float scale = route ? route[e] : 1.f;
    c += chunk;
    if (c >= h) c = 0, e = from(e + 1, E, route);
    if (e < E) copy_expand<threads>(s.expand, expand[e], c, C, h);
    gate_chunk(s, scale, P == gemm::tf32);
    wait_rounded<P>(s, true);
    __syncthreads();  // gated and the weights are complete; e is read
    multiply<P, chunk>(sum, s.project[0], chunk + 4, s.gated[0], tile + 8, n);
  }
  add_residual(y + sample, x + sample, sum, C, H, W, y0 + warp, x0);
}

#define FUSED(WIDTH, BLOCKS, P_)                                                                                      \
  extern "C" __global__ void __launch_bounds__(threads, BLOCKS)                                                       \
      experts_fused_fwd_##WIDTH##_##P_(float* __restrict__ y, const float* __restrict__ x,                            \
                                       const float* __restrict__ weight, const float* __restrict__ bias,              \
                                       const float* const* __restrict__ expand,                                       \
                                       const float* const* __restrict__ depthwise,                                    \
                                       const float* const* __restrict__ project, const float* __restrict__ route,     \
                                       int E, int C, int h, int H, int W) {                                           \
    ffn<gemm::P_, WIDTH>(y, x, weight, bias, expand, depthwise, project, route, E, C, h, H, W);                       \
  }
#define FUSED_WIDTHS(P_) FUSED(16, 2, P_) FUSED(32, 2, P_) FUSED(48, 2, P_) FUSED(64, 1, P_) FUSED(96, 1, P_)
FUSED_WIDTHS(float32)
FUSED_WIDTHS(tf32)
FUSED_WIDTHS(bf16)
