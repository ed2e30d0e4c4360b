// The 1×1 convolution: for each sample b and each pixel p of P = H·W
//   y_bop = bias_o + res_bop + Σ_c w_oc x_bcp   w [O,C], x the concatenation of up to 4
//   dx_bcp (+)= Σ_o w_oc dy_bop
//   dw_oc  += Σ_bp dy_bop x_bcp
//   dbias_o += Σ_bp dy_bop
// bias and res may be absent. w may differ between samples (wavelet.go): ws is their
// stride, 0 if all use the same w. The first three are matrix products (gemm.cuh), each
// at the precision of its suffix:
//
//             A          B          grid (x, y, z)
//   fwd       w          x_b        ⌈O/64⌉·⌈P/128⌉, B      a row of C: pixels
//   norm      w          (x_b − mean) / √(var + 1e-5) of one x: its layer norm, whose mean and
//                        var a block computes first; norm.cu has folded weight and bias
//                        into w and bias
//   dx        wᵀ         dy_b       ⌈C/64⌉·⌈P/128⌉, B      one launch per source
//   dw        dy         xᵀ         ⌈O/64⌉, ⌈C/64⌉, parts of the B·P pixels; their
//                                   sums are added by conv1x1_sum, in fixed order
// C's rows are fastest in the grid, so that blocks with the same B run together and
// read it from L2.
//
// The x and dx of *_packed, and the y of conv1x1_norm_bf16, are Bf16; past the P numbers of a
// row, the x of conv1x1_dw_packed is 0.
//
// fwd: 4 (C + O) bytes and 2·C·O operations per pixel: bound by memory below some 400
// channels at tf32 on an A100, by tensor cores above. dx also reads dx, and norm x three
// times, twice of it from a cache.
// Shared memory 41, 42, 39 and, for 2 or at bf16 4 groups of 128 threads, 61 or 98 KB a block.
// Threads a multiprocessor, at least: 384, conv1x1_dw_* 512, conv1x1_dbias 1280,
// conv1x1_sum 2048.
#include "gemm.cuh"

using gemm::Precision;
using gemm::Tile;
using gemm::Walk;

// Sources is the concatenation along channels of up to 4 tensors [B,C_i,P] of X.
template <class X>
struct Sources {
  const X* x[4];
  int end[4];  // the first channel after each source
  int P;

  // end_of returns the end of the source that channel c belongs to.
  __device__ __forceinline__ int end_of(int c) const {
    return c < end[0] ? end[0] : c < end[1] ? end[1] : c < end[2] ? end[2] : end[3];
  }

  // at returns channel c of sample b.
  __device__ __forceinline__ const X* at(int b, int c) const {
    const int i = (c >= end[0]) + (c >= end[1]) + (c >= end[2]);
    const int start = i == 0 ? 0 : i == 1 ? end[0] : i == 2 ? end[1] : end[2];
    const int stop = i == 0 ? end[0] : i == 1 ? end[1] : i == 2 ? end[2] : end[3];
    const X* p = i == 0 ? x[0] : i == 1 ? x[1] : i == 2 ? x[2] : x[3];
    return p + (static_cast<size_t>(b) * (stop - start) + (c - start)) * pitch<X>(P);
  }
};

#define SOURCES_PARAMETERS(X)                                                                               \
  const X *__restrict__ x0, const X *__restrict__ x1, const X *__restrict__ x2, const X *__restrict__ x3,   \
      int end0, int end1, int end2, int end3
#define SOURCES(X)                                 \
  Sources<X> {                                     \
    {x0, x1, x2, x3}, {end0, end1, end2, end3}, P  \
  }

// Stats are the mean of each pixel of a block and 1/√(var + 1e-5), over the channels.
struct Stats {
  float mean[gemm::N], scale[gemm::N];

  // compute reads x [C,P] from p on.
  __device__ __forceinline__ void compute(const float* x, int p, int C, int P) {
    static_assert(gemm::N == gemm::threads, "a thread has a pixel");
    const int i = threadIdx.x;
    x += p + i < P ? p + i : 0;
    float sum = 0.f, squares = 0.f;
#pragma unroll 8
    for (int c = 0; c < C; c++) sum += x[static_cast<size_t>(c) * P];
    sum /= C;
#pragma unroll 8
    for (int c = 0; c < C; c++) {
      const float d = x[static_cast<size_t>(c) * P] - sum;
      squares += d * d;
    }
    mean[i] = sum;
    scale[i] = 1.f / sqrtf(squares / C + 1e-5f);
    __syncthreads();
  }
};

