// The orthonormal Fourier transform of planes x [B,C,H,W], both sides even, as
// spectra z [B,2C,H,W/2+1]: the real planes of a sample, then its imaginary ones.
//   rfft2   z_kl = (HW)^-½ Σ_yx x_yx e^(−2πi(ky/H + lx/W))
//   irfft2  v_yl = Σ_k z_kl e^(2πiky/H),  x_yx = (HW)^-½ Σ_l m_l Re(v_yl e^(2πilx/W)),
//           m = 2, but 1 for l = 0 and W/2, where the imaginary part drops out
// The gradient of each is the other with its inner columns weighted, by 1/2 or 2,
// and added.
//
// Each has two kernels, one along the rows and one down the columns, with the spectra
// between them in global memory. Two rows of real numbers form one of complex ones,
// r0 + i·r1, whose transform separates into theirs by symmetry; an inverse transform is a
// forward one with real and imaginary parts swapped. A block holds L lines of n complex
// numbers in shared memory, twice (16·n·L bytes), and processes them in passes of radix 4,
// 2, 3, 5 and 7 (Stockham), and of any other prime by the definition. For lines too long
// for shared memory (n over some 10000) the kernels *_long use global memory instead.
//
// Rows: L pairs of rows, from any planes. Columns: L neighbouring columns, from any
// planes, so that 64 bytes are read together.
// 8 bytes and some 2.5·log₂ n operations per number of x in each kernel (12 bytes if it
// adds): bound by memory for n up to some thousands, next by the passes through shared
// memory. 256 threads per block. The following holds while 16·n·L is at most 40 KB.
// Threads a multiprocessor, at least: 1024.
#include "common.cuh"

constexpr int threads = 256;

