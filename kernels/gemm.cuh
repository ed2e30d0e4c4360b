// gemm.cuh: tiled matrix products, for the 1×1 convolution and other operations that can
// be written as one. A block of 128 threads computes C [64,128] = A [64,K] B [K,128], or
// C [64,64] if matrices are small and K is long, in steps of 16 along K. cp.async copies
// operands into three tiles: while one is multiplied, two are being copied.
//
// Four precisions share the tiles: tensor cores with operands rounded to TF32 or
// bf16, plain float32 arithmetic, and tf32x3, which is nearly float32 on the tensor
// cores at a third of TF32's rate: x = hi + lo, both TF32, and a·b is hi·hi + hi·lo +
// lo·hi up to 2⁻²². Float32 is rounded when loaded into registers; to TF32 also by the
// writer of a tensor that only products read: once, instead of in every warp that loads the
// number.
//
// The rows and columns of a thread are chosen so that it reads 16 bytes at a time and, if
// C's rows are contiguous, writes 16: the order of a sum along K and the numbering of C's
// rows within a tile are free.
#pragma once
#include "tile.cuh"

namespace gemm {

// ---- tensor cores: a warp computes 32×64 of C, as 2×8 products of 16×8, or 32×32

// load_a reads A's numbers for one step of 8 along K: a[tile][upper, lower half][k].
// A thread has the k's t and t + 4, of both A and B.
template <class T>
__device__ __forceinline__ void load_a(float (&a)[2][2][2], const float* s, int m, int k) {
  const int lane = threadIdx.x % 32;
  if constexpr (T::k_contiguous) {
    s += (m + lane % 16) * T::stride + k + lane / 16 * 4;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      float v[4];
      load_matrices(v, s + 16 * i * T::stride);
#pragma unroll
      for (int r = 0; r < 4; r++) a[i][r % 2][r / 2] = v[r];
    }
  } else {
    s += (k + lane % 4) * T::stride + m + lane / 4 * 4;
#pragma unroll
    for (int e = 0; e < 2; e++) {
      const float4 v = *reinterpret_cast<const float4*>(s + 4 * e * T::stride);
      a[0][0][e] = v.x, a[0][1][e] = v.y, a[1][0][e] = v.z, a[1][1][e] = v.w;
    }
  }
}

// row is the row of C of a thread's numbers in tile i, half h.
template <class T> __device__ __forceinline__ int row(int i, int h) {
  const int g = threadIdx.x % 32 / 4;
  return T::k_contiguous ? 16 * i + 8 * h + g : 4 * g + 2 * i + h;
}

// load_b reads B's numbers for one step of 8 along K: b[tile][k].
template <class T>
__device__ __forceinline__ void load_b(float (&b)[T::rows / 16][2], const float* s, int n, int k) {
  const int lane = threadIdx.x % 32;
  if constexpr (T::k_contiguous) {
    s += (n + lane / 16 * 8 + lane % 8) * T::stride + k + lane / 8 % 2 * 4;
#pragma unroll
    for (int j = 0; j < T::rows / 16; j += 2) {
      float v[4];
      load_matrices(v, s + 8 * j * T::stride);
#pragma unroll
      for (int r = 0; r < 4; r++) b[j + r / 2][r % 2] = v[r];
    }
  } else {
    s += (k + lane % 4) * T::stride + n + lane / 4 * 4;
#pragma unroll
    for (int i = 0; i < T::rows / 32; i++) {
      const int q = i / 2 * 4, e = i % 2;
      const float4 v = *reinterpret_cast<const float4*>(s + 4 * e * T::stride + 8 * q);
      b[q][e] = v.x, b[q + 1][e] = v.y, b[q + 2][e] = v.z, b[q + 3][e] = v.w;
    }
  }
}

// Same does not change B's numbers; see multiply.
struct Same {
  template <class Product> __device__ __forceinline__ explicit Same(const Product&) {}
  __device__ __forceinline__ float operator()(float v, int) const { return v; }
};

// operand returns a tile's number as an operand of mma_tf32.
template <class T> __device__ __forceinline__ unsigned operand(float v) {
  return T::rounded ? __float_as_uint(v) : to_tf32(v);
}

// TF32Pair is x as the sum of two TF32 numbers.
struct TF32Pair {
  unsigned hi, lo;
  __device__ __forceinline__ TF32Pair() {}
  __device__ __forceinline__ explicit TF32Pair(float x) : hi(to_tf32(x) & 0xffffe000u), lo(to_tf32(x - __uint_as_float(hi))) {}
};

