// The gradient of the weights of the 3×3 convolution (conv3x3.cu), an implicit matrix
// product over pixels:
//   dw_ocuv += Σ_bij dy_boij x_bc,i+u−1,j+v−1       x [B,C,H,W], dw [O,C,3,3], dy as stored
//
// A block of 128 threads computes 64 output and 16 input channels with their 9 taps, in
// steps of one patch of 8×8 pixels: 64·64 numbers of dy, and 16·10·10 of x with its
// border, whose rows the taps read shifted. There are two tiles, as in conv3x3.cu.
// Grid: ⌈O/64⌉, ⌈C/16⌉, parts of the patches; the parts are added by conv1x1_sum, in fixed
// order.
// 18·C·O operations and 4 (1.6·C·⌈O/64⌉ + O·⌈C/16⌉) bytes per pixel, most of them from
// L2: bound by tensor cores if O is a multiple of 64, at float32 by arithmetic.
// Shared memory 47 KB a block.
// Threads a multiprocessor, at least: 384.
#include "conv3x3.cuh"

constexpr int channels = 16;  // input channels of a block

// Gradients is a tile of dy for dw: 64 channels of a patch.
struct Gradients {
  static constexpr int stride = side * side + 4;
  static constexpr int floats = M * stride;
};

// fill_gradients starts the copies of 64 channels, from o0 on, of a patch of dy. A thread
// copies 4 pixels of every 8th channel.
__device__ __forceinline__ void fill_gradients(float* tile, const float* dy, const Patch& at, int o0, int O, const Stored& s) {
  const int to = threadIdx.x % 16 * 4, i = at.i + to / side, j = at.j + to % side, n = i < s.H ? min(4, s.W - j) : 0;
  const float* from = dy + static_cast<size_t>(at.b) * O * s.H * s.W;
#pragma unroll 1
  for (int l = threadIdx.x / 16; l < M; l += threads / 16) {
    const int valid = o0 + l < O ? max(n, 0) : 0;
    const float* channel = valid ? from + s.channel(o0 + l) : from;
    float* line = tile + l * Gradients::stride + to;
    if (s.layout == plain && s.W % 4 == 0) {
      cp_async<16>(line, valid ? channel + s.pixel(i, j) : from, 4 * valid);
      continue;
    }
#pragma unroll
    for (int k = 0; k < 4; k++) cp_async<4>(line + k, k < valid ? channel + s.pixel(i, j + k) : from, k < valid ? 4 : 0);
  }
}

// fill_borders starts the copies of 16 channels, from c0 on, of a patch of x with its border.
__device__ __forceinline__ void fill_borders(float* tile, const float* x, const Patch& at, int c0, int C, int H, int W) {
  if (threadIdx.x >= border) return;
  const Stored s = {plain, H, W};
  const Border from(x, at, threadIdx.x, static_cast<size_t>(C) * H * W, s);
#pragma unroll 1
  for (int c = 0; c < channels; c++) {
    const bool any = from.inside && c0 + c < C;
    cp_async<4>(tile + c * border + threadIdx.x, from.from + (any ? s.channel(c0 + c) : 0), any ? 4 : 0);
  }
}

// Windows are B of the products: the numbers that 16 input channels have at each tap.
struct Windows {
  using Number = float;
  static constexpr int rows = 9 * channels;
  static constexpr bool k_contiguous = true, rounded = false, quads = false, grouped = false;
};

// Pixels multiplies the tiles of a step: a warp computes 32 output and 8 input channels.
template <Precision P>
struct Pixels : gemm::Product<P, gemm::Tile<M, true>, Windows> {
  // load reads a row of 8 pixels: a thread reads pixels t and t + 4.
  __device__ __forceinline__ void load(float (&a)[2][2][2], float (&b)[9][2], const float* sy, const float* sx, int row) const {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int e = 0; e < 2; e++) {
#pragma unroll
      for (int i = 0; i < 4; i++)
        a[i / 2][i % 2][e] = sy[(this->m + 8 * i + g) * Gradients::stride + row * side + t + 4 * e];
#pragma unroll
      for (int tap = 0; tap < 9; tap++)
        b[tap][e] = sx[(this->n / 9 + g) * border + (row + tap / 3) * halo + t + 4 * e + tap % 3];
    }
  }

  __device__ __forceinline__ void step(const float* sy, const float* sx) {
    float a[2][2][2][2], b[2][9][2];
    for (int row = 0; row < side; row += 2) {
      load(a[0], b[0], sy, sx, row);
      load(a[1], b[1], sy, sx, row + 1);
      if constexpr (P == gemm::tf32) this->multiply_tf32(a[0], b[0]), this->multiply_tf32(a[1], b[1]);
      else this->multiply_bf16(a, b);
    }
  }

  // each calls emit(o, c, v) for every pair of channels with its 9 taps.
  template <class Emit>
  __device__ __forceinline__ void each(Emit emit) const {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float v[9];
#pragma unroll
      for (int tap = 0; tap < 9; tap++) v[tap] = this->c[k / 4][tap][k % 4];
      emit(this->m + k / 2 * 8 + g, this->n / 9 + 2 * t + k % 2, v);
    }
  }
};

