// The first half of the gradient of thin gated feed-forward networks, at bf16: what
// experts_expand_fwd, experts_project_dx and gate_grad compute, in one kernel. For a job, an
// expert that a sample runs,
//   e = Expand·u,  q = Projectᵀ·dy,  (a, b) = depthwise3×3(e)
//   gated = route · GELU(a) b
//   d = (da, db) = route · (q b GELU'(a), q GELU(a)),  de = depthwise3×3ᵀ(d)
// and of each hidden channel the sums for the gradients of its filters and of the route,
// Σ_p d(a,b)_p e_p+t and Σ_p q GELU(a) b. The products with gated and de are left to experts.cu.
// u [B,C,P], de [B,S,2h,P] and gated [B,S,h,P] of a round are Bf16, dy [B,C,P] is not; tables
// hold the addresses of each expert's weights. P is H·W; past it rows of de and gated are 0.
//
// e and q stay in shared memory, where the kernels for each product write and read 12 bytes
// per hidden channel and pixel; 6 are left, those of de and gated. That is for C ≤ 96: a
// tile's u and dy must fit besides. They do as Bf16; as floats those of 96 channels would not.
//
// Block (x, y) computes a tile of 16×8 pixels of job y with all of their channels: u and e
// with a frame of two pixels, 20×12, dy and q with one, 18×10. For 16 hidden channels at a
// time, two barriers a time:
//   e [32,240]   = Expand·u       warp w < 15: 16 columns
//   q [16,180]   = Projectᵀ·dy    warp w ≥ 4: 16 columns
//   gated and d  at q's pixels    warp w: hidden channel w; d replaces q
//   de and sums  at the tile's    the same warp; a lane has 4 pixels
// Expand's and Project's next weights are copied while the gate works.
//
// Per hidden channel and pixel 6 bytes are written, and some 370 instructions executed,
// counted in the machine code for an A100, a tenth of them for the products: bound by these.
// 512 threads and 66, 83, 100, 117, 151 KB of shared memory for widths of 16, 32, 48, 64 and
// 96, to which C is rounded up.
// Threads a multiprocessor, at least: 512, experts_fused_sum 2048.
#include "experts_fused.cuh"

constexpr int threads = 512, warps = threads / 32;
static_assert(warps == chunk, "a warp has a hidden channel");
constexpr unsigned whole = 0xffffffffu;  // a warp

// Rows of e and d have 20 numbers, so that the pixel (x, y) of d is in the middle of three
// lines of e that start at the same number; d's last two are not used. Lines end with what
// keeps reads of matrices from bank conflicts: they are an odd multiple of 16 bytes long.
constexpr int row = tile_w + 4, frame_e = row * (tile_h + 4), frame_d = row * (tile_h + 2);
constexpr int width_q = tile_w + 2, frame_q = width_q * (tile_h + 2);
constexpr int line_e = frame_e + 8, line_d = frame_d;
constexpr int sums = 19, sums_up = 20;  // of a channel, as in experts_gate.cu; and a 0

template <int WIDTH>
struct Shared {
  Bf16 u[WIDTH][line_e];   // 0 outside of the image, where e and q are 0 too, and past C
  Bf16 dy[WIDTH][line_d];
  Bf16 e[2 * chunk][line_e];
  Bf16 gated[chunk][line_d];
  float d[2 * chunk][line_d];  // q in the first half, at first
  float expand[2 * chunk][WIDTH + 4];  // a's channels, then b's; 0 past C and h
  float project[chunk][WIDTH + 4];     // Projectᵀ
  float depthwise[2 * chunk][9];
};
static_assert(sizeof(Shared<96>) == 1088 * 96 + 49792, "fusedGradShared in experts_fused.go");

// ---- copies

