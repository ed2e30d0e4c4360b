// The 3×3 convolution, zero-padded, and the gradient of its source, as implicit matrix
// products; conv3x3_dw.cu has the gradient of its weights.
//   y_boij = Σ_c Σ_uv w_ocuv x_bc,i+u−1,j+v−1            x [B,C,H,W], w [O,C,3,3]
//   dx_bcij += Σ_o Σ_uv w_ocuv dy_bo,i−u+1,j−v+1
// y and dy are stored as `layout` says: plain [B,O,H,W]; through the pixel-unshuffle
// [B,4O,H/2,W/2]; through the pixel-shuffle [B,O/4,2H,2W] (struct Stored).
//
// A block of 128 threads computes 64 output channels of two patches of 8×8 pixels, any
// two of the batch, in steps of 8 input channels. A step loads weights in the order they
// have in memory, 72 in a row for each output channel (dx: 576 for each input channel),
// and the patches of the images with their border, 2·10·10 numbers per channel. The nine
// taps read shifted numbers of the same tile: nothing is unfolded, and an image is read
// 1.6 times per 64 output channels, all but the first time from L2.
// There are two tiles: one is multiplied while the next is being copied (cp.async).
// Strides avoid bank conflicts in the reads of fragments; gemm.cuh has the fragments.
//
// Grid: fwd ⌈O/64⌉·⌈patches/2⌉, dx ⌈C/64⌉·⌈patches/2⌉, channels fastest.
// 18·C·O operations and 4 (C + O) bytes per pixel, C and O some tens to hundreds: bound
// by tensor cores, which are partly idle if sides are not multiples of 64 channels and 8
// pixels; at float32 by arithmetic.
// Shared memory 51 (fwd) and 49 KB (dx) a block.
// Threads a multiprocessor, at least: 384.
#include "conv3x3.cuh"

constexpr int channels = 8, patches = 2;  // of a step
constexpr int plane = patches * border;   // a channel's numbers in a tile
constexpr int image = channels * plane;

// Weights is a tile of w: lines of output channels forward, of input channels backward.
template <bool BACK>
struct Weights {
  static constexpr int lines = BACK ? channels : M;
  static constexpr int width = 9 * (BACK ? M : channels);
  static constexpr int stride = width + (BACK ? 8 : 4);
  static constexpr int floats = lines * stride;
};

// fill_image starts the copies of 8 of K channels, from c0 on, of the block's patches. A
// thread copies up to two numbers of each.
__device__ __forceinline__ void fill_image(float* tile, const Border (&b)[2], int c0, int K, const Stored& s) {
#pragma unroll 1
  for (int c = 0; c < channels; c++) {
    const bool any = c0 + c < K;
    const size_t offset = any ? s.channel(c0 + c) : 0;
    cp_async<4>(tile + c * plane + threadIdx.x, b[0].from + offset, b[0].inside && any ? 4 : 0);
    if (threadIdx.x < plane - threads)
      cp_async<4>(tile + c * plane + threads + threadIdx.x, b[1].from + offset, b[1].inside && any ? 4 : 0);
  }
}

// fill_weights starts the copies of the weights between 64 output channels from m0 and 8
// input channels from k0; w is [O,C,9]. A thread copies every 2nd (backward: 16th) group
// of 4 numbers of a line. Forward, line l holds the channel that gives each thread 4
// consecutive ones through the fragments' rows.
template <bool BACK>
__device__ __forceinline__ void fill_weights(float* tile, const float* w, int m0, int k0, int O, int C) {
  constexpr int sharing = BACK ? 16 : 2, each = 4 * sharing;
  const int line = threadIdx.x / sharing, at = threadIdx.x % sharing * 4;
  const int o = BACK ? k0 + line : m0 + line / 32 * 32 + line % 8 * 4 + line % 32 / 8, c = BACK ? m0 : k0;
  const int left = o < O ? 9 * (C - c) - at : 0;  // numbers left, from this thread's first
  const float* from = left > 0 ? w + 9 * (static_cast<size_t>(o) * C + c) + at : w;
  float* to = tile + line * Weights<BACK>::stride + at;
  if (C % 4 == 0) {
#pragma unroll
    for (int n = 0; n < Weights<BACK>::width; n += each) cp_async<16>(to + n, n < left ? from + n : w, 4 * max(0, min(4, left - n)));
    return;
  }
#pragma unroll 1
  for (int n = 0; n < Weights<BACK>::width; n += each)
#pragma unroll
    for (int k = n; k < n + 4; k++) cp_async<4>(to + k, k < left ? from + k : w, k < left ? 4 : 0);
}

