// common.cuh: helpers that most kernels use. Tensors are contiguous and start at
// multiples of 16 bytes; a row does so only if the length of rows allows.
#pragma once
#include "ptx.cuh"

// Bf16 is a number of a tensor that the operations keep for themselves at the precision
// bf16: the upper half of a float. Its rows, or planes, are padded to whole runs of 16
// bytes, so that all of them start at multiples of that.
struct Bf16 {
  unsigned short bits;
};

// pitch is the distance between rows of n numbers.
template <class T>
__device__ __forceinline__ int pitch(int n);
template <>
__device__ __forceinline__ int pitch<float>(int n) { return n; }
template <>
__device__ __forceinline__ int pitch<Bf16>(int n) { return (n + 7) / 8 * 8; }

__device__ __forceinline__ float number(float v) { return v; }
__device__ __forceinline__ float number(Bf16 v) { return __uint_as_float(v.bits << 16); }

// load4 reads p[i..i+3] into v, with 0 past n. wide says that p + i is a multiple of
// 16 bytes, as it is for a whole tensor.
__device__ __forceinline__ void load4(float (&v)[4], const float* p, long long i, long long n, bool wide = true) {
  if (wide && i + 4 <= n) {
    const float4 f = *reinterpret_cast<const float4*>(p + i);
    v[0] = f.x, v[1] = f.y, v[2] = f.z, v[3] = f.w;
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; k++) v[k] = i + k < n ? p[i + k] : 0.f;
}

__device__ __forceinline__ void load4(float (&v)[4], const Bf16* p, long long i, long long n, bool wide = true) {
  if (wide && i + 4 <= n) {
    const uint2 u = *reinterpret_cast<const uint2*>(p + i);
    v[0] = __uint_as_float(u.x << 16), v[1] = __uint_as_float(u.x & 0xffff0000u);
    v[2] = __uint_as_float(u.y << 16), v[3] = __uint_as_float(u.y & 0xffff0000u);
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; k++) v[k] = i + k < n ? number(p[i + k]) : 0.f;
}

// store4 writes v to p[i..i+3], but nothing past n.
__device__ __forceinline__ void store4(float* p, const float (&v)[4], long long i, long long n, bool wide = true) {
  if (wide && i + 4 <= n) {
    store16(p + i, v[0], v[1], v[2], v[3]);
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; k++)
    if (i + k < n) p[i + k] = v[k];
}

__device__ __forceinline__ void store4(Bf16* p, const float (&v)[4], long long i, long long n, bool wide = true) {
  if (wide && i + 4 <= n) {
    *reinterpret_cast<uint2*>(p + i) = make_uint2(pack_bf16(v[0], v[1]), pack_bf16(v[2], v[3]));
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; k++)
    if (i + k < n) p[i + k].bits = static_cast<unsigned short>(pack_bf16(v[k], 0.f));
}

// clear_padding writes 0 past the n numbers of a row, for products along rows. All threads
// of a block call it.
__device__ __forceinline__ void clear_padding(float*, int) {}
__device__ __forceinline__ void clear_padding(Bf16* row, int n) {
  if (const int i = n + threadIdx.x; i < pitch<Bf16>(n)) row[i].bits = 0;
}

// add4 adds v to p[i..i+3], but nothing past n.
template <class T>
__device__ __forceinline__ void add4(T* p, const float (&v)[4], long long i, long long n, bool wide = true) {
  float sum[4];
  load4(sum, p, i, n, wide);
#pragma unroll
  for (int k = 0; k < 4; k++) sum[k] += v[k];
  store4(p, sum, i, n, wide);
}

// put4 is add4 or store4.
template <class T>
__device__ __forceinline__ void put4(T* p, const float (&v)[4], long long i, long long n, bool wide, bool add) {
  if (add) add4(p, v, i, n, wide);
  else store4(p, v, i, n, wide);
}

// normal_cdf is Φ, the normal distribution function: GELU(a) = a Φ(a).
__device__ __forceinline__ float normal_cdf(float a) { return .5f * (1.f + erff(a * .70710678f)); }

// warp_sum returns the sum of v over the lanes of a full warp, to all of them. The
// order of the additions is fixed, so the same inputs give the same bits.
__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
  for (int o = 16; o; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
  return v;
}

__device__ __forceinline__ float warp_max(float v) {
#pragma unroll
  for (int o = 16; o; o >>= 1) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, o));
  return v;
}

// block_sum returns the sum of v over a block of THREADS, to all of its threads.
template <int THREADS>
__device__ __forceinline__ float block_sum(float v) {
  __shared__ float partial[THREADS / 32];
  v = warp_sum(v);
  __syncthreads();  // the previous call's reads are over
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  v = 0.f;
#pragma unroll
  for (int i = 0; i < THREADS / 32; i++) v += partial[i];
  return v;
}