// copy_project starts the copies of the rows of Projectᵀ of 16 hidden channels from c on.
template <int WIDTH>
__device__ __forceinline__ void copy_project(Shared<WIDTH>& s, const float* project, int c, int C, int h) {
  const int k = threadIdx.x % chunk;
#pragma unroll
  for (int i = 0; i < WIDTH; i += threads / chunk)
    if (const int m = i + threadIdx.x / chunk; m < WIDTH)
      cp_async_or_zero<4>(&s.project[k][m], project + m * h + c + k, m < C && c + k < h);
}

// load_frame reads an image's tile at y0, x0 with a frame of FRAME pixels, as lines of
// consecutive pixels: half of the threads have a pixel each of every other channel.
template <int FRAME, int WIDTH, int LINE, class T>
__device__ __forceinline__ void load_frame(Bf16 (&to)[WIDTH][LINE], const T* image, int C, int H, int W, int y0, int x0) {
  constexpr int width = tile_w + 2 * FRAME, n = width * (tile_h + 2 * FRAME);
  static_assert(LINE <= threads / 2, "a thread has a pixel");
  const int i = threadIdx.x % (threads / 2), y = y0 - FRAME + i / width, x = x0 - FRAME + i % width;
  const bool inside = i < n && y >= 0 && y < H && x >= 0 && x < W;
  const long long P = pitch<T>(H * W);
  image += static_cast<long long>(y) * W + x;
  if (i >= LINE) return;
#pragma unroll 8
  for (int c = threadIdx.x / (threads / 2); c < WIDTH; c += 2)
    to[c][i].bits = static_cast<unsigned short>(pack_bf16(inside && c < C ? number(image[c * P]) : 0.f, 0.f));
}

// ---- products

// multiply adds A [16·R,WIDTH] B [WIDTH,16] to c: two products of 16×8 for each 16 rows. A's
// rows are floats, B's lines Bf16. Of each 8 along K a thread has A's t and t + 4.
template <int WIDTH, int R, int LINE>
__device__ __forceinline__ void multiply(float (&c)[R][2][4], const float (&a)[16 * R][WIDTH + 4], const Bf16 (&b)[WIDTH][LINE],
                                         int n) {
  const int lane = threadIdx.x % 32, k0 = lane / 8 % 2 * 8 + lane % 8 / 2 + lane % 2 * 4;
#pragma unroll
  for (int k = 0; k < WIDTH; k += 16) {
    unsigned v[4];
    load_transposed(v, &b[k + k0][n + lane / 16 * 8]);
    const unsigned left[2] = {v[0], v[1]}, right[2] = {v[2], v[3]};
#pragma unroll
    for (int i = 0; i < R; i++) {
      float w[2][4];
      unsigned u[4];
      load_matrices(w[0], &a[16 * i + lane % 16][k + lane / 16 * 4]);
      load_matrices(w[1], &a[16 * i + lane % 16][k + lane / 16 * 4 + 8]);
#pragma unroll
      for (int r = 0; r < 4; r++) u[r] = pack_bf16(w[r / 2][r % 2], w[r / 2][2 + r % 2]);
      mma_bf16(c[i][0], u, left);
      mma_bf16(c[i][1], u, right);
    }
  }
}

// products computes e and q.
template <int WIDTH>
__device__ __forceinline__ void products(Shared<WIDTH>& s) {
  constexpr int of_e = frame_e / 16, of_q = (frame_q + 15) / 16;
  static_assert(frame_e % 16 == 0 && of_e <= warps && of_q <= warps && 16 * of_q <= line_d, "a warp has 16 columns");
  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  if (warp < of_e) {
    float c[2][2][4] = {};
    multiply(c, s.expand, s.u, 16 * warp);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const float(&v)[4] = c[i / 4][i % 2];
      const int r = 8 * (i / 2) + g, h = i / 2 % 2 * 2;
      Bf16* to = &s.e[r][16 * warp + i % 2 * 8 + 2 * t];
      *reinterpret_cast<unsigned*>(to) = pack_bf16(v[h], v[h + 1]);
    }
  }
  if (warp < warps - of_q) return;
  const int n = 16 * (warp - (warps - of_q));
  float c[1][2][4] = {};
  multiply(c, s.project, s.dy, n);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int pixel = n + i % 2 * 8 + 2 * t, h = i / 2 * 2;
    if (pixel < frame_q)
      *reinterpret_cast<float2*>(&s.d[8 * (i / 2) + g][pixel / width_q * row + pixel % width_q]) =
          make_float2(c[0][i % 2][h], c[0][i % 2][h + 1]);
  }
}

