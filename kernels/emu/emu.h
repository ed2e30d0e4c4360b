// emu.h lets g++ compile CUDA C++ device code for the software device: it is
// force-included before a .cu file and defines what CUDA adds to C++.
//
// Every CUDA thread is a fiber (fiber.h), and every running block has one OS thread.
// __shared__ is thread_local: one copy per OS thread is one copy per running block. Only
// what our kernels use is here; a missing name is a compile error: add it to this file,
// warp.h or ../ptx.cuh.
#pragma once
#define EMULATED 1

#include <math.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "fiber.h"

// The scan that lists a file's kernels (scripts/cuda-emu.sh) reads these two words.
#ifndef EMU_SCAN
#define __global__
#define __launch_bounds__(...)
#endif
#define __device__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ static thread_local

struct __align__(8) float2 { float x, y; };
struct __align__(16) float4 { float x, y, z, w; };
struct __align__(8) uint2 { unsigned x, y; };
static inline float2 make_float2(float a, float b) { return {a, b}; }
static inline float4 make_float4(float a, float b, float c, float d) { return {a, b, c, d}; }
static inline uint2 make_uint2(unsigned a, unsigned b) { return {a, b}; }

#define threadIdx (emu::thread_idx())
#define blockIdx (emu::block_idx())
#define gridDim (emu::grid_dim())

#define __syncthreads() emu::sync_threads()
#define __threadfence() emu::fence()

#include "warp.h"

// ---- arithmetic that C's math.h lacks

using std::max;
using std::min;
#define sinpif emu_sinpif  // macros: glibc has functions with these names
#define cospif emu_cospif
static inline float emu_sinpif(float x) { return float(sin(M_PI * double(x))); }
static inline float emu_cospif(float x) { return float(cos(M_PI * double(x))); }

template <class To, class From>
static inline To emu_bits(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To y;
  memcpy(&y, &x, sizeof y);
  return y;
}
static inline float __uint_as_float(unsigned x) { return emu_bits<float>(x); }
static inline unsigned __float_as_uint(float x) { return emu_bits<unsigned>(x); }

// ---- atomics: blocks run on several OS threads

template <class T>
EMU_INTERNAL T atomicAdd(T* p, std::common_type_t<T> v) {
  emu::touch(p, sizeof *p, emu::Access::atomic, __builtin_return_address(0));
  T old, sum;
  __atomic_load(p, &old, __ATOMIC_RELAXED);
  do sum = old + v;
  while (!__atomic_compare_exchange(p, &old, &sum, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
  return old;
}

// ---- registration of kernels, appended to each file by scripts/cuda-emu.sh

namespace emu {
template <auto F>
struct Thunk;
template <class... A, void (*F)(A...)>
struct Thunk<F> {
  template <size_t... I>
  EMU_INTERNAL static void go(void* const* p, std::index_sequence<I...>) { F(*static_cast<A*>(p[I])...); }
  static void call([[maybe_unused]] void* const* p) { go(p, std::index_sequence_for<A...>{}); }
  static constexpr unsigned sizes[sizeof...(A) + 1] = {unsigned(sizeof(A))...};
  static constexpr unsigned count = sizeof...(A);
};
}  // namespace emu

#define EMU_REGISTER(name, bounds)                                       \
  static emu::Registration emu_register_##name(                          \
      #name, emu::Kernel{#name, emu::Thunk<name>::call, emu::Thunk<name>::sizes, \
                         emu::Thunk<name>::count, bounds})
