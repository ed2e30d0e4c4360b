// The kernels for x86-64 with AVX2 and FMA.
#if defined(__x86_64__)
#define ISA avx2
#define TARGET "avx2,fma"
#define LANES 8
#include "families.h"
#endif