// Normalised applies layer norm to a pixel, without weight and bias, which are in w.
struct Normalised {
  float scale[8], shift[8];
  template <class Product>
  __device__ __forceinline__ Normalised(const Product& product, const Stats& stats) {
#pragma unroll
    for (int j = 0; j < 8; j++) {
      scale[j] = stats.scale[product.column(j)];
      shift[j] = -stats.mean[product.column(j)] * scale[j];
    }
  }
  __device__ __forceinline__ float operator()(float v, int j) const { return v * scale[j] + shift[j]; }
};

// Channels walks through channels 0, 1, ... of a sample of Sources, starting at pixel p0.
template <class T>
struct Channels {
  const Sources<typename T::Number>& x;
  int b, p0, C, k, begin, end;  // k: channel of the tile's first line; begin and end: of its source
  Walk<T> walk;

  __device__ __forceinline__ Channels(const Sources<typename T::Number>& x, int b, int p0, int C)
      : x(x), b(b), p0(p0), C(C), k(0), end(0) { enter(); }

  // enter moves to the source that begins where the current one ends.
  __device__ __forceinline__ void enter() {
    begin = end;
    end = x.end_of(begin);
    walk.start(x.at(b, begin), pitch<typename T::Number>(x.P), end - begin, x.P, k - begin, p0);
  }

  // fill starts the copies of a tile, source by source.
  __device__ __forceinline__ void fill(float* tile, bool wide) {
    for (;;) {
      const int first = begin - k - T::line(), last = end < C ? end - k - T::line() : gemm::K;
      walk.fill(tile, wide, [&](int n) { return n * T::apart >= first && n * T::apart < last; });
      if (end >= min(C, k + gemm::K)) break;
      enter();
    }
    walk.next();
    k += gemm::K;
  }
};

// Rows walks along the pixels of a sample of Sources, in its channels from c0 on.
template <class T>
struct Rows {
  const typename T::Number* from[T::each];
  int rows;  // remaining

  __device__ __forceinline__ void start(const Sources<typename T::Number>& x, int b, int c0, int C, int p0) {
    rows = C - c0 - T::line();
#pragma unroll
    for (int n = 0; n < T::each; n++) from[n] = x.at(b, c0 + T::line() + n * T::apart) + p0 + T::at();
  }

  // fill starts the copies of a tile and moves to the next. Each row has `along` numbers left.
  __device__ __forceinline__ void fill(float* tile, bool wide, int along) {
    gemm::copy<T>(tile, wide, along, [&](int n) { return from[n]; }, [&](int n) { return n * T::apart < rows; },
                  [](int) { return true; });
#pragma unroll
    for (int n = 0; n < T::each; n++) from[n] += gemm::K;
  }
};

// forward takes the arguments of Prepare (gemm::multiply) last.
template <Precision P_, class Prepare, class Y, class X, class... Args>
__device__ __forceinline__ void forward(Y* y, const float* w, const float* bias, const float* res, const Sources<X>& x, int O,
                                        int C, int P, const Args&... prepared) {
  using A = Tile<gemm::M, true>;
  using B = Tile<gemm::N, false, false, X>;
  const int across = (O + gemm::M - 1) / gemm::M, b = blockIdx.y;
  const int m0 = blockIdx.x % across * gemm::M, n0 = blockIdx.x / across * gemm::N;
  const bool wide = P % 4 == 0, wide_w = C % 4 == 0;
  Walk<A> rows;
  rows.start(w, C, O, C, m0, 0);
  Channels<B> channels(x, b, n0, C);
  gemm::multiply<P_, A, B, Prepare>(
      (C + gemm::K - 1) / gemm::K,
      [&](float* to_a, float* to_b) {
        rows.fill(to_a, wide_w);
        rows.next();
        channels.fill(to_b, wide);
      },
      [&](int m, int n, const float (&v)[4]) {
        const int o = m0 + m;
        if (o >= O) return;
        const size_t row = static_cast<size_t>(b) * O + o;
        const float add = bias ? bias[o] : 0.f;
        float sum[4] = {};
        if (res) load4(sum, res + row * P, n0 + n, P, wide);
#pragma unroll
        for (int k = 0; k < 4; k++) sum[k] += v[k] + add;
        store4(y + row * pitch<Y>(P), sum, n0 + n, P, wide);
      },
      prepared...);
}

