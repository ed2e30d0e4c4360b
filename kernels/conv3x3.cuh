// conv3x3.cuh: code common to the 3×3 convolution and its gradients: patches of 8×8
// pixels with their border of one, and the layout of y.
#pragma once
#include "gemm.cuh"

using gemm::Precision;

constexpr int threads = gemm::threads;
constexpr int M = 64;                     // output channels of a block
constexpr int side = 8, halo = side + 2;  // of a patch, and with its border
constexpr int border = halo * halo;

enum Layout { plain, unshuffle, shuffle };

// Stored says where number (o, i, j) of a sample's [O,H,W] lies: at channel(o) + pixel(i, j).
struct Stored {
  int layout, H, W;
  __device__ __forceinline__ size_t channel(int o) const {
    const size_t HW = static_cast<size_t>(H) * W;
    return layout == shuffle ? o / 4 * 4 * HW + o / 2 % 2 * 2 * W + o % 2 : o * HW;
  }
  __device__ __forceinline__ int pixel(int i, int j) const {
    if (layout == shuffle) return 4 * i * W + 2 * j;
    if (layout == unshuffle) return (2 * (i % 2) + j % 2) * (H / 2) * (W / 2) + i / 2 * (W / 2) + j / 2;
    return i * W + j;
  }
};

// Patch is patch t of the batch: its sample and its first pixel. Past the last patch, the
// first row is past the image.
struct Patch {
  int b, i, j;
  __device__ __forceinline__ Patch(int t, int B, int H, int W) {
    const int across = (W + side - 1) / side, of_sample = (H + side - 1) / side * across;
    b = t / of_sample;
    i = b < B ? t % of_sample / across * side : H + 1;
    j = t % across * side;
    b = min(b, B - 1);
  }
};

// Border locates one number of a patch with its border, in every channel.
struct Border {
  const float* from;
  bool inside;
  __device__ __forceinline__ Border(const float* x, const Patch& at, int n, size_t sample, const Stored& s) {
    const int i = at.i + n / halo - 1, j = at.j + n % halo - 1;
    inside = i >= 0 && i < s.H && j >= 0 && j < s.W;
    from = x + at.b * sample + (inside ? s.pixel(i, j) : 0);
  }
};
