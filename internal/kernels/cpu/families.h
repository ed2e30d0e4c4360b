// families.h: all kernels, compiled once per instruction set by isa_*.cc, which
// define ISA, LANES, TARGET unless any processor has the instructions and, if products
// take operands other than floats, OPERAND.
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "table.h"

// No standard header may be included for the first time from here on, and no
// standard container used: their inline functions would be compiled for this
// instruction set and could be linked into the others.
#define PRAGMA(x) _Pragma(#x)
#if defined(TARGET) && defined(__clang__)
#define PUSH_TARGET(name) PRAGMA(clang attribute push(__attribute__((target(name))), apply_to = function))
PUSH_TARGET(TARGET)
#elif defined(TARGET)
#define SET_TARGET(name) PRAGMA(GCC target(name))
SET_TARGET(TARGET)
#endif

#include "attention.h"
#include "conv1x1.h"
#include "conv3x3.h"
#include "experts_grad.h"
#include "experts_stream.h"
#include "fft.h"
#include "filter.h"
#include "haar.h"
#include "loss.h"
#include "msssim_grad.h"
#include "optim.h"
#include "pointwise.h"
#include "router.h"
#include "dense.h"
#include "spatial.h"
#include "spectral_grad.h"
#include "wavelet.h"

#define ENTRY(name, params, args) ISA::name,
#define QUOTE(x) #x
#define NAME(x) QUOTE(x)
#define JOIN(a, b) a##b
#define TABLE(isa) JOIN(clusir_, isa)
#if defined(AMX_INSTRUCTIONS)
#define AFTER ISA::release_tiles
#else
#define AFTER nullptr
#endif
const clusir_ops TABLE(ISA) = {NAME(ISA), AFTER, CLUSIR_OPS(ENTRY)};

#if defined(TARGET) && defined(__clang__)
#pragma clang attribute pop
#endif
