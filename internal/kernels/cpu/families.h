// families.h: all kernels, compiled once per instruction set by isa_*.cc, which
// define ISA, LANES and, if products take operands other than floats, OPERAND.
// No standard header may be included for the first time from here on, and no
// standard container used: their inline functions would be compiled for this
// instruction set and could be linked into the others.
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