__device__ __forceinline__ float2 operator+(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }
__device__ __forceinline__ float2 operator-(float2 a, float2 b) { return make_float2(a.x - b.x, a.y - b.y); }
__device__ __forceinline__ float2 operator*(float2 a, float2 b) {
  return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// cosine and sine of 2πk/r, k up to r/2; constants once loops are unrolled.
__device__ __forceinline__ float cosine(int r, int k) {
  if (r == 3) return -.5f;
  if (r == 5) return k == 1 ? .30901699f : -.80901699f;
  return k == 1 ? .62348980f : k == 2 ? -.22252093f : -.90096887f;
}
__device__ __forceinline__ float sine(int r, int k) {
  if (r == 3) return .86602540f;
  if (r == 5) return k == 1 ? .95105652f : .58778525f;
  return k == 1 ? .78183148f : k == 2 ? .97492791f : .43388374f;
}

// dft replaces x by X_u = Σ_t x_t e^(−2πi·tu/R), R odd.
template <int R>
__device__ __forceinline__ void dft(float2 (&x)[R]) {
  constexpr int half = R / 2;
  float2 sum[half], difference[half], all = x[0];
#pragma unroll
  for (int j = 0; j < half; j++) {
    sum[j] = x[j + 1] + x[R - 1 - j];
    difference[j] = x[j + 1] - x[R - 1 - j];
    all = all + sum[j];
  }
#pragma unroll
  for (int u = 1; u <= half; u++) {
    float2 even = x[0], odd = make_float2(0.f, 0.f);
#pragma unroll
    for (int j = 0; j < half; j++) {
      const int k = (j + 1) * u % R, m = k > half ? R - k : k;
      const float c = cosine(R, m), s = k > half ? -sine(R, m) : sine(R, m);
      even = even + make_float2(c * sum[j].x, c * sum[j].y);
      odd = odd + make_float2(s * difference[j].x, s * difference[j].y);
    }
    x[u] = make_float2(even.x + odd.y, even.y - odd.x);
    x[R - u] = make_float2(even.x - odd.y, even.y + odd.x);
  }
  x[0] = all;
}
template <>
__device__ __forceinline__ void dft<2>(float2 (&x)[2]) {
  const float2 a = x[0], b = x[1];
  x[0] = a + b, x[1] = a - b;
}
template <>
__device__ __forceinline__ void dft<4>(float2 (&x)[4]) {
  const float2 a = x[0] + x[2], b = x[0] - x[2], c = x[1] + x[3], d = x[1] - x[3];
  x[0] = a + c, x[2] = a - c;
  x[1] = make_float2(b.x + d.y, b.y - d.x), x[3] = make_float2(b.x - d.y, b.y + d.x);
}

// Lines are L lines of n complex numbers, stored one after another or, with COLUMNS,
// interleaved. roots holds e^(−2πik/n), k < n.
template <bool COLUMNS>
struct Lines {
  float2 *a, *b;  // the numbers, and a buffer of the same size
  const float2* roots;
  int n, L;

  __device__ __forceinline__ int at(int k, int line) const { return COLUMNS ? k * L + line : line * n + k; }

  // butterfly does one pass of radix R, like the CPU's. s is the product of the radices so
  // far.
  template <int R>
  __device__ __forceinline__ void butterfly(int s) {
    const int per_line = n / R, count = per_line / s;
    for (int t = threadIdx.x; t < per_line * L; t += threads) {
      const int i = COLUMNS ? t / L : t % per_line, line = COLUMNS ? t % L : t / per_line;
      const int q = i % s, p = i / s;
      float2 x[R];
#pragma unroll
      for (int k = 0; k < R; k++) x[k] = a[at(q + s * (p + count * k), line)];
      dft<R>(x);
#pragma unroll
      for (int u = 0; u < R; u++) b[at(q + s * (R * p + u), line)] = u == 0 ? x[0] : x[u] * roots[p * u * s];
    }
  }

  // direct does one pass of any radix: R operations per number.
  __device__ __forceinline__ void direct(int R, int s) {
    const int per_line = n / R, count = per_line / s;
    for (int t = threadIdx.x; t < n * L; t += threads) {
      const int i = COLUMNS ? t / L : t % n, line = COLUMNS ? t % L : t / n;
      const int q = i % s, p = i / s % count, u = i / per_line;
      float2 sum = make_float2(0.f, 0.f);
      for (int k = 0, root = 0; k < R; k++, root += u * per_line) {
        if (root >= n) root -= n;
        sum = sum + a[at(q + s * (p + count * k), line)] * roots[root];
      }
      b[at(q + s * (R * p + u), line)] = sum * roots[p * u * s];
    }
  }

  // transform replaces a by its transform. All threads must have written a.
  __device__ __forceinline__ void transform() {
    for (int s = 1, R; s < n; s *= R) {
      __syncthreads();
      const int m = n / s;
      if (m % 4 == 0) butterfly<4>(s), R = 4;
      else if (m % 2 == 0) butterfly<2>(s), R = 2;
      else if (m % 3 == 0) butterfly<3>(s), R = 3;
      else if (m % 5 == 0) butterfly<5>(s), R = 5;
      else if (m % 7 == 0) butterfly<7>(s), R = 7;
      else {
        for (R = 11; R * R <= m && m % R; R += 2) {
        }
        if (m % R) R = m;
        direct(R, s);
      }
      float2* other = a;
      a = b, b = other;
    }
    __syncthreads();
  }
};

// lines places a block's lines: in shared memory or, if LONG, in room.
template <bool LONG, bool COLUMNS>
__device__ __forceinline__ Lines<COLUMNS> lines(float2* room, const float2* roots, int n, int L) {
  if constexpr (LONG) {
    float2* a = room + 2ll * blockIdx.x * n * L;
    return {a, a + n * L, roots, n, L};
  } else {
    DYN_SHARED(float2, shared);
    return {shared, shared + n * L, roots, n, L};
  }
}

// Spectrum locates the numbers of the pair g of rows: real parts from `re` on, imaginary
// ones `step` after them; the second row is `width` further.
struct Spectrum {
  long long re, step;
  int width;
  __device__ __forceinline__ Spectrum(int g, int C, int H, int W) {
    width = W / 2 + 1;
    const int plane = g / (H / 2), b = plane / C, c = plane % C;
    re = ((2ll * b * C + c) * H + g % (H / 2) * 2) * width;
    step = static_cast<long long>(C) * H * width;
  }
};

// rows transforms L pairs of the rows of x [B,C,H,W] to v [B,2C,H,W/2+1].
template <bool LONG>
__device__ __forceinline__ void rows(float* v, const float* x, float2* room, const float2* roots, int L, int planes, int C,
                                     int H, int W) {
  auto z = lines<LONG, false>(room, roots, W, L);
  const int first = blockIdx.x * L, groups = (W + 3) / 4;
  L = min(L, planes * (H / 2) - first);
  for (int t = threadIdx.x; t < L * groups; t += threads) {
    const int j = t / groups, k = t % groups * 4;
    const float* row = x + 2ll * (first + j) * W;
    float p[4], q[4];
    load4(p, row, k, W, W % 4 == 0);
    load4(q, row + W, k, W, W % 4 == 0);
#pragma unroll
    for (int i = 0; i < 4; i++)
      if (k + i < W) z.a[z.at(k + i, j)] = make_float2(p[i], q[i]);
  }
  z.L = L;
  z.transform();
  const int width = W / 2 + 1;
  for (int t = threadIdx.x; t < L * width; t += threads) {
    const int j = t / width, l = t % width;
    const float2 p = z.a[z.at(l, j)], q = z.a[z.at(l ? W - l : 0, j)];
    const Spectrum s(first + j, C, H, W);
    v[s.re + l] = .5f * (p.x + q.x);
    v[s.re + s.step + l] = .5f * (p.y - q.y);
    v[s.re + width + l] = .5f * (p.y + q.y);
    v[s.re + s.step + width + l] = .5f * (q.x - p.x);
  }
}

// inverse_rows transforms v to x, times scale, with inner columns multiplied by inner.
template <bool LONG>
__device__ __forceinline__ void inverse_rows(float* x, const float* v, float2* room, const float2* roots, int L, int planes,
                                             int C, int H, int W, float scale, float inner, int add) {
  auto z = lines<LONG, false>(room, roots, W, L);
  const int first = blockIdx.x * L, groups = (W + 3) / 4, width = W / 2 + 1;
  L = min(L, planes * (H / 2) - first);
  for (int t = threadIdx.x; t < L * width; t += threads) {
    const int j = t / width, l = t % width;
    const bool edge = l == 0 || l == W / 2;
    const Spectrum s(first + j, C, H, W);
    const float2 p = make_float2(v[s.re + l], edge ? 0.f : v[s.re + s.step + l]);
    const float2 q = make_float2(v[s.re + width + l], edge ? 0.f : v[s.re + s.step + width + l]);
    const float m = edge ? 1.f : inner;
    z.a[z.at(l, j)] = make_float2(m * (p.y + q.x), m * (p.x - q.y));  // p + iq, swapped
    if (!edge) z.a[z.at(W - l, j)] = make_float2(m * (q.x - p.y), m * (p.x + q.y));
  }
  z.L = L;
  z.transform();
  for (int t = threadIdx.x; t < L * groups; t += threads) {
    const int j = t / groups, k = t % groups * 4;
    float* row = x + 2ll * (first + j) * W;
    float p[4], q[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float2 c = k + i < W ? z.a[z.at(k + i, j)] : make_float2(0.f, 0.f);
      p[i] = scale * c.y, q[i] = scale * c.x;
    }
    put4(row, p, k, W, W % 4 == 0, add);
    put4(row + W, q, k, W, W % 4 == 0, add);
  }
}

// columns transforms L columns of v [B,2C,H,width] to y, times scale and, except for a
// plane's first and last column, inner. L divides the block.
template <bool LONG>
__device__ __forceinline__ void columns(float* y, const float* v, float2* room, const float2* roots, int L, int planes, int C,
                                        int H, int width, float scale, float inner, int inverse, int add) {
  auto z = lines<LONG, true>(room, roots, H, L);
  const int j = threadIdx.x % L, l = (blockIdx.x * L + j) % width, plane = (blockIdx.x * L + j) / width;
  const long long re = (2ll * (plane / C) * C + plane % C) * H * width + l, im = re + static_cast<long long>(C) * H * width;
  const bool any = plane < planes;
  for (int k = threadIdx.x / L; k < H; k += threads / L) {
    float2 c = make_float2(0.f, 0.f);
    if (any) c = make_float2(v[re + static_cast<long long>(k) * width], v[im + static_cast<long long>(k) * width]);
    z.a[z.at(k, j)] = inverse ? make_float2(c.y, c.x) : c;
  }
  z.transform();
  if (!any) return;
  if (l > 0 && l < width - 1) scale *= inner;
  for (int k = threadIdx.x / L; k < H; k += threads / L) {
    const float2 c = z.a[z.at(k, j)];
    float* p = y + static_cast<long long>(k) * width;
    const float r = scale * (inverse ? c.y : c.x), i = scale * (inverse ? c.x : c.y);
    p[re] = add ? p[re] + r : r;
    p[im] = add ? p[im] + i : i;
  }
}

#define FFT(NAME, LONG)                                                                                                \
  extern "C" __global__ void __launch_bounds__(threads, 4)                                                             \
      rfft_rows##NAME(float* __restrict__ v, const float* __restrict__ x, float2* __restrict__ room,                   \
                      const float2* __restrict__ roots, int L, int planes, int C, int H, int W) {                      \
    rows<LONG>(v, x, room, roots, L, planes, C, H, W);                                                                 \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(threads, 4)                                                             \
      irfft_rows##NAME(float* __restrict__ x, const float* __restrict__ v, float2* __restrict__ room,                  \
                       const float2* __restrict__ roots, int L, int planes, int C, int H, int W, float scale,          \
                       float inner, int add) {                                                                         \
    inverse_rows<LONG>(x, v, room, roots, L, planes, C, H, W, scale, inner, add);                                      \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(threads, 4)                                                             \
      fft_columns##NAME(float* __restrict__ y, const float* __restrict__ v, float2* __restrict__ room,                 \
                        const float2* __restrict__ roots, int L, int planes, int C, int H, int width, float scale,     \
                        float inner, int inverse, int add) {                                                           \
    columns<LONG>(y, v, room, roots, L, planes, C, H, width, scale, inner, inverse, add);                              \
  }
FFT(, false)
FFT(_long, true)
