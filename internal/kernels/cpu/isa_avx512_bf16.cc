// The kernels for x86-64 with AVX-512 and its products in bf16.
#if defined(__x86_64__)
#define ISA avx512_bf16
#define TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma"
#define OPERAND Pair
#define BF16_INSTRUCTIONS
#define LANES 16
#include "families.h"
#endif