template <Precision P, class A, class B>
struct Product {
  static constexpr int columns = B::rows / 16;  // of C's products
  static constexpr bool packed_a = sizeof(typename A::Number) == 2, packed_b = sizeof(typename B::Number) == 2;
  float c[2][columns][4] = {};
  int m, n;  // of this warp in the block's tile

  __device__ __forceinline__ Product() {
    const int warp = thread<A::grouped>() / 32;
    m = warp % 2 * 32;
    n = warp / 2 * 8 * columns;
  }

  // column is the column of B of a thread's b[j].
  __device__ __forceinline__ int column(int j) const {
    const int g = threadIdx.x % 32 / 4;
    return B::k_contiguous ? n + 8 * j + g : n + j / 4 * 32 + 4 * g + j % 4;
  }

  // step adds the product of two tiles.
  template <class Prepare>
  __device__ __forceinline__ void step(const float* sa, const float* sb, const Prepare& prepare) {
    static_assert(A::quads == B::quads && (P == bf16 || !(packed_a || packed_b)), "tiles that do not match");
    if constexpr (A::quads || packed_b) {
      unsigned u[2][4], v[columns][2];
      if constexpr (A::quads) quads(u, v, sa, sb);
      else lines_a(u, sa), lines_b(v, sb);
      multiply_packed(u, v);
    } else {
      step_of_floats(sa, sb, prepare);
    }
  }

  template <class Prepare>
  __device__ __forceinline__ void step_of_floats(const float* sa, const float* sb, const Prepare& prepare) {
    float a[K / 8][2][2][2], b[K / 8][columns][2];
#pragma unroll
    for (int k = 0; k < K / 8; k++) {
      load_a<A>(a[k], sa, m, 8 * k);
      load_b<B>(b[k], sb, n, 8 * k);
#pragma unroll
      for (int j = 0; j < columns; j++) b[k][j][0] = prepare(b[k][j][0], j), b[k][j][1] = prepare(b[k][j][1], j);
      if constexpr (P == tf32) multiply_tf32(a[k], b[k]);
      if constexpr (P == tf32x3) multiply_tf32x3(a[k], b[k]);
    }
    if constexpr (P == bf16) multiply_bf16(a, b);
  }

  __device__ __forceinline__ void multiply_tf32(const float (&a)[2][2][2], const float (&b)[columns][2]) {
    unsigned u[2][4];
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
      for (int r = 0; r < 4; r++) u[i][r] = operand<A>(a[i][r % 2][r / 2]);
#pragma unroll
    for (int j = 0; j < columns; j++) {
      const unsigned v[2] = {operand<B>(b[j][0]), operand<B>(b[j][1])};
#pragma unroll
      for (int i = 0; i < 2; i++) mma_tf32(c[i][j], u[i], v);
    }
  }

  __device__ __forceinline__ void multiply_tf32x3(const float (&a)[2][2][2], const float (&b)[columns][2]) {
    unsigned hi[2][4], lo[2][4];
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
      for (int r = 0; r < 4; r++) {
        const TF32Pair u(a[i][r % 2][r / 2]);
        hi[i][r] = u.hi, lo[i][r] = u.lo;
      }
#pragma unroll
    for (int j = 0; j < columns; j++) {
      const TF32Pair u(b[j][0]), v(b[j][1]);
      const unsigned bhi[2] = {u.hi, v.hi}, blo[2] = {u.lo, v.lo};
#pragma unroll
      for (int i = 0; i < 2; i++) {
        mma_tf32(c[i][j], lo[i], bhi);
        mma_tf32(c[i][j], hi[i], blo);
        mma_tf32(c[i][j], hi[i], bhi);
      }
    }
  }

  __device__ __forceinline__ void multiply_bf16(const float (&a)[2][2][2][2], const float (&b)[2][columns][2]) {
    unsigned u[2][4], v[columns][2];
    pack_a(u, a);
#pragma unroll
    for (int j = 0; j < columns; j++)
#pragma unroll
      for (int k = 0; k < 2; k++) v[j][k] = pack_bf16(b[k][j][0], b[k][j][1]);
    multiply_packed(u, v);
  }

  __device__ __forceinline__ void multiply_packed(const unsigned (&u)[2][4], const unsigned (&v)[columns][2]) {
#pragma unroll
    for (int j = 0; j < columns; j++)
#pragma unroll
      for (int i = 0; i < 2; i++) mma_bf16(c[i][j], u[i], v[j]);
  }

  // A step of mma_bf16 is 16 along K, of which a thread has two pairs. Which numbers these
  // are is free: those of load_a, t and t + 4 of each half, or, of quads, 4t to 4t + 3.

