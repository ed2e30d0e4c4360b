// The kernels for any processor: four lanes, SSE2 or NEON.
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "table.h"

#define ISA portable
#define LANES 4
#include "families.h"
