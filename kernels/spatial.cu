// Means over the pixels of a plane, and bilinear resizing with half-pixel centres,
// clamped edges and no antialiasing.
//
//   mean_hw   y_bc = Σ_p x_bcp / P                          x [B,C,P], y [B,C]
//   resize    y_ij = Σ over the 4 neighbours of the position at(i), at(j) in x [B,C,h,w]
//             at(i) = max(0, (i + ½)·h/H − ½)               y [B,C,H,W]
// The gradient of resize is gathered, so that its sums have a fixed order: a pixel of x
// searches the rows and columns of dy whose position may be next to it.
//
// Mapping: a block of 256 threads handles a plane in mean_hw_fwd, 1024 numbers of one in
// mean_hw_grad and resize_fwd, and 256 in resize_grad; plane y + 65535·z.
// Bound by memory: 4 bytes and 1 operation per number (8 for mean_hw_grad); resize 4 (1 +
// hw/HW) bytes and 8 operations, its neighbours from L1; resize_grad 4 (2 + HW/hw) bytes
// and some 4 operations for each of the (2H/h + 3)(2W/w + 3) positions it examines.
// Threads a multiprocessor, at least: 2048, resize_* 1280.
#include "common.cuh"

constexpr int threads = 256;

__device__ __forceinline__ long long plane_of_block() { return blockIdx.y + 65535ll * blockIdx.z; }

extern "C" __global__ void __launch_bounds__(threads)
    mean_hw_fwd(float* __restrict__ y, const float* __restrict__ x, int P) {
  x += static_cast<size_t>(blockIdx.x) * P;
  float sum = 0.f;
  for (int p = 4 * threadIdx.x; p < P; p += 4 * threads) {
    float v[4];
    load4(v, x, p, P, P % 4 == 0);
    sum += (v[0] + v[1]) + (v[2] + v[3]);
  }
  sum = block_sum<threads>(sum);
  if (threadIdx.x == 0) y[blockIdx.x] = sum / P;
}

extern "C" __global__ void __launch_bounds__(threads)
    mean_hw_grad(float* __restrict__ dx, const float* __restrict__ dy, int planes, int P) {
  const long long plane = plane_of_block();
  if (plane >= planes) return;
  const float g = dy[plane] / P, v[4] = {g, g, g, g};
  add4(dx + plane * P, v, 4ll * (blockIdx.x * threads + threadIdx.x), P, P % 4 == 0);
}

// Neighbours are the two indices in a line of `from` that pixel i of a line of `to` falls
// between, and the second's weight. The position is a fraction of integers.
struct Neighbours {
  int first, second;
  float weight;
  __device__ __forceinline__ Neighbours(int i, int to, int from) {
    const int at = max(0, (2 * i + 1) * from - to), unit = 2 * to;
    first = min(at / unit, from - 1);
    second = min(first + 1, from - 1);
    weight = static_cast<float>(at - first * unit) / unit;
  }
  // weight_of returns the weight of index k.
  __device__ __forceinline__ float weight_of(int k) const {
    return (first == k ? 1.f - weight : 0.f) + (second == k ? weight : 0.f);
  }
};

extern "C" __global__ void __launch_bounds__(threads)
    resize_fwd(float* __restrict__ y, const float* __restrict__ x, int planes, int h, int w, int H, int W) {
  const int groups = (W + 3) / 4, n = blockIdx.x * threads + threadIdx.x, i = n / groups, j = n % groups * 4;
  const long long plane = plane_of_block();
  if (plane >= planes || i >= H) return;
  const Neighbours rows(i, H, h);
  const float* top = x + (plane * h + rows.first) * w;
  const float* bottom = x + (plane * h + rows.second) * w;
  float v[4];
#pragma unroll
  for (int k = 0; k < 4; k++) {
    const Neighbours columns(min(j + k, W - 1), W, w);
    const float u = columns.weight;
    v[k] = (1.f - rows.weight) * ((1.f - u) * top[columns.first] + u * top[columns.second]) +
           rows.weight * ((1.f - u) * bottom[columns.first] + u * bottom[columns.second]);
  }
  store4(y + (plane * H + i) * W, v, j, W, W % 4 == 0);
}

// Reach is the range of pixels of a line of `to` that may have pixel k of a line of `from`
// as a neighbour; it may include some that do not.
struct Reach {
  int begin, end;
  __device__ __forceinline__ Reach(int k, int to, int from) {
    const float step = static_cast<float>(to) / from;
    begin = k == 0 ? 0 : max(0, static_cast<int>((k - .5f) * step - .5f) - 1);
    end = k == from - 1 ? to : min(to, static_cast<int>((k + 1.5f) * step - .5f) + 2);
  }
};

extern "C" __global__ void __launch_bounds__(threads)
    resize_grad(float* __restrict__ dx, const float* __restrict__ dy, int planes, int h, int w, int H, int W) {
  const int n = blockIdx.x * threads + threadIdx.x, k = n / w, l = n % w;
  const long long plane = plane_of_block();
  if (plane >= planes || k >= h) return;
  const Reach rows(k, H, h), columns(l, W, w);
  float sum = 0.f;
  for (int i = rows.begin; i < rows.end; i++) {
    const float v = Neighbours(i, H, h).weight_of(k);
    if (v == 0.f) continue;
    float line = 0.f;
    for (int j = columns.begin; j < columns.end; j++) line += Neighbours(j, W, w).weight_of(l) * dy[(plane * H + i) * W + j];
    sum += v * line;
  }
  dx[(plane * h + k) * w + l] += sum;
}
