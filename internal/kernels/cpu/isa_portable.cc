// The kernels for any processor: four lanes, SSE2 or NEON.
#define ISA portable
#define LANES 4
#include "families.h"