// Taps multiplies the tiles of a step.
template <Precision P, bool BACK>
struct Taps : gemm::Product<P, gemm::Tile<gemm::M, true>, gemm::Tile<gemm::N, true>> {
  // load reads one tap's numbers of 8 input channels: a thread reads channels t and t + 4.
  __device__ __forceinline__ void load(float (&a)[2][2][2], float (&b)[8][2], const float* sw, const float* sx, int tap) const {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    const int corner = this->n / 64 * border + g / 4 * halo + g / 2 % 2 * 4 + g % 2 + tap / 3 * halo + tap % 3;
#pragma unroll
    for (int e = 0; e < 2; e++) {
      const int k = t + 4 * e;
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int line = this->m + 8 * i + g;
        a[i / 2][i % 2][e] = BACK ? sw[k * Weights<BACK>::stride + 9 * line + 8 - tap] : sw[line * Weights<BACK>::stride + 9 * k + tap];
      }
#pragma unroll
      for (int j = 0; j < 8; j++) b[j][e] = sx[k * plane + corner + j / 2 * 2 * halo + j % 2 * 2];
    }
  }

  __device__ __forceinline__ void step(const float* sw, const float* sx) {
    if constexpr (P == gemm::tf32) {
#pragma unroll
      for (int tap = 0; tap < 9; tap++) {
        float a[2][2][2], b[8][2];
        load(a, b, sw, sx, tap);
        this->multiply_tf32(a, b);
      }
    } else {
#pragma unroll
      for (int tap = 0; tap < 9; tap += 2) {  // a product takes 8 channels of two taps
        float a[2][2][2][2] = {}, b[2][8][2] = {};
        load(a[0], b[0], sw, sx, tap);
        if (tap < 8) load(a[1], b[1], sw, sx, tap + 1);
        this->multiply_bf16(a, b);
      }
    }
  }

  // each calls emit(row, patch, i, j, v) for every 4 rows of C, from `row` on and 1
  // (backward: 8) apart, at 4 pixels (i, j), ... of a patch.
  template <class Emit>
  __device__ __forceinline__ void each(Emit emit) const {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int q = 0; q < 4; q++) {
      float v[4][4];
#pragma unroll
      for (int k = 0; k < 4; k++)
#pragma unroll
        for (int p = 0; p < 4; p++) v[k][p] = this->c[k / 2][2 * q + p / 2][k % 2 * 2 + p % 2];
      emit(this->m + (BACK ? g : 4 * g), this->n / 64, 2 * q + t / 2, t % 2 * 4, v);
    }
  }
};

// In float32 a thread computes 8 rows of C for a row of 8 pixels.
template <bool BACK>
struct Taps<gemm::float32, BACK> {
  float c[8][8] = {};

  __device__ __forceinline__ void step(const float* sw, const float* sx) {
    const int y = threadIdx.x / 16, x = threadIdx.x % 16;
    const float* corner = sx + x / 8 * border + x % 8 * halo;
    for (int k = 0; k < channels; k++)
#pragma unroll
      for (int u = 0; u < 3; u++) {
        float line[halo];
#pragma unroll
        for (int p = 0; p < halo; p++) line[p] = corner[k * plane + u * halo + p];
#pragma unroll
        for (int v = 0; v < 3; v++)
#pragma unroll
          for (int i = 0; i < 8; i++) {
            const int l = y + 8 * i, tap = 3 * u + v;
            const float a = BACK ? sw[k * Weights<BACK>::stride + 9 * l + 8 - tap] : sw[l * Weights<BACK>::stride + 9 * k + tap];
#pragma unroll
            for (int p = 0; p < 8; p++) c[i][p] += a * line[p + v];
          }
      }
  }

  template <class Emit>
  __device__ __forceinline__ void each(Emit emit) const {
    const int y = threadIdx.x / 16, x = threadIdx.x % 16;
#pragma unroll
    for (int i = 0; i < 8; i += 4)
#pragma unroll
      for (int j = 0; j < 8; j += 4) {
        float v[4][4];
#pragma unroll
        for (int k = 0; k < 4; k++)
#pragma unroll
          for (int p = 0; p < 4; p++) v[k][p] = c[i + k][j + p];
        emit(8 * i + (BACK ? y : 4 * y), x / 8, x % 8, j, v);
      }
  }
};