// ---- the gate

// filter is the 3×3 correlation at 4 pixels, the first of which has its upper left neighbour at e.
__device__ __forceinline__ void filter(float (&out)[4], const float (&w)[9], const Bf16* e) {
#pragma unroll
  for (int k = 0; k < 4; k++) out[k] = 0.f;
#pragma unroll
  for (int i = 0; i < 3; i++) {
    float v[4];
    load4(v, e + i * row, 0, 4);
    const unsigned last = *reinterpret_cast<const unsigned*>(e + i * row + 4);
    const float all[6] = {v[0], v[1], v[2], v[3], __uint_as_float(last << 16), __uint_as_float(last & 0xffff0000u)};
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
      for (int j = 0; j < 3; j++) out[k] += w[3 * i + j] * all[k + j];
  }
}

// gate computes gated and d of a channel in place of q, and returns the lane's part of droute.
template <int WIDTH>
__device__ __forceinline__ float gate(Shared<WIDTH>& s, int c, const float (&wa)[9], const float (&wb)[9], float scale) {
  float droute = 0.f;
#pragma unroll 1
  for (int at = threadIdx.x % 32 * 4; at < frame_d; at += 4 * 32) {
    const int y = at / row, x = at % row;
    float a[4], b[4], out[4];
    filter(a, wa, &s.e[c][at]);
    filter(b, wb, &s.e[chunk + c][at]);
    float4& da = *reinterpret_cast<float4*>(&s.d[c][at]);
    const float q[4] = {da.x, da.y, da.z, da.w};
#pragma unroll
    for (int k = 0; k < 4; k++) {
      const float cdf = normal_cdf(a[k]), gelu = a[k] * cdf;
      if (y > 0 && y <= tile_h && x + k > 0 && x + k <= tile_w) droute += q[k] * gelu * b[k];
      out[k] = scale * gelu * b[k];
      a[k] = scale * q[k] * b[k] * (cdf + a[k] * .39894228f * expf(-.5f * a[k] * a[k]));
      b[k] = scale * q[k] * gelu;
    }
    da = make_float4(a[0], a[1], a[2], a[3]);
    *reinterpret_cast<float4*>(&s.d[chunk + c][at]) = make_float4(b[0], b[1], b[2], b[3]);
    store4(s.gated[c], out, at, line_d);
  }
  return droute;
}

// filter_grad computes de at 4 pixels of the tile and adds to the sums of the taps; d and e are
// at their upper left neighbour and at that one's.
__device__ __forceinline__ void filter_grad(float (&out)[4], float* sum, const float (&w)[9], const float* d, const Bf16* e) {
  float middle[4];
#pragma unroll
  for (int k = 0; k < 4; k++) out[k] = 0.f;
#pragma unroll
  for (int i = 0; i < 3; i++) {
    const float4 p = *reinterpret_cast<const float4*>(d + i * row);
    const float2 q = *reinterpret_cast<const float2*>(d + i * row + 4);
    const float v[6] = {p.x, p.y, p.z, p.w, q.x, q.y};
#pragma unroll
    for (int k = 0; k < 4; k++) {
      if (i == 1) middle[k] = v[k + 1];
#pragma unroll
      for (int j = 0; j < 3; j++) out[k] += w[8 - 3 * i - j] * v[k + j];
    }
  }
#pragma unroll
  for (int i = 0; i < 3; i++) {
    float v[4], u[4];
    load4(v, e + (i + 1) * row, 0, 4);
    load4(u, e + (i + 1) * row, 4, 8);
    const float all[6] = {v[1], v[2], v[3], u[0], u[1], u[2]};
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
      for (int j = 0; j < 3; j++) sum[3 * i + j] += middle[k] * all[k + j];
  }
}

