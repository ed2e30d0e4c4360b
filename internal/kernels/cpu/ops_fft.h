// ops_fft.h: the orthonormal Fourier transforms of planes.
#pragma once
#include <stdint.h>

// x [B,C,H,W], z [B,2C,H,W/2+1]: real planes, then imaginary ones; H and W even.
// Columns 1..W/2-1 are multiplied by inner, on the way to z as on the way from
// it. add: the result is added to the destination. Adjoints are thus transforms
// of the other direction: irfft2's is rfft2 with inner = 2, rfft2's is irfft2
// with inner = 1/2.
#define OPS_FFT(X)                                                                                           \
  X(rfft2, (float* z, const float* x, int64_t B, int64_t C, int64_t H, int64_t W, float inner, int add),     \
    (z, x, B, C, H, W, inner, add))                                                                          \
  X(irfft2, (float* x, const float* z, int64_t B, int64_t C, int64_t H, int64_t W, float inner, int add),    \
    (x, z, B, C, H, W, inner, add))
