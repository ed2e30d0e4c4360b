// fft_plan.h: how a Fourier transform of a given length is computed. Plans are
// made once, in double precision, and are the same for all instruction sets.
#pragma once
#include <stdint.h>

// Odd radices up to this one have butterflies of their own.
constexpr int64_t kLargestUnrolled = 7;

// FFTPass is one pass of a Stockham transform (decimation in frequency): with
// n = radix·count and stride s, for p < count and q < s,
//
//   y[q + s(radix·p + u)] = w^(pu) Σ_t x[q + s(p + count·t)] e^(-2πi·tu/radix),  w = e^(-2πi/n)
//
// twiddle holds w^(pu) as [count][radix-1][re,im], u from 1. dft belongs to odd
// radices, h = radix/2: up to kLargestUnrolled the cosines and then the sines of
// 2πj/radix, j = 1..h; for others the matrices cos(2πuj/radix) [h+1][h+1], from
// 0, and sin(2πuj/radix) [h][h], from 1.
struct FFTPass {
  int64_t radix, count, stride;
  const float *twiddle, *dft;
};

// FFTPlan is the transform of length n, X_k = Σ_j x_j e^(-2πi·jk/n).
//
// A length with a prime factor that is too large for a pass has, instead of passes,
// Bluestein's form, a convolution of length chirp_plan->n: chirp holds
// e^(-πik²/n), k < n, and filter the transform of its conjugate, wrapped around
// and divided by that length; both are [][re,im].
//
// half belongs to the real transform of length 2n: e^(-πik/n), k <= n/2.
struct FFTPlan {
  int64_t n;
  int passes;
  FFTPass pass[40];
  const FFTPlan* chirp_plan;
  const float *chirp, *filter, *half;
  int64_t room;  // vectors of scratch that the transform needs
};

// fft_plan returns the plan for length n. Plans live as long as the program:
// there are as many as lengths in use.
const FFTPlan& fft_plan(int64_t n);
