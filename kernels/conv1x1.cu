// The 1×1 convolution: for each sample b and each pixel p of P = H·W
//   y_bop = bias_o + Σ_c w_oc x_bcp          w [O,C], x the concatenation of up to 4
//   dx_bcp += Σ_o w_oc dy_bop
//   dw_oc  += Σ_bp dy_bop x_bcp
//   dbias_o += Σ_bp dy_bop
// The first three are matrix products (gemm.cuh), each at three precisions:
//
//             A          B          grid (x, y, z)
//   fwd       w          x_b        ⌈O/64⌉·⌈P/128⌉, B      a row of C: pixels
//   dx        wᵀ         dy_b       ⌈C/64⌉·⌈P/128⌉, B      one launch a source
//   dw        dy         xᵀ         ⌈O/64⌉, ⌈C/128⌉, parts of the B·P pixels; their
//                                   sums are added by conv1x1_sum, in fixed order
// C's rows are fastest in the grid, so that blocks with the same B run together and
// read it from L2.
//
// fwd: 4 (C + O) bytes and 2·C·O operations a pixel: bound by memory below some 400
// channels at tf32 on an A100, by tensor cores above. dx has dx to read besides.
// Shared memory 43, 38 and 54 KB a block; 3 blocks an SM (2 of dw on an A100).
#include "gemm.cuh"

using gemm::fill;
using gemm::Precision;
using gemm::Rows;
using gemm::Tile;

// Sources is the concatenation along channels of up to 4 tensors [B,C_i,P].
struct Sources {
  const float* x[4];
  int end[4];  // the first channel after each
  int P;

  // at returns channel c of sample b.
  __device__ __forceinline__ const float* at(int b, int c) const {
    const int i = (c >= end[0]) + (c >= end[1]) + (c >= end[2]);
    const int start = i == 0 ? 0 : i == 1 ? end[0] : i == 2 ? end[1] : end[2];
    const int stop = i == 0 ? end[0] : i == 1 ? end[1] : i == 2 ? end[2] : end[3];
    const float* p = i == 0 ? x[0] : i == 1 ? x[1] : i == 2 ? x[2] : x[3];
    return p + (static_cast<size_t>(b) * (stop - start) + (c - start)) * P;
  }
};

#define SOURCES_PARAMETERS                                                                          \
  const float *__restrict__ x0, const float *__restrict__ x1, const float *__restrict__ x2,         \
      const float *__restrict__ x3, int end0, int end1, int end2, int end3
#define SOURCES                                    \
  Sources {                                        \
    {x0, x1, x2, x3}, {end0, end1, end2, end3}, P  \
  }

template <Precision P_>
__device__ __forceinline__ void forward(float* y, const float* w, const float* bias, const Sources& x, int O, int C, int P) {
  using A = Tile<gemm::M, true>;
  using B = Tile<gemm::N, false>;
  const int across = (O + gemm::M - 1) / gemm::M, b = blockIdx.y;
  const int m0 = blockIdx.x % across * gemm::M, n0 = blockIdx.x / across * gemm::N;
  gemm::multiply<P_, A, B>(
      (C + gemm::K - 1) / gemm::K,
      [&](float* tile, int step) { fill<A>(tile, C % 4 == 0, Rows{w, size_t(C), O, C, m0, step * gemm::K}); },
      [&](float* tile, int step) {
        fill<B>(tile, P % 4 == 0, [&](int line, int at, int& valid) {
          const int c = step * gemm::K + line, p = n0 + at;
          if (c >= C || p >= P) return w;
          valid = P - p;
          return x.at(b, c) + p;
        });
      },
      [&](int m, int n, const float (&v)[4]) {
        const int o = m0 + m;
        if (o >= O) return;
        const float add = bias ? bias[o] : 0.f;
        const float sum[4] = {v[0] + add, v[1] + add, v[2] + add, v[3] + add};
        store4(y + (static_cast<size_t>(b) * O + o) * P, sum, n0 + n, P, P % 4 == 0);
      });
}

