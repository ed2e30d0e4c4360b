// cpu.h: the C interface of the kernels, for cgo.
//
// ops.h lists the operations; each becomes a function clusir_<name> here.
#pragma once
#include <stdint.h>

#include "ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clusir_ctx clusir_ctx;

// clusir_open starts threads-1 workers. isa names an instruction set ("avx512",
// "avx2", "portable") or one with products in bf16 ("amx_bf16", "avx512_bf16",
// "portable_bf16"); "" and "bf16" select the fastest that the CPU has. It returns NULL if
// the CPU lacks it or the name is unknown.
clusir_ctx* clusir_open(int threads, const char* isa);
void clusir_close(clusir_ctx* c);
const char* clusir_isa(const clusir_ctx* c);

#define UNPAREN(...) __VA_ARGS__
#define DECLARE(name, params, args) void clusir_##name(clusir_ctx* ctx, UNPAREN params);
CLUSIR_OPS(DECLARE)
#undef DECLARE

#ifdef __cplusplus
}
#endif
