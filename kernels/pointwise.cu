// Operations on tensors of equal shape, viewed as n numbers.
//
// Mapping: a thread handles 4 numbers, a block of 256 threads 1024.
// Bound by memory: 1 or 2 operations per 12 bytes.
// Threads a multiprocessor, at least: 2048.
#include "common.cuh"

constexpr int threads = 256;

__device__ __forceinline__ long long first_of_thread() {
  return 4 * (static_cast<long long>(blockIdx.x) * threads + threadIdx.x);
}

// add_fwd: y = a + b. 12 bytes and 1 operation for each number.
extern "C" __global__ void __launch_bounds__(threads)
    add_fwd(float* __restrict__ y, const float* __restrict__ a, const float* __restrict__ b, long long n) {
  const long long i = first_of_thread();
  float u[4], v[4];
  load4(u, a, i, n);
  load4(v, b, i, n);
#pragma unroll
  for (int k = 0; k < 4; k++) u[k] += v[k];
  store4(y, u, i, n);
}

// axpy_fwd: y += a·x. 12 bytes and 2 operations for each number.
extern "C" __global__ void __launch_bounds__(threads)
    axpy_fwd(float* __restrict__ y, const float* __restrict__ x, float a, long long n) {
  const long long i = first_of_thread();
  float u[4];
  load4(u, x, i, n);
#pragma unroll
  for (int k = 0; k < 4; k++) u[k] *= a;
  add4(y, u, i, n);
}