// backward adds to dx [B,M,P], whose channels are c0 to c0 + M of w's C.
template <Precision P_>
__device__ __forceinline__ void backward(float* dx, const float* w, const float* dy, int O, int C, int c0, int M, int P) {
  using A = Tile<gemm::M, false>;
  using B = Tile<gemm::N, false>;
  const int across = (M + gemm::M - 1) / gemm::M, b = blockIdx.y;
  const int m0 = blockIdx.x % across * gemm::M, n0 = blockIdx.x / across * gemm::N;
  const float* dyb = dy + static_cast<size_t>(b) * O * P;
  gemm::multiply<P_, A, B>(
      (O + gemm::K - 1) / gemm::K,
      [&](float* tile, int step) {
        fill<A>(tile, C % 4 == 0 && c0 % 4 == 0, Rows{w + c0, size_t(C), O, M, step * gemm::K, m0});
      },
      [&](float* tile, int step) { fill<B>(tile, P % 4 == 0, Rows{dyb, size_t(P), O, P, step * gemm::K, n0}); },
      [&](int m, int n, const float (&v)[4]) {
        if (m0 + m < M) add4(dx + (static_cast<size_t>(b) * M + m0 + m) * P, v, n0 + n, P, P % 4 == 0);
      });
}

// weights writes the part z of dw: partial [parts,O,C]. The pixels of each sample
// are cut into steps of 16; a part has `steps` of the B·⌈P/16⌉ steps.
template <Precision P_>
__device__ __forceinline__ void weights(float* partial, const float* dy, const Sources& x, int B_, int O, int C, int P,
                                        int steps) {
  using A = Tile<gemm::M, true>;
  using B = Tile<gemm::N, true>;
  const int m0 = blockIdx.x * gemm::M, n0 = blockIdx.y * gemm::N;
  const int per_sample = (P + gemm::K - 1) / gemm::K, first = blockIdx.z * steps;
  gemm::multiply<P_, A, B>(
      min(steps, B_ * per_sample - first),
      [&](float* tile, int step) {
        const int b = (first + step) / per_sample, p = (first + step) % per_sample * gemm::K;
        fill<A>(tile, P % 4 == 0, Rows{dy + static_cast<size_t>(b) * O * P, size_t(P), O, P, m0, p});
      },
      [&](float* tile, int step) {
        const int b = (first + step) / per_sample, p0 = (first + step) % per_sample * gemm::K;
        fill<B>(tile, P % 4 == 0, [&](int line, int at, int& valid) {
          const int c = n0 + line, p = p0 + at;
          if (c >= C || p >= P) return dy;
          valid = P - p;
          return x.at(b, c) + p;
        });
      },
      [&](int m, int n, const auto& v) {
        if (m0 + m >= O) return;
        float* row = partial + (static_cast<size_t>(blockIdx.z) * O + m0 + m) * C;
#pragma unroll
        for (int k = 0; k < int(sizeof v / sizeof v[0]); k++)
          if (n0 + n + k < C) row[n0 + n + k] = v[k];
      });
}

#define CONV1X1(P_)                                                                                                \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                   \
      conv1x1_fwd_##P_(float* __restrict__ y, const float* __restrict__ w, const float* __restrict__ bias,         \
                       SOURCES_PARAMETERS, int O, int C, int P) {                                                  \
    forward<gemm::P_>(y, w, bias, SOURCES, O, C, P);                                                               \
  }                                                                                                                \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                   \
      conv1x1_dx_##P_(float* __restrict__ dx, const float* __restrict__ w, const float* __restrict__ dy, int O,    \
                      int C, int c0, int M, int P) {                                                               \
    backward<gemm::P_>(dx, w, dy, O, C, c0, M, P);                                                                 \
  }                                                                                                                \
  extern "C" __global__ void __launch_bounds__(gemm::threads, 3)                                                   \
      conv1x1_dw_##P_(float* __restrict__ partial, const float* __restrict__ dy, SOURCES_PARAMETERS, int B, int O, \
                      int C, int P, int steps) {                                                                   \
    weights<gemm::P_>(partial, dy, SOURCES, B, O, C, P, steps);                                                    \
  }
CONV1X1(float32)
CONV1X1(tf32)
CONV1X1(bf16)

// conv1x1_sum: dw_i += Σ_z partial_zi for the n numbers of dw. 4 (parts + 2) bytes
// and `parts` operations a number: bound by memory.
extern "C" __global__ void __launch_bounds__(256)
    conv1x1_sum(float* __restrict__ dw, const float* __restrict__ partial, int parts, int n) {
  const long long i = 4ll * (blockIdx.x * 256 + threadIdx.x);
  float sum[4] = {};
  for (int z = 0; z < parts; z++) {
    float v[4];
    load4(v, partial + static_cast<size_t>(z) * n, i, n, n % 4 == 0);
#pragma unroll
    for (int k = 0; k < 4; k++) sum[k] += v[k];
  }
  add4(dw, sum, i, n);
}

// conv1x1_dbias: dbias_o += Σ_bp dy_bop, a block for each o. 4 bytes, 1 operation a
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
