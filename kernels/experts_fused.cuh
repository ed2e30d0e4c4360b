// experts_fused.cuh: what experts_fused.cu and experts_fused_grad.cu share. Their blocks
// compute a tile of an image with all of its channels, 16 hidden channels of an expert at a
// time, whose weights they copy to shared memory.
#pragma once
#include "gemm.cuh"

constexpr int tile_w = 16, tile_h = 8, tile = tile_w * tile_h;
constexpr int chunk = 16;  // hidden channels at a time

// pieces calls f(line, column) for the runs of 4 numbers that one of the block's threads
// copies: ACROSS threads share a line.
template <int THREADS, int LINES, int WIDTH, int ACROSS, class F>
__device__ __forceinline__ void pieces(F f) {
#pragma unroll
  for (int i = 0; i < LINES; i += THREADS / ACROSS)
#pragma unroll
    for (int j = 0; j < WIDTH; j += 4 * ACROSS) {
      const int line = i + threadIdx.x / ACROSS, at = j + threadIdx.x % ACROSS * 4;
      if (line < LINES && at < WIDTH) f(line, at);
    }
}

// copy4 starts the copy of 4 numbers of a matrix's row, of which `left` exist.
__device__ __forceinline__ void copy4(float* to, const float* from, int left, bool wide) {
  if (wide) {
    cp_async_or_zero<16>(to, from, left > 0);
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; k++) cp_async_or_zero<4>(to + k, from + k, left > k);
}

// copy_expand starts the copies of the rows of Expand of 16 hidden channels from c on: a's,
// then b's, with 0 past C and h.
template <int THREADS, int STRIDE>
__device__ __forceinline__ void copy_expand(float (&to)[2 * chunk][STRIDE], const float* expand, int c, int C, int h) {
  constexpr int width = STRIDE - 4;
  pieces<THREADS, 2 * chunk, width, THREADS / (2 * chunk)>([&](int line, int at) {
    const int row = c + line % chunk;
    copy4(&to[line][at], expand + (line / chunk * h + row) * C + at, row < h ? C - at : 0, C % 4 == 0);
  });
}

// copy_depthwise starts those of their filters.
template <int THREADS>
__device__ __forceinline__ void copy_depthwise(float (&to)[2 * chunk][9], const float* depthwise, int c, int h) {
  constexpr int across = THREADS / (2 * chunk);
  const int line = threadIdx.x / across, row = c + line % chunk;
#pragma unroll
  for (int i = 0; i < 9; i += across)
    if (const int tap = i + threadIdx.x % across; tap < 9)
      cp_async_or_zero<4>(&to[line][tap], depthwise + (line / chunk * h + row) * 9 + tap, row < h);
}

// wait waits for this thread's copies.
__device__ __forceinline__ void wait() {
  cp_async_commit();
  cp_async_wait<0>();
}
