// The kernels with products in bf16 for any processor: slow, for tests to compare with.
#define ISA portable_bf16
#define OPERAND Pair
#define LANES 4
#include "families.h"