  static __device__ __forceinline__ void pack_a(unsigned (&u)[2][4], const float (&a)[2][2][2][2]) {
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
      for (int r = 0; r < 4; r++) u[i][r] = pack_bf16(a[r / 2][i][r % 2][0], a[r / 2][i][r % 2][1]);
  }

  __device__ __forceinline__ void lines_a(unsigned (&u)[2][4], const float* s) const {
    float a[2][2][2][2];
    load_a<A>(a[0], s, m, 0);
    load_a<A>(a[1], s, m, 8);
    pack_a(u, a);
  }

  // lines_b reads Bf16 tiles whose columns are contiguous: 8 neighbours for each of C's
  // products. Row r of a matrix is the line whose k is r's in load_a's order.
  __device__ __forceinline__ void lines_b(unsigned (&v)[columns][2], const float* s) const {
    const int lane = threadIdx.x % 32, k = lane / 8 % 2 * 8 + lane % 8 / 2 + lane % 2 * 4;
    const auto* from = reinterpret_cast<const Bf16*>(s) + k * B::stride + n + lane / 16 * 8;
#pragma unroll
    for (int j = 0; j < columns; j += 2) {
      unsigned w[4];
      load_transposed(w, from + 8 * j);
      v[j][0] = w[0], v[j][1] = w[1], v[j + 1][0] = w[2], v[j + 1][1] = w[3];
    }
  }

  // quad reads 4 numbers along K of a line.
  static __device__ __forceinline__ uint2 quad(const float* s, int at) {
    const float4 v = *reinterpret_cast<const float4*>(s + at);
    return make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w));
  }
  static __device__ __forceinline__ uint2 quad(const Bf16* s, int at) { return *reinterpret_cast<const uint2*>(s + at); }

  __device__ __forceinline__ void quads(unsigned (&u)[2][4], unsigned (&v)[columns][2], const float* sa, const float* sb) const {
    const int g = threadIdx.x % 32 / 4, k = threadIdx.x % 4 * 4;
    const auto* a = reinterpret_cast<const typename A::Number*>(sa) + (m + g) * K + k;
    const auto* b = reinterpret_cast<const typename B::Number*>(sb) + (n + g) * K + k;
#pragma unroll
    for (int r = 0; r < 4; r++) {
      const uint2 q = quad(a, 8 * r * K);
      u[r / 2][r % 2] = q.x, u[r / 2][2 + r % 2] = q.y;
    }
#pragma unroll
    for (int j = 0; j < columns; j++) {
      const uint2 q = quad(b, 8 * j * K);
      v[j][0] = q.x, v[j][1] = q.y;
    }
  }

  // each calls emit(m, n, v) for every run of numbers of C that this thread has: 4 if B's
  // rows are contiguous, else 2.
  template <class Emit>
  __device__ __forceinline__ void each(Emit emit) const {
    const int t = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int r = m + row<A>(i / 2, i % 2), h = i % 2 * 2;
      const auto& ci = c[i / 2];
      if constexpr (B::k_contiguous) {
#pragma unroll
        for (int j = 0; j < columns; j++) {
          const float v[2] = {ci[j][h], ci[j][h + 1]};
          emit(r, n + 8 * j + 2 * t, v);
        }
      } else if constexpr (packed_b) {
        // Neighbours exchange pairs: the even one then has 4 columns of the first of two
        // products, the odd one of the second.
        const bool odd = t % 2;
#pragma unroll
        for (int j = 0; j < columns; j += 2) {
          float got[2], v[4];
#pragma unroll
          for (int k = 0; k < 2; k++) {
            got[k] = __shfl_xor_sync(0xffffffffu, odd ? ci[j][h + k] : ci[j + 1][h + k], 1);
            v[k] = odd ? got[k] : ci[j][h + k], v[2 + k] = odd ? ci[j + 1][h + k] : got[k];
          }
          emit(r, n + 8 * (j + odd) + 4 * (t / 2), v);
        }
      } else {
#pragma unroll
        for (int j = 0; j < columns / 2; j++) {
          const int q = j / 2 * 4, e = h + j % 2;
          const float v[4] = {ci[q][e], ci[q + 1][e], ci[q + 2][e], ci[q + 3][e]};
          emit(r, n + 8 * q + 4 * (2 * t + j % 2), v);
        }
      }
    }
  }
};

// ---- float32: a thread computes 8×8 of C, or 8×4

template <class A, class B>
struct Product<float32, A, B> {
  static constexpr int width = B::rows / 16;
  float c[8][width] = {};
  int m, n;

