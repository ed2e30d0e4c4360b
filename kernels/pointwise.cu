// Operations on tensors of equal shape, viewed as n numbers.
//
// Mapping: a thread handles 4 numbers, a block of 256 threads 1024.
// Bound by memory.
// Threads a multiprocessor, at least: 2048.
#include "common.cuh"

constexpr int threads = 256;

__device__ __forceinline__ long long first_of_thread() {
  return 4 * (static_cast<long long>(blockIdx.x) * threads + threadIdx.x);
}

// add_fwd: y = a + s·b; y may be a. 12 bytes and 2 operations for each number.
extern "C" __global__ void __launch_bounds__(threads)
    add_fwd(float* y, const float* a, const float* __restrict__ b, float s, long long n) {
  const long long i = first_of_thread();
  float u[4], v[4];
  load4(u, a, i, n);
  load4(v, b, i, n);
#pragma unroll
  for (int k = 0; k < 4; k++) u[k] += s * v[k];
  store4(y, u, i, n);
}