// warp_sums adds 20 numbers over a warp. Lane 8·i + j < 8·i + 5 returns the sum of number
// 5·i + j. The order of the additions is fixed.
__device__ __forceinline__ float warp_sums(const float (&v)[sums_up]) {
  const int lane = threadIdx.x % 32;
  const bool upper = lane / 16, odd = lane / 8 % 2;
  float half[10], quarter[5], sum = 0.f;
#pragma unroll
  for (int i = 0; i < 10; i++) half[i] = (upper ? v[10 + i] : v[i]) + __shfl_xor_sync(whole, upper ? v[i] : v[10 + i], 16);
#pragma unroll
  for (int i = 0; i < 5; i++) {
    quarter[i] = (odd ? half[5 + i] : half[i]) + __shfl_xor_sync(whole, odd ? half[i] : half[5 + i], 8);
#pragma unroll
    for (int o = 4; o; o >>= 1) quarter[i] += __shfl_xor_sync(whole, quarter[i], o);
    if (lane % 8 == i) sum = quarter[i];
  }
  return sum;
}

// gate_grad writes gated and de of a warp's channel: the pixels of the tile in their planes,
// and the sums. de_b is as far from de as the planes of h channels take.
template <int WIDTH>
__device__ __forceinline__ void gate_grad(Shared<WIDTH>& s, Bf16* de, long long de_b, Bf16* gated, float* partial, float scale,
                                          int y0, int x0, int H, int W) {
  const int c = threadIdx.x / 32, lane = threadIdx.x % 32;
  float w[2][9], sum[sums_up] = {}, out[4];
#pragma unroll
  for (int i = 0; i < 18; i++) w[i / 9][i % 9] = s.depthwise[i / 9 * chunk + c][i % 9];
  sum[sums - 1] = gate(s, c, w[0], w[1], scale);
  __syncwarp();
  const int y = lane / (tile_w / 4), x = lane % (tile_w / 4) * 4, at = y * row + x;
  const long long line = static_cast<long long>(y0 + y) * W;
  const int n = y0 + y < H ? W : 0;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    filter_grad(out, sum + 9 * half, w[half], &s.d[half * chunk + c][at], &s.e[half * chunk + c][at]);
    store4(de + half * de_b + line, out, x0 + x, n, W % 4 == 0);
  }
#pragma unroll
  for (int k = 0; k < 4; k++) out[k] = number(s.gated[c][at + row + 1 + k]);
  store4(gated + line, out, x0 + x, n, W % 4 == 0);
  const float v = warp_sums(sum);
  if (const int i = lane / 8 * 5 + lane % 8; lane % 8 < 5 && i < sums) partial[i] = v;
}

// clear_end writes 0 past the n numbers of a row. All lanes of a warp call it.
__device__ __forceinline__ void clear_end(Bf16* row, int n) {
  if (const int i = n + threadIdx.x % 32; i < pitch<Bf16>(n)) row[i].bits = 0;
}

// ---- the whole