  __device__ __forceinline__ Product() {
    const int y = thread<A::grouped>() / 16, x = threadIdx.x % 16;
    m = A::k_contiguous ? y : 8 * y;
    n = B::k_contiguous ? x : 4 * x;
  }
  __device__ __forceinline__ int row(int i) const { return A::k_contiguous ? m + 8 * i : m + i; }
  __device__ __forceinline__ int column(int j) const { return B::k_contiguous ? n + 16 * j : n + j % 4 + j / 4 * 64; }

  // load reads I numbers at each of 4 steps along K, v[k][i], 16 bytes at a time.
  template <class T, int I>
  static __device__ __forceinline__ void load(float (&v)[4][I], const float* s, int k, const int (&at)[I]) {
#pragma unroll
    for (int i = 0; i < I; i++) {
      const int j = i % 4, h = i / 4;  // index within 16 bytes; which of the two
      if constexpr (T::k_contiguous) {
        const float4 f = *reinterpret_cast<const float4*>(s + at[i] * T::stride + k);
        v[0][i] = f.x, v[1][i] = f.y, v[2][i] = f.z, v[3][i] = f.w;
      } else {
        const float4 f = *reinterpret_cast<const float4*>(s + (k + j) * T::stride + at[4 * h]);
        v[j][4 * h] = f.x, v[j][4 * h + 1] = f.y, v[j][4 * h + 2] = f.z, v[j][4 * h + 3] = f.w;
      }
    }
  }

  template <class Prepare>
  __device__ __forceinline__ void step(const float* sa, const float* sb, const Prepare& prepare) {
    int rows[8], columns[width];
#pragma unroll
    for (int i = 0; i < 8; i++) rows[i] = row(i);
#pragma unroll
    for (int j = 0; j < width; j++) columns[j] = column(j);
#pragma unroll
    for (int k = 0; k < K; k += 4) {
      float a[4][8], b[4][width];
      load<A>(a, sa, k, rows);
      load<B>(b, sb, k, columns);
#pragma unroll
      for (int e = 0; e < 4; e++)
#pragma unroll
        for (int j = 0; j < width; j++) b[e][j] = prepare(b[e][j], j);
#pragma unroll
      for (int e = 0; e < 4; e++)
#pragma unroll
        for (int i = 0; i < 8; i++)
#pragma unroll
          for (int j = 0; j < width; j++) c[i][j] += a[e][i] * b[e][j];
    }
  }

  template <class Emit>
  __device__ __forceinline__ void each(Emit emit) const {
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if constexpr (B::k_contiguous) {
#pragma unroll
        for (int j = 0; j < width; j++) {
          const float v[1] = {c[i][j]};
          emit(row(i), column(j), v);
        }
      } else {
#pragma unroll
        for (int j = 0; j < width; j += 4) {
          const float v[4] = {c[i][j], c[i][j + 1], c[i][j + 2], c[i][j + 3]};
          emit(row(i), column(j), v);
        }
      }
    }
  }
};

// multiply computes a block's tile of C over `steps` tiles along K and passes it to emit.
// fill(a, b) starts the copies of the next two tiles. Prepare, constructed from the product,
// converts each number of B on the way to the registers: prepare(v, j), of the column
// product.column(j). Groups of threads have tiles of their own if these are GROUPED; emit
// gets the sum of what they compute, in fixed order.
template <Precision P, class A, class B, class Prepare = Same, class Fill, class Emit, class... Args>
__device__ __forceinline__ void multiply(int steps, Fill fill, Emit emit, const Args&... prepared) {
  static_assert(A::rows == M && (B::rows == N || B::rows == M) && A::grouped == B::grouped, "tiles of another size");
  DYN_SHARED(float, shared);
  constexpr int both = A::floats + B::floats;
  float* own = shared + (A::grouped ? group() * stages * both : 0);
  const auto start = [&](float* tiles, int step) {
    if (step < steps) fill(tiles, tiles + A::floats);
    cp_async_commit();  // even an empty group: the wait below counts groups
  };
  for (int s = 0; s < stages - 1; s++) start(own + s * both, s);
  Product<P, A, B> product;
  const Prepare prepare(product, prepared...);
  int full = 0, free = stages - 1;  // the stages to multiply and to fill next
  for (int s = 0; s < steps; s++) {
    cp_async_wait<stages - 2>();
    __syncthreads();  // step s's data is complete, and all threads are done with s − 1
    start(own + free * both, s + stages - 1);
    const float* tiles = own + full * both;
    product.step(tiles, tiles + A::floats, prepare);
    free = full;
    full = full + 1 == stages ? 0 : full + 1;
  }
  if (A::grouped && !add_groups<groups<P>>(product.c, shared)) return;
  product.each(emit);
}

}  // namespace gemm
