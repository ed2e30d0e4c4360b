// tile.cuh: the tiles of matrices that gemm.cuh multiplies, and their copies from global to
// shared memory.
//
// A tile has the layout in shared memory that its source has in global memory, in lines of
// at least 16 bytes along the contiguous axis:
//   Tile<R, true>   R lines of 16: K is contiguous        s[r][k]
//   Tile<R, false>  16 lines of R: the other axis is      s[k][r]
// It holds what is in memory: float32, or Bf16, of which tiles of A have K contiguous. Lines
// are padded so that neither the copies nor the reads of fragments have bank conflicts; those
// of QUADS have none without.
#pragma once
#include "common.cuh"

namespace gemm {

enum Precision { float32, tf32, bf16, tf32x3 };

constexpr int M = 64, N = 128, K = 16;  // of a block's tiles
constexpr int stages = 3, threads = 128;

// groups is the number of groups of that many threads into which a block divides a long K.
// Each has tiles of its own; theirs fill 96 KB, which every GPU has.
template <Precision P>
constexpr int groups = P == bf16 ? 4 : 2;
__device__ __forceinline__ int group() { return threadIdx.x / threads; }

// thread is a thread's index in its group.
template <bool GROUPED>
__device__ __forceinline__ unsigned thread() { return GROUPED ? threadIdx.x % threads : threadIdx.x; }

// add_groups adds to the first group's c those of the others, through shared memory, and
// says whether the thread is of the first group.
template <int GROUPS, class C>
__device__ __forceinline__ bool add_groups(C& c, float* shared) {
  constexpr int n = sizeof c / sizeof(float);
  float* v = reinterpret_cast<float*>(&c);
  float* other = shared + threadIdx.x % threads;
  __syncthreads();  // the last tiles are read
#pragma unroll
  for (int k = 0; k < n; k++)
    if (group() > 0) other[((group() - 1) * n + k) * threads] = v[k];
  __syncthreads();
  if (group() > 0) return false;
#pragma unroll
  for (int i = 0; i < (GROUPS - 1) * n; i++) v[i % n] += other[i * threads];
  return true;
}

// Stored is what an operation keeps the operands of its products as.
template <Precision P>
struct StoredAs {
  using type = float;
};
template <>
struct StoredAs<bf16> {
  using type = Bf16;
};
template <Precision P>
using Stored = typename StoredAs<P>::type;

// ROUNDED says that the source's writer has rounded it, if the precision is TF32. QUADS are
// tiles of which a thread reads 4 numbers along K: those of bf16 if K is contiguous in both
// A and B. GROUPED tiles are copied and read by one group of a block's threads.
template <int ROWS, bool K_CONTIGUOUS, bool ROUNDED = false, class T = float, bool QUADS = false, bool GROUPED = false>
struct Tile {
  using Number = T;
  static constexpr int rows = ROWS;
  static constexpr bool k_contiguous = K_CONTIGUOUS, rounded = ROUNDED, quads = QUADS, grouped = GROUPED;
  static constexpr int lines = K_CONTIGUOUS ? ROWS : K;
  static constexpr int width = K_CONTIGUOUS ? K : ROWS;
  static constexpr int stride = QUADS ? K : K_CONTIGUOUS ? K + 4 : ROWS + 8;
  static constexpr int floats = lines * stride * sizeof(T) / 4;

  // A thread copies 16 bytes from each of `each` lines, which are `apart` lines apart.
  static constexpr int at_once = 16 / sizeof(T), apart = threads * at_once / width, each = lines / apart;
  static_assert(each * apart == lines, "a tile is a whole number of copies for each thread");
  static_assert(sizeof(T) == 4 || QUADS || !K_CONTIGUOUS, "Bf16 along K is read in quads");
  static __device__ __forceinline__ int line() { return thread<GROUPED>() / (width / at_once); }
  static __device__ __forceinline__ int at() { return threadIdx.x % (width / at_once) * at_once; }
};

// copy starts a thread's copies of a tile. Its n-th line is copied from from(n) if the
// source has(n) it and `along` numbers are left; the rest become 0. Lines for which
// take(n) is false are skipped. wide says that all lines start at multiples of 16 bytes
// and have a multiple of 4 numbers; it is true of Bf16.
template <class T, class From, class Has, class Take>
__device__ __forceinline__ void copy(float* tile, bool wide, int along, From from, Has has, Take take) {
  auto* to = reinterpret_cast<typename T::Number*>(tile) + T::line() * T::stride + T::at();
  if (wide || T::at_once > 4) {
#pragma unroll
    for (int n = 0; n < T::each; n++)
      if (take(n)) cp_async_or_zero<16>(to + n * T::apart * T::stride, from(n), along > 0 && has(n));
    return;
  }
#pragma unroll
  for (int n = 0; n < T::each; n++)
#pragma unroll
    for (int k = 0; k < 4; k++)
      if (take(n)) cp_async_or_zero<4>(to + n * T::apart * T::stride + k, from(n) + k, along > k && has(n));
}

// Walk tracks the sources of a thread's copies as tiles follow each other along K, through
// a matrix of lines of contiguous numbers. A step only updates one address and the
// remaining size of the matrix.
template <class T>
struct Walk {
  const typename T::Number* p;
  size_t stride;     // from line to line
  int lines, along;  // remaining

  // start moves to line r0 and number c0 of a matrix.
  __device__ __forceinline__ void start(const typename T::Number* matrix, size_t stride, int lines, int along, int r0, int c0) {
    const int r = r0 + T::line(), c = c0 + T::at();
    p = matrix + r * static_cast<long long>(stride) + c;
    this->stride = stride;
    this->lines = lines - r;
    this->along = along - c;
  }

  __device__ __forceinline__ void next() {
    p += T::k_contiguous ? K : K * stride;
    (T::k_contiguous ? along : lines) -= K;
  }

  __device__ __forceinline__ void fill(float* tile, bool wide) const {
    fill(tile, wide, [](int) { return true; });
  }
  template <class Take>
  __device__ __forceinline__ void fill(float* tile, bool wide, Take take) const {
    copy<T>(tile, wide, along, [&](int n) { return p + n * T::apart * stride; }, [&](int n) { return n * T::apart < lines; }, take);
  }
};

}  // namespace gemm