template <int WIDTH>
__device__ __forceinline__ void gradient(Bf16* de, Bf16* gated, float* partial, const Bf16* u, const float* dy,
                                         const float* const* expands, const float* const* depthwises,
                                         const float* const* projects, const int* expert, const float* route, int E, int S,
                                         int C, int h, int H, int W) {
  DYN_SHARED(Shared<WIDTH>, shared);
  Shared<WIDTH>& s = *shared;
  const int job = blockIdx.y, which = expert[job], sample = job / S, warp = threadIdx.x / 32;
  if (which < 0) return;
  const int across = (W + tile_w - 1) / tile_w, P = pitch<Bf16>(H * W);
  const int x0 = blockIdx.x % across * tile_w, y0 = blockIdx.x / across * tile_h;
  const float *expand = expands[which], *depthwise = depthwises[which], *project = projects[which];
  const float scale = route ? route[sample * E + which] : 1.f;
  gated += static_cast<long long>(job) * h * P;
  de += 2ll * job * h * P;
  partial += (static_cast<long long>(job) * gridDim.x + blockIdx.x) * h * sums;
  copy_expand<threads>(s.expand, expand, 0, C, h);
  copy_project(s, project, 0, C, h);
  load_frame<2>(s.u, u + static_cast<long long>(sample) * C * P, C, H, W, y0, x0);
  load_frame<1>(s.dy, dy + static_cast<long long>(sample) * C * H * W, C, H, W, y0, x0);
  // What is read besides, but not used: e past its last row, and d past the pixels of a row.
  for (int i = threadIdx.x; i < 2 * chunk * 8; i += threads) s.e[i / 8][frame_e + i % 8].bits = 0;
  for (int i = threadIdx.x; i < chunk * line_d; i += threads) s.d[i / line_d][i % line_d] = 0.f;
  wait();
  __syncthreads();  // the frames and the first weights are complete
  for (int c = 0; c < h; c += chunk) {
    copy_depthwise<threads>(s.depthwise, depthwise, c, h);
    products(s);
    wait();
    __syncthreads();  // e, q and Depthwise are complete; the weights of the products are read
    if (c + chunk < h) {
      copy_expand<threads>(s.expand, expand, c + chunk, C, h);
      copy_project(s, project, c + chunk, C, h);
    }
    if (const long long mine = c + warp; mine < h) {
      Bf16 *a = de + mine * P, *b = a + static_cast<long long>(h) * P, *g = gated + mine * P;
      gate_grad(s, a, b - a, g, partial + mine * sums, scale, y0, x0, H, W);
      if (blockIdx.x == 0) clear_end(a, H * W), clear_end(b, H * W), clear_end(g, H * W);
    }
    wait();
    __syncthreads();  // the weights are complete; e and d are read
  }
}

// partial [B,S,tiles,h,19] has the sums of every tile.
#define FUSED_GRAD(WIDTH)                                                                                                 \
  extern "C" __global__ void __launch_bounds__(threads, 1)                                                                \
      experts_fused_grad_##WIDTH##_bf16(Bf16* __restrict__ de, Bf16* __restrict__ gated, float* __restrict__ partial,     \
                                        const Bf16* __restrict__ u, const float* __restrict__ dy,                         \
                                        const float* const* __restrict__ expand,                                          \
                                        const float* const* __restrict__ depthwise,                                       \
                                        const float* const* __restrict__ project, const int* __restrict__ expert,         \
                                        const float* __restrict__ route, int E, int S, int C, int h, int H, int W) {      \
    gradient<WIDTH>(de, gated, partial, u, dy, expand, depthwise, project, expert, route, E, S, C, h, H, W);              \
  }
FUSED_GRAD(16)
FUSED_GRAD(32)
FUSED_GRAD(48)
FUSED_GRAD(64)
FUSED_GRAD(96)

// experts_fused_sum adds the sums of a job's tiles, n numbers each, in fixed order: total
// [B,S,n]. Block (x, y): 32 numbers of job y; warp w has every 8th tile. 4 bytes and 1
// operation per number of partial: bound by memory.
extern "C" __global__ void __launch_bounds__(256)
    experts_fused_sum(float* __restrict__ total, const float* __restrict__ partial, const int* __restrict__ expert, int tiles,
                      int n) {
  __shared__ float parts[8][32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, i = blockIdx.x * 32 + lane;
  const long long job = blockIdx.y;
  if (expert[job] < 0) return;
  float v = 0.f;
  if (i < n)
    for (int z = warp; z < tiles; z += 8) v += partial[(job * tiles + z) * n + i];
  parts[warp][lane] = v;
  __syncthreads();
  if (warp > 0 || i >= n) return;
#pragma unroll
  for (int w = 1; w < 8; w++) v += parts[w][lane];
  total[job * n + i] = v;
}
