// ptx.cuh is the only place with inline PTX. Each primitive has two forms: the
// instruction, for nvcc, and its effect in C++, for the software device (EMULATED,
// see emu/). Both forms are asynchronous, or neither.
//
//   DYN_SHARED(T, name)      dynamic shared memory as T*, aligned to 16 bytes
//   in_global(p)             p, known to be in global memory, for pointers that were
//                            read from memory: saves generic addressing
//   store16(p, a,b,c,d)      writes four floats at once; ptxas may split a float4's
//                            store into four if that suits its registers
//   cp_async<16|8|4>(d,s,n)  starts a copy of that many bytes to shared memory,
//                            of which n are read and the rest become 0; d and s
//                            are multiples of that size
//   cp_async_or_zero<N>(d,s,v)  the same; reads all bytes if v, else none
//   cp_async_commit()        ends a group of copies
//   cp_async_wait<N>()       waits until at most N groups of this thread are in
//                            flight; __syncthreads then shows them to the block
//   load_matrices(v, p)      reads four matrices of 8 rows of 16 bytes from shared memory:
//                            p of lane 8i + r is row r of matrix i; v[i] gets word
//                            lane % 4 of row lane / 4 of matrix i
//   load_transposed(v, p)    the same of matrices of 8×8 bf16, transposed: v[i] gets column
//                            lane / 4 of the rows 2 (lane % 4) and the next one
//   to_tf32(x)               x for mma_tf32, which truncates to TF32: the result is then
//                            rounded, ties away from zero
//   rounded(x, on)           x rounded to TF32 if on
//   pack_bf16(lo, hi)        rounds to two bf16, ties to even
//   mma_tf32(c, a, b)        c += a b, m16n8k8; fragments as in PTX's mma.sync
//   mma_bf16(c, a, b)        c += a b, m16n8k16
#pragma once

#ifdef EMULATED

#define DYN_SHARED(T, name) T* const name = static_cast<T*>(emu::dynamic_shared())

__device__ __forceinline__ float* in_global(float* p) { return p; }

__device__ __forceinline__ void store16(float* p, float a, float b, float c, float d) {
  *reinterpret_cast<float4*>(p) = make_float4(a, b, c, d);
}

template <int BYTES>
__device__ __forceinline__ void cp_async(void* dst, const void* src, int valid = BYTES) {
  emu::copy_issue({dst, src, BYTES, unsigned(valid)});
}
template <int BYTES>
__device__ __forceinline__ void cp_async_or_zero(void* dst, const void* src, bool valid) {
  emu::copy_issue({dst, src, BYTES, valid ? BYTES : 0u});
}
__device__ __forceinline__ void cp_async_commit() { emu::copy_commit(); }
template <int N>
__device__ __forceinline__ void cp_async_wait() { emu::copy_wait(N); }

__device__ __forceinline__ void load_matrices(float (&v)[4], const float* p) {
  for (int i = 0; i < 4; i++)
    v[i] = reinterpret_cast<const float*>(__shfl_sync(~0u, reinterpret_cast<unsigned long long>(p), 8 * i + emu::lane() / 4))[emu::lane() % 4];
}

__device__ __forceinline__ void load_transposed(unsigned (&v)[4], const void* p) {
  for (int i = 0; i < 4; i++) {
    v[i] = 0;
    for (int k = 0; k < 2; k++) {
      const auto row = __shfl_sync(~0u, reinterpret_cast<unsigned long long>(p), 8 * i + 2 * (emu::lane() % 4) + k);
      v[i] |= unsigned(reinterpret_cast<const unsigned short*>(row)[emu::lane() / 4]) << 16 * k;
    }
  }
}

