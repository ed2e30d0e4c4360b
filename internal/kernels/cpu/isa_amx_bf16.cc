// The kernels for x86-64 with AVX-512 and products in bf16 by AMX.
#if defined(__x86_64__)
#define ISA amx_bf16
#define TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,avx2,fma"
#define OPERAND Pair
#define BF16_INSTRUCTIONS
#define AMX_INSTRUCTIONS
#define LANES 16
#include "families.h"
#endif