// correlate computes the block's 64 rows from m0 at its patches, from `first` on, for x
// [B,K,H,W], and passes them to emit as each does, but with a sample and its pixels.
template <Precision P, bool BACK, class Emit>
__device__ __forceinline__ void correlate(const float* w, const float* x, const Stored& s, int m0, int K, int O, int C, int B,
                                          int first, Emit emit) {
  const Patch at[patches] = {{first, B, s.H, s.W}, {first + 1, B, s.H, s.W}};
  constexpr int stage = Weights<BACK>::floats + image;
  DYN_SHARED(float, shared);
  const size_t sample = static_cast<size_t>(K) * s.H * s.W;
  const int second = threads + threadIdx.x;
  const Border from[2] = {threadIdx.x < border ? Border(x, at[0], threadIdx.x, sample, s)
                                               : Border(x, at[1], threadIdx.x - border, sample, s),
                          Border(x, at[1], min(second - border, border - 1), sample, s)};
  const auto start = [&](int step) {
    float* tiles = shared + step % 2 * stage;
    if (step * channels < K) {
      fill_weights<BACK>(tiles, w, m0, step * channels, O, C);
      fill_image(tiles + Weights<BACK>::floats, from, step * channels, K, s);
    }
    cp_async_commit();
  };
  start(0);
  Taps<P, BACK> taps;
  for (int step = 0; step * channels < K; step++) {
    cp_async_wait<0>();
    __syncthreads();  // this step's data is complete, and all threads are done with the previous step
    start(step + 1);
    const float* tiles = shared + step % 2 * stage;
    taps.step(tiles, tiles + Weights<BACK>::floats);
  }
  taps.each([&](int row, int patch, int i, int j, const float (&v)[4][4]) {
    emit(row, patch ? at[1].b : at[0].b, i + (patch ? at[1].i : at[0].i), j + (patch ? at[1].j : at[0].j), v);
  });
}

// put writes 4 channels from o on, at 4 pixels of a row, to sample b of y.
__device__ __forceinline__ void put(float* y, int o, int O, int i, int j, const float (&v)[4][4], const Stored& s) {
  if (s.layout == shuffle) {  // 2 rows of 8 numbers; O is a multiple of 4
    if (o >= O) return;
#pragma unroll
    for (int r = 0; r < 2; r++)
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const float f[4] = {v[2 * r][2 * h], v[2 * r + 1][2 * h], v[2 * r][2 * h + 1], v[2 * r + 1][2 * h + 1]};
        store4(y + s.channel(o) + static_cast<size_t>(2 * i + r) * 2 * s.W, f, 2 * j + 4 * h, 2 * s.W, s.W % 2 == 0);
      }
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; k++) {
    if (o + k >= O) return;
    float* row = y + s.channel(o + k);
    if (s.layout == plain) {
      store4(row + static_cast<size_t>(i) * s.W, v[k], j, s.W, s.W % 4 == 0);
      continue;
    }
#pragma unroll
    for (int p = 0; p < 4; p++)
      if (j + p < s.W) row[s.pixel(i, j + p)] = v[k][p];
  }
}

template <Precision P>
__device__ __forceinline__ void forward(float* y, const float* w, const float* x, int B, int C, int O, int H, int W, int layout) {
  const int across = (O + M - 1) / M, m0 = blockIdx.x % across * M, first = blockIdx.x / across * patches;
  const Stored s = {layout, H, W};
  correlate<P, false>(w, x, {plain, H, W}, m0, C, O, C, B, first, [&](int o, int b, int i, int j, const float (&v)[4][4]) {
    if (i < H && j < W) put(y + static_cast<size_t>(b) * O * H * W, m0 + o, O, i, j, v, s);
  });
}

template <Precision P>
__device__ __forceinline__ void backward(float* dx, const float* w, const float* dy, int B, int C, int O, int H, int W, int layout,
                                         bool add) {
  const int across = (C + M - 1) / M, m0 = blockIdx.x % across * M, first = blockIdx.x / across * patches;
  correlate<P, true>(w, dy, {layout, H, W}, m0, O, O, C, B, first, [&](int c, int b, int i, int j, const float (&v)[4][4]) {
#pragma unroll
    for (int k = 0; k < 4; k++) {
      if (i >= H || m0 + c + 8 * k >= C) continue;
      float* row = dx + ((static_cast<size_t>(b) * C + m0 + c + 8 * k) * H + i) * W;
      put4(row, v[k], j, W, W % 4 == 0, add);
    }
  });
}

#define CONV3X3(P)                                                                                                     \
  extern "C" __global__ void __launch_bounds__(threads, 3)                                                             \
      conv3x3_fwd_##P(float* __restrict__ y, const float* __restrict__ w, const float* __restrict__ x, int B, int C,   \
                      int O, int H, int W, int layout) {                                                               \
    forward<gemm::P>(y, w, x, B, C, O, H, W, layout);                                                                  \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(threads, 3)                                                             \
      conv3x3_dx_##P(float* __restrict__ dx, const float* __restrict__ w, const float* __restrict__ dy, int B, int C,  \
                     int O, int H, int W, int layout, int add) {                                                       \
    backward<gemm::P>(dx, w, dy, B, C, O, H, W, layout, add);                                                          \
  }
CONV3X3(float32)
CONV3X3(tf32)
CONV3X3(bf16)
