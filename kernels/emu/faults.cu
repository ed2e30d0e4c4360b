// Kernels with planted faults, which the software device must find, and similar ones
// without, which it must accept. For tests only; never in the binary.
#include "../common.cuh"

// ---- bounds

extern "C" __global__ void __launch_bounds__(1) fault_load(const float* x, float* y, long long at) { y[0] = x[at]; }
extern "C" __global__ void __launch_bounds__(1) fault_store(float* y, long long at) { y[at] = 1.f; }
extern "C" __global__ void __launch_bounds__(1) fault_load4(const float* x, float* y, long long at) {
  const float4 v = *reinterpret_cast<const float4*>(x + at);
  *reinterpret_cast<float4*>(y) = v;
}
extern "C" __global__ void __launch_bounds__(1) fault_copy(const float* x, float* y, long long at) {
  __shared__ __align__(16) float tile[4];
  cp_async<16>(tile, x + at);
  cp_async_commit();
  cp_async_wait<0>();
  y[0] = tile[threadIdx.x];
}
extern "C" __global__ void __launch_bounds__(32) fault_shared(float* y, int at) {
  __shared__ float tile[32];
  tile[threadIdx.x] = 1.f;
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x + at];
}
extern "C" __global__ void __launch_bounds__(32) fault_dynamic(float* y, int at) {
  DYN_SHARED(float, tile);
  tile[threadIdx.x + at] = 1.f;
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x + at];
}
extern "C" __global__ void __launch_bounds__(1) fault_atomic(float* y, long long at) { atomicAdd(y + at, 1.f); }

// ---- order

// reverse writes a block's numbers backwards through shared memory.
template <bool BARRIER>
__device__ __forceinline__ void reverse(float* y, const float* x) {
  __shared__ float tile[64];
  tile[threadIdx.x] = x[threadIdx.x];
  if (BARRIER) __syncthreads();
  y[threadIdx.x] = tile[63 - threadIdx.x];
}
extern "C" __global__ void __launch_bounds__(64) fault_barrier(float* y, const float* x) { reverse<false>(y, x); }
extern "C" __global__ void __launch_bounds__(64) fair_barrier(float* y, const float* x) { reverse<true>(y, x); }

// shift repeatedly reads what a neighbour in the warp has written.
template <bool FIRST, bool SECOND>
__device__ __forceinline__ void shift(float* y, const float* x) {
  __shared__ float tile[32];
  float v = x[threadIdx.x];
  for (int i = 0; i < 3; i++) {
    tile[threadIdx.x] = v;
    if (FIRST) __syncwarp();
    v = tile[(threadIdx.x + 1) % 32];
    if (SECOND) __syncwarp();
  }
  y[threadIdx.x] = v;
}
extern "C" __global__ void __launch_bounds__(32) fault_syncwarp(float* y, const float* x) { shift<false, true>(y, x); }
extern "C" __global__ void __launch_bounds__(32) fault_reuse(float* y, const float* x) { shift<true, false>(y, x); }
extern "C" __global__ void __launch_bounds__(32) fair_syncwarp(float* y, const float* x) { shift<true, true>(y, x); }

// A shuffle moves registers and orders no memory.
extern "C" __global__ void __launch_bounds__(32) fault_shuffle_order(float* y, const float* x) {
  __shared__ float tile[32];
  tile[threadIdx.x] = x[threadIdx.x];
  const float v = warp_sum(x[threadIdx.x]);
  y[threadIdx.x] = v + tile[31 - threadIdx.x];
}

// total adds n numbers with one block per 32.
template <bool ATOMIC>
__device__ __forceinline__ void total(float* y, const float* x, int n) {
  const int i = blockIdx.x * 32 + threadIdx.x;
  const float v = warp_sum(i < n ? x[i] : 0.f);
  if (threadIdx.x != 0) return;
  if (ATOMIC) atomicAdd(y, v);
  else y[0] += v;
}
extern "C" __global__ void __launch_bounds__(32)
    fault_blocks(float* y, const float* x, int n) { total<false>(y, x, n); }
extern "C" __global__ void __launch_bounds__(32) fair_atomic(float* y, const float* x, int n) { total<true>(y, x, n); }

