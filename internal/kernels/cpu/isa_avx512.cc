// The kernels for x86-64 with AVX-512.
#if defined(__x86_64__)
#define ISA avx512
#define TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"
#define LANES 16
#include "families.h"
#endif
