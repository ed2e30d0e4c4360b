// The kernels with products in bf16 by AMX for x86-64 with avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,avx2,fma.
#if defined(__x86_64__)
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "table.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,avx2,fma")
#endif

#define ISA amx_bf16
#define OPERAND Pair
#define BF16_INSTRUCTIONS
#define AMX_INSTRUCTIONS
#define LANES 16
#include "families.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