// The last block to finish adds the sums of all: fences and a counter order them.
template <bool FENCE>
__device__ __forceinline__ void last_block(float* y, float* sums, int* counter, const float* x, int n) {
  const int i = blockIdx.x * 32 + threadIdx.x;
  const float v = warp_sum(i < n ? x[i] : 0.f);
  if (threadIdx.x != 0) return;
  sums[blockIdx.x] = v;
  if (FENCE) __threadfence();
  if (atomicAdd(counter, 1) != static_cast<int>(gridDim.x) - 1) return;
  if (FENCE) __threadfence();
  float all = 0.f;
  for (unsigned b = 0; b < gridDim.x; b++) all += sums[b];
  y[0] = all;
}
extern "C" __global__ void __launch_bounds__(32)
    fault_fence(float* y, float* sums, int* counter, const float* x, int n) {
  last_block<false>(y, sums, counter, x, n);
}
extern "C" __global__ void __launch_bounds__(32)
    fair_fence(float* y, float* sums, int* counter, const float* x, int n) {
  last_block<true>(y, sums, counter, x, n);
}

// All blocks read a number; the last to do so changes it.
template <bool FENCE>
__device__ __forceinline__ void last_reader(float* y, int* counter) {
  const float v = y[0];
  if (FENCE) __threadfence();
  if (atomicAdd(counter, 1) != static_cast<int>(gridDim.x) - 1) return;
  if (FENCE) __threadfence();
  y[0] = v + 1.f;
}
extern "C" __global__ void __launch_bounds__(1)
    fault_last_reader(float* y, int* counter) { last_reader<false>(y, counter); }
extern "C" __global__ void __launch_bounds__(1)
    fair_last_reader(float* y, int* counter) { last_reader<true>(y, counter); }

// staged copies 62 numbers and two zeros through shared memory with cp.async, by
// 16 threads.
template <bool WAIT>
__device__ __forceinline__ void staged(float* y, const float* x) {
  __shared__ __align__(16) float tile[64];
  cp_async<16>(tile + 4 * threadIdx.x, x + 4 * threadIdx.x, threadIdx.x == 15 ? 8 : 16);
  cp_async_commit();
  if (WAIT) cp_async_wait<0>();
  __syncthreads();
  for (int i = 0; i < 64; i += 16) y[i + threadIdx.x] = tile[i + threadIdx.x];
}
extern "C" __global__ void __launch_bounds__(16) fault_wait(float* y, const float* x) { staged<false>(y, x); }
extern "C" __global__ void __launch_bounds__(16) fair_wait(float* y, const float* x) { staged<true>(y, x); }

// ---- the rest

extern "C" __global__ void __launch_bounds__(32) fault_divergent(float* y) {
  if (threadIdx.x < 16) __syncthreads();
  else __syncwarp(0xffff0000u);
  y[threadIdx.x] = 1.f;
}
extern "C" __global__ void __launch_bounds__(32) fault_return(float* y) {
  if (threadIdx.x == 7) return;
  __syncthreads();
  y[threadIdx.x] = 1.f;
}
extern "C" __global__ void __launch_bounds__(32) fault_mask(float* y) {
  if (threadIdx.x < 8) y[threadIdx.x] = __shfl_sync(0x000000ffu, 1.f, 9);
}
extern "C" __global__ void __launch_bounds__(32) fault_unwritten(float* y) {
  __shared__ float tile[32];
  if (threadIdx.x > 0) tile[threadIdx.x] = 1.f;
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x];
}
// Lanes that have returned do not take part in the others' collectives.
extern "C" __global__ void __launch_bounds__(32) fair_return(float* y, int n) {
  if (static_cast<int>(threadIdx.x) >= n) return;
  y[threadIdx.x] = __shfl_sync(0xffffffffu, static_cast<float>(threadIdx.x + 1), n - 1);
}
// 3 of 4 groups of lanes each run their own number of steps; then all run the same ones.
extern "C" __global__ void __launch_bounds__(32) fair_groups(float* y) {
  const int group = threadIdx.x / 8;
  const unsigned mask = 0xffu << (8 * group);
  float v = static_cast<float>(threadIdx.x);
  for (int i = 0; i < group; i++) v += __shfl_xor_sync(mask, v, 1, 8);
  y[threadIdx.x] = v + warp_sum(v > 8.f ? 1.f : 0.f);
}