// backward writes dx [B,M,P] or adds to it; its channels are c0 to c0 + M of w's C.
template <Precision P_, class DX>
__device__ __forceinline__ void backward(DX* dx, const float* w, const float* dy, int O, int C, int c0, int M, int P,
                                         bool add) {
  using A = Tile<gemm::M, false>;
  using B = Tile<gemm::N, false>;
  const int across = (M + gemm::M - 1) / gemm::M, b = blockIdx.y;
  const int m0 = blockIdx.x % across * gemm::M, n0 = blockIdx.x / across * gemm::N;
  const bool wide = P % 4 == 0, wide_w = C % 4 == 0 && c0 % 4 == 0 && M % 4 == 0;
  Walk<A> rows;
  Walk<B> pixels;
  rows.start(w + c0, C, O, M, 0, m0);
  pixels.start(dy + static_cast<size_t>(b) * O * P, P, O, P, 0, n0);
  gemm::multiply<P_, A, B>(
      (O + gemm::K - 1) / gemm::K,
      [&](float* to_a, float* to_b) {
        rows.fill(to_a, wide_w);
        pixels.fill(to_b, wide);
        rows.next(), pixels.next();
      },
      [&](int m, int n, const float (&v)[4]) {
        if (m0 + m >= M) return;
        DX* row = dx + (static_cast<size_t>(b) * M + m0 + m) * pitch<DX>(P);
        put4(row, v, n0 + n, P, wide, add);
      });
}

// weights writes part z of dw: partial [groups,parts,O,C]. The pixels of each sample are
// divided into steps of 16. A group is one sample or all; it has `of_group` steps, and
// each group of threads of its parts has `steps` of them.
template <Precision P_, class X>
__device__ __forceinline__ void weights(float* partial, const float* dy, const Sources<X>& x, int O, int C, int P, int steps,
                                        int of_group, int parts) {
  constexpr bool quads = P_ == gemm::bf16;
  constexpr int G = gemm::groups<P_>;
  using A = Tile<gemm::M, true, false, float, quads, true>;
  using B = Tile<gemm::M, true, false, X, quads, true>;
  const int m0 = blockIdx.x * gemm::M, n0 = blockIdx.y * gemm::M;
  const int per_sample = (P + gemm::K - 1) / gemm::K, from = (blockIdx.z % parts * G + gemm::group()) * steps;
  const int first = blockIdx.z / parts * of_group + from;
  int b = first / per_sample, p = first % per_sample * gemm::K;  // where the copies start
  const int end = (blockIdx.z / parts + 1) * of_group / per_sample;  // past the last sample all tiles are 0
  const bool wide = P % 4 == 0;
  Walk<A> rows;
  Rows<B> channels;
  rows.start(dy, P, 0, 0, 0, 0);
  gemm::multiply<P_, A, B>(
      steps,
      [&](float* to_a, float* to_b) {
        if (rows.along + A::at() <= 0 && b < end) {
          rows.start(dy + static_cast<size_t>(b) * O * P, P, O, P, m0, p);
          channels.start(x, b, n0, C, p);
          b++, p = 0;
        }
        rows.fill(to_a, wide);
        channels.fill(to_b, wide, rows.along + A::at() - B::at());
        rows.next();
      },
      [&](int m, int n, const auto& v) {
        if (m0 + m >= O) return;
        float* row = partial + (static_cast<size_t>(blockIdx.z) * O + m0 + m) * C;
#pragma unroll
        for (int k = 0; k < int(sizeof v / sizeof v[0]); k++)
          if (n0 + n + k < C) row[n0 + n + k] = v[k];
      });
}

#define CONV1X1_FWD(kind, P_, X)                                                                                   \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                   \
      conv1x1_fwd##kind##_##P_(float* __restrict__ y, const float* __restrict__ w, const float* __restrict__ bias, \
                               const float* __restrict__ res, SOURCES_PARAMETERS(X), int O, int C, int P,          \
                               long long ws) {                                                                     \
    forward<gemm::P_, gemm::Same>(y, w + blockIdx.y * ws, bias, res, SOURCES(X), O, C, P);                         \
  }