__device__ __forceinline__ unsigned emu_bf16(float x) {
  unsigned u = __float_as_uint(x);
  return x != x ? 0x7fffu : (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
}
__device__ __forceinline__ unsigned pack_bf16(float lo, float hi) { return emu_bf16(hi) << 16 | emu_bf16(lo); }

template <int B, class F>
EMU_INTERNAL void emu_mma(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[B], F multiply) {
  emu::Warp& w = emu::warp();
  int lane = emu::lane();
  memcpy(w.a[lane], a, sizeof a);
  memcpy(w.b[lane], b, sizeof b);
  memcpy(w.c[lane], c, sizeof c);
  emu::collective(~0u, multiply);
  memcpy(c, w.c[lane], sizeof c);
}
__device__ __forceinline__ void mma_tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  emu_mma(c, a, b, emu::mma_tf32);
}
__device__ __forceinline__ void mma_bf16(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  emu_mma(c, a, b, emu::mma_bf16);
}

#else

#define DYN_SHARED(T, name)                          \
  extern __shared__ __align__(16) char name##_raw[]; \
  T* const name = reinterpret_cast<T*>(name##_raw)

__device__ __forceinline__ float* in_global(float* p) {
  __builtin_assume(__isGlobal(p));
  return p;
}

__device__ __forceinline__ void store16(float* p, float a, float b, float c, float d) {
  asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};\n" ::"l"(p), "f"(a), "f"(b), "f"(c), "f"(d) : "memory");
}

template <int BYTES>
__device__ __forceinline__ void cp_async(void* dst, const void* src, int valid = BYTES) {
  static_assert(BYTES == 16 || BYTES == 8 || BYTES == 4, "cp.async copies 4, 8 or 16 bytes");
  const unsigned d = static_cast<unsigned>(__cvta_generic_to_shared(dst));
  if constexpr (BYTES == 16)  // bypasses L1: blocks share tiles through L2
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(d), "l"(src), "r"(valid) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %3, %2;\n" ::"r"(d), "l"(src), "r"(valid), "n"(BYTES) : "memory");
}
template <int BYTES>
__device__ __forceinline__ void cp_async_or_zero(void* dst, const void* src, bool valid) {
  static_assert(BYTES == 16 || BYTES == 4, "cp.async copies 4 or 16 bytes here");
  const unsigned d = static_cast<unsigned>(__cvta_generic_to_shared(dst));
  const unsigned none = !valid;
  if constexpr (BYTES == 16)
    asm volatile("{ .reg .pred p; setp.ne.u32 p, %2, 0; cp.async.cg.shared.global [%0], [%1], 16, p; }\n" ::"r"(d), "l"(src), "r"(none) : "memory");
  else
    asm volatile("{ .reg .pred p; setp.ne.u32 p, %2, 0; cp.async.ca.shared.global [%0], [%1], 4, p; }\n" ::"r"(d), "l"(src), "r"(none) : "memory");
}
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }
template <int N>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(N) : "memory");
}

__device__ __forceinline__ void load_matrices(float (&v)[4], const float* p) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=f"(v[0]), "=f"(v[1]), "=f"(v[2]), "=f"(v[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(p)))
               : "memory");
}

__device__ __forceinline__ void load_transposed(unsigned (&v)[4], const void* p) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(p)))
               : "memory");
}

__device__ __forceinline__ unsigned pack_bf16(float lo, float hi) {
  unsigned u;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(u) : "f"(hi), "f"(lo));
  return u;
}

__device__ __forceinline__ void mma_tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ __forceinline__ void mma_bf16(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#endif

// Half a unit in TF32's last place is 2⁻¹¹ of x's power of two. Adding that takes two
// instructions; cvt.rna takes five. NaN and infinities do not change; below 2⁻¹²⁶ nothing
// is added.
__device__ __forceinline__ unsigned to_tf32(float x) {
  const float power = __uint_as_float(__float_as_uint(x) & 0xff800000u);
  return __float_as_uint(fmaf(power, 0x1p-11f, x));
}

// rounded returns x, rounded to TF32 if `on`, for a product whose tile is ROUNDED.
__device__ __forceinline__ float rounded(float x, bool on) {
  return on ? __uint_as_float(to_tf32(x) & 0xffffe000u) : x;
}
