// table.h: the table of functions that an instruction set provides.
#pragma once
#include "cpu.h"
#include "pool.h"

struct clusir_ops {
  const char* isa;
  void (*after)();  // see Pool, or NULL
#define MEMBER(name, params, args) void (*name)(Pool&, UNPAREN params);
  CLUSIR_OPS(MEMBER)
#undef MEMBER
};

extern const clusir_ops clusir_portable, clusir_portable_bf16;
#if defined(__x86_64__)
extern const clusir_ops clusir_avx2, clusir_avx512, clusir_avx512_bf16, clusir_amx_bf16;
#endif
