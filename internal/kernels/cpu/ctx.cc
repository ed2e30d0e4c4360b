// ctx.cc: choosing the instruction set, and the functions that Go calls.
#include <string.h>

#include "table.h"

struct clusir_ctx {
  Pool pool;
  const clusir_ops* ops;
  clusir_ctx(int threads, const clusir_ops* o) : pool(threads), ops(o) {}
};

// supported reports whether this processor runs o.
static bool supported(const clusir_ops* o) {
#if defined(__x86_64__)
  bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (o == &clusir_avx512) return avx512;
  if (o == &clusir_avx512_bf16) return avx512 && __builtin_cpu_supports("avx512bf16");
  if (o == &clusir_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return o == &clusir_portable || o == &clusir_portable_bf16;
}

clusir_ctx* clusir_open(int threads, const char* isa) {
  // The best first. What rounds operands comes after what every processor has, so
  // it is had by name alone.
  static const clusir_ops* const all[] = {
#if defined(__x86_64__)
      &clusir_avx512, &clusir_avx2, &clusir_portable, &clusir_avx512_bf16, &clusir_portable_bf16,
#else
      &clusir_portable, &clusir_portable_bf16,
#endif
  };
  for (const clusir_ops* o : all)
    if (supported(o) && (!*isa || !strcmp(isa, o->isa))) return new clusir_ctx(threads, o);
  return nullptr;
}

void clusir_close(clusir_ctx* c) { delete c; }

const char* clusir_isa(const clusir_ctx* c) { return c->ops->isa; }

#define DEFINE(name, params, args) \
  void clusir_##name(clusir_ctx* ctx, UNPAREN params) { ctx->ops->name(ctx->pool, UNPAREN args); }
CLUSIR_OPS(DEFINE)
