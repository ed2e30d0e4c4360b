// ctx.cc: choosing the instruction set, and the functions that Go calls.
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "table.h"

struct clusir_ctx {
  Pool pool;
  const clusir_ops* ops;
  clusir_ctx(int threads, const clusir_ops* o) : pool(threads, o->after), ops(o) {}
};

#if defined(__x86_64__)
// tiles_allowed reports whether the CPU has AMX for bf16, the system saves its registers,
// and lets this process use them, which must be requested once for all threads. The system
// refuses if a thread's signal stack is too small to save 8 KiB of tiles: Go's have 32 KiB.
static bool tiles_allowed() {
#if defined(__linux__)
  static const bool allowed = [] {
    const unsigned kTile = 1u << 24, kBF16 = 1u << 22, kXSave = 1u << 27, kTileState = 3u << 17;
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & kXSave)) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (kTile | kBF16)) != (kTile | kBF16)) return false;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    const long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return (low & kTileState) == kTileState && syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  }();
  return allowed;
#else
  return false;
#endif
}
#endif

// supported reports whether this processor runs o.
static bool supported(const clusir_ops* o) {
#if defined(__x86_64__)
  bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
  if (o == &clusir_avx512) return avx512;
  if (o == &clusir_avx512_bf16) return bf16;
  if (o == &clusir_amx_bf16) return bf16 && tiles_allowed();
  if (o == &clusir_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return o == &clusir_portable || o == &clusir_portable_bf16;
}

// best is the fastest form for float32, or for bf16, NULL where nothing is faster
// than float32: Intel's vdpbf16ps does half the multiply-accumulates of its FMA.
static const clusir_ops* best(bool bf16) {
#if defined(__x86_64__)
  if (bf16 && supported(&clusir_amx_bf16)) return &clusir_amx_bf16;
  if (bf16 && supported(&clusir_avx512_bf16) && __builtin_cpu_is("amd")) return &clusir_avx512_bf16;
  if (!bf16 && supported(&clusir_avx512)) return &clusir_avx512;
  if (!bf16 && supported(&clusir_avx2)) return &clusir_avx2;
#endif
  return bf16 ? nullptr : &clusir_portable;
}

static const clusir_ops* find(const char* isa) {
  static const clusir_ops* const all[] = {
#if defined(__x86_64__)
      &clusir_avx512, &clusir_avx2, &clusir_avx512_bf16, &clusir_amx_bf16,
#endif
      &clusir_portable, &clusir_portable_bf16,
  };
  for (const clusir_ops* o : all)
    if (!strcmp(isa, o->isa)) return supported(o) ? o : nullptr;
  return nullptr;
}

clusir_ctx* clusir_open(int threads, const char* isa) {
  bool bf16 = !strcmp(isa, "bf16");
  const clusir_ops* o = bf16 || !*isa ? best(bf16) : find(isa);
  return o ? new clusir_ctx(threads, o) : nullptr;
}

void clusir_close(clusir_ctx* c) { delete c; }

const char* clusir_isa(const clusir_ctx* c) { return c->ops->isa; }

#define DEFINE(name, params, args) \
  void clusir_##name(clusir_ctx* ctx, UNPAREN params) { ctx->ops->name(ctx->pool, UNPAREN args); }
CLUSIR_OPS(DEFINE)