// In float32 a thread computes 8 output channels and one input channel.
template <>
struct Pixels<gemm::float32> {
  float c[8][9] = {};

  __device__ __forceinline__ void step(const float* sy, const float* sx) {
    const float* x = sx + threadIdx.x % 16 * border;
    const float* y = sy + threadIdx.x / 16 * Gradients::stride;
    for (int at = 0; at < side * side; at += 4) {
      float b[3][6];
#pragma unroll
      for (int u = 0; u < 3; u++)
#pragma unroll
        for (int p = 0; p < 6; p++) b[u][p] = x[(at / side + u) * halo + at % side + p];
#pragma unroll
      for (int k = 0; k < 8; k++) {
        const float4 f = *reinterpret_cast<const float4*>(y + 8 * k * Gradients::stride + at);
        const float a[4] = {f.x, f.y, f.z, f.w};
#pragma unroll
        for (int tap = 0; tap < 9; tap++)
#pragma unroll
          for (int p = 0; p < 4; p++) c[k][tap] += a[p] * b[tap / 3][tap % 3 + p];
      }
    }
  }

  template <class Emit>
  __device__ __forceinline__ void each(Emit emit) const {
#pragma unroll
    for (int k = 0; k < 8; k++) emit(threadIdx.x / 16 + 8 * k, int(threadIdx.x % 16), c[k]);
  }
};

// weights writes part z of dw, from `steps` patches: partial [parts,O,C,9].
template <Precision P>
__device__ __forceinline__ void weights(float* partial, const float* dy, const float* x, int B, int C, int O, int H, int W,
                                        int layout, int steps) {
  constexpr int stage = Gradients::floats + channels * border;
  DYN_SHARED(float, shared);
  const int o0 = blockIdx.x * M, c0 = blockIdx.y * channels, first = blockIdx.z * steps;
  const int all = B * ((H + side - 1) / side) * ((W + side - 1) / side), n = min(steps, all - first);
  const Stored s = {layout, H, W};
  const auto start = [&](int step) {
    float* tiles = shared + step % 2 * stage;
    if (step < n) {
      const Patch at(first + step, B, H, W);
      fill_gradients(tiles, dy, at, o0, O, s);
      fill_borders(tiles + Gradients::floats, x, at, c0, C, H, W);
    }
    cp_async_commit();
  };
  start(0);
  Pixels<P> pixels;
  for (int step = 0; step < n; step++) {
    cp_async_wait<0>();
    __syncthreads();
    start(step + 1);
    const float* tiles = shared + step % 2 * stage;
    pixels.step(tiles, tiles + Gradients::floats);
  }
  pixels.each([&](int o, int c, const float (&v)[9]) {
    if (o0 + o >= O || c0 + c >= C) return;
    float* to = partial + ((static_cast<size_t>(blockIdx.z) * O + o0 + o) * C + c0 + c) * 9;
#pragma unroll
    for (int tap = 0; tap < 9; tap++) to[tap] = v[tap];
  });
}

#define CONV3X3_DW(P)                                                                                                  \
  extern "C" __global__ void __launch_bounds__(threads, 3)                                                             \
      conv3x3_dw_##P(float* __restrict__ partial, const float* __restrict__ dy, const float* __restrict__ x, int B,    \
                     int C, int O, int H, int W, int layout, int steps) {                                              \
    weights<gemm::P>(partial, dy, x, B, C, O, H, W, layout, steps);                                                    \
  }
CONV3X3_DW(float32)
CONV3X3_DW(tf32)
CONV3X3_DW(bf16)
