// The kernels with products in bf16 for any processor: slow, for tests to compare with.
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "table.h"

#define ISA portable_bf16
#define OPERAND Pair
#define LANES 4
#include "families.h"