#define CONV1X1_DX(kind, P_, DX)                                                                                   \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                   \
      conv1x1_dx##kind##_##P_(DX* __restrict__ dx, const float* __restrict__ w, const float* __restrict__ dy,      \
                              int O, int C, int c0, int M, int P, long long ws, int add) {                         \
    backward<gemm::P_>(dx, w + blockIdx.y * ws, dy, O, C, c0, M, P, add);                                          \
  }
#define CONV1X1_DW(kind, P_, X)                                                                                    \
  extern "C" __global__ void __launch_bounds__(gemm::threads * gemm::groups<gemm::P_>, 4 / gemm::groups<gemm::P_>) \
      conv1x1_dw##kind##_##P_(float* __restrict__ partial, const float* __restrict__ dy, SOURCES_PARAMETERS(X),    \
                              int O, int C, int P, int steps, int of_group, int parts) {                           \
    weights<gemm::P_>(partial, dy, SOURCES(X), O, C, P, steps, of_group, parts);                                   \
  }

CONV1X1_FWD(, tf32x3, float)
CONV1X1_DX(, tf32x3, float)

// Those of the wavelet, whose x and dx are Bf16.
CONV1X1_FWD(_packed, bf16, Bf16)
CONV1X1_DX(_packed, bf16, Bf16)
CONV1X1_DW(_packed, bf16, Bf16)

#define CONV1X1(P_)                                                                                                \
  CONV1X1_FWD(, P_, float)                                                                                         \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                   \
      conv1x1_norm_##P_(gemm::Stored<gemm::P_>* __restrict__ y, const float* __restrict__ w,                       \
                        const float* __restrict__ bias, const float* __restrict__ x, int O, int C, int P) {        \
    __shared__ Stats stats;                                                                                        \
    const int p0 = blockIdx.x / ((O + gemm::M - 1) / gemm::M) * gemm::N;                                           \
    stats.compute(x + static_cast<size_t>(blockIdx.y) * C * P, p0, C, P);                                          \
    const Sources<float> sources{{x, x, x, x}, {C, C, C, C}, P};                                                   \
    forward<gemm::P_, Normalised>(y, w, bias, nullptr, sources, O, C, P, stats);                                   \
  }                                                                                                                \
  CONV1X1_DX(, P_, float)                                                                                          \
  CONV1X1_DW(, P_, float)
CONV1X1(float32)
CONV1X1(tf32)
CONV1X1(bf16)

// conv1x1_sum: dw_gi += Σ_z partial_gzi for the n numbers of dw of each group, which is
// the grid's y; without `add` dw is overwritten. 4 (parts + 2) bytes and `parts` operations
// per number: bound by memory.
extern "C" __global__ void __launch_bounds__(256)
    conv1x1_sum(float* __restrict__ dw, const float* __restrict__ partial, int parts, int n, int add) {
  const long long i = 4ll * (blockIdx.x * 256 + threadIdx.x);
  const size_t group = static_cast<size_t>(blockIdx.y) * n;
  float sum[4] = {};
  for (int z = 0; z < parts; z++) {
    float v[4];
    load4(v, partial + group * parts + static_cast<size_t>(z) * n, i, n, n % 4 == 0);
#pragma unroll
    for (int k = 0; k < 4; k++) sum[k] += v[k];
  }
  put4(dw + group, sum, i, n, n % 4 == 0, add);
}

// conv1x1_dbias: dbias_o += Σ_bp dy_bop, one block per o. 4 bytes, 1 operation per
// number: bound by memory.
extern "C" __global__ void __launch_bounds__(256)
    conv1x1_dbias(float* __restrict__ dbias, const float* __restrict__ dy, int B, int O, int P) {
  const int o = blockIdx.x;
  float sum = 0.f;
  for (int b = 0; b < B; b++)
    for (int p = 4 * threadIdx.x; p < P; p += 1024) {
      float v[4];
      load4(v, dy + (static_cast<size_t>(b) * O + o) * P, p, P, P % 4 == 0);
      sum += v[0] + v[1] + v[2] + v[3];
    }
  sum = block_sum<256>(sum);
  if (threadIdx.x == 0) dbias[o] += sum;
}
