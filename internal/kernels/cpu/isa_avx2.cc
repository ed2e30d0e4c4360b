// The kernels for x86-64 with avx2,fma.
#if defined(__x86_64__)
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "table.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#define ISA avx2
#define LANES 8
#include "families.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
