// common.cuh: what most kernels use.
#pragma once
#include "ptx.cuh"

// warp_sum returns the sum of v over the lanes of a full warp, to all of them. The
// order of the additions is fixed, so the same inputs give the same bits.
__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
  for (int o = 16; o; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
  return v;
}

// block_sum returns the sum of v over a block of THREADS, to all of its threads.
template <int THREADS>
__device__ __forceinline__ float block_sum(float v) {
  __shared__ float partial[THREADS / 32];
  v = warp_sum(v);
  __syncthreads();  // the last call's reads are over
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  v = 0.f;
#pragma unroll
  for (int i = 0; i < THREADS / 32; i++) v += partial[i];
  return v;
}

// aligned16 reports whether p may be read as float4.
__device__ __forceinline__ bool aligned16(const void* p) { return (reinterpret_cast<size_t>(p) & 15) == 0; }
