// ops_spectral.h: the fusion of spectra, Eq. 14.
#pragma once
#include <stdint.h>

// conv 1×1 → LeakyReLU 0.1 → conv 1×1: w1 [C,K], b1 [C], w2 [C,C], b2 [C]. Of
// gradients each may be NULL.
typedef struct {
  float *w1, *b1, *w2, *b2;
} clusir_fuse;

// y, z, l [B,2C,bins]: C real planes, then C imaginary ones. K is 2C for
// amplitude, 4C for phase. dz and dl may be NULL.
#define OPS_SPECTRAL(X)                                                                                              \
  X(spectral_fusion,                                                                                                 \
    (float* y, const float* z, const float* l, int64_t B, int64_t C, int64_t bins, const clusir_fuse* amplitude,     \
     const clusir_fuse* phase),                                                                                      \
    (y, z, l, B, C, bins, amplitude, phase))                                                                         \
  X(spectral_fusion_grad,                                                                                            \
    (float* dz, float* dl, const clusir_fuse* damplitude, const clusir_fuse* dphase, const float* dy,                \
     const float* z, const float* l, int64_t B, int64_t C, int64_t bins, const clusir_fuse* amplitude,               \
     const clusir_fuse* phase),                                                                                      \
    (dz, dl, damplitude, dphase, dy, z, l, B, C, bins, amplitude, phase))
