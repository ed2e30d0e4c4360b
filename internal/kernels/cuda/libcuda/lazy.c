// A libcuda.a that binds to the CUDA driver at run time, so that one binary
// starts with and without a driver. Every driver call is a trampoline: a jump
// through a slot that clusir_cuda_open fills from libcuda.so.1, or from the file
// that CLUSIR_LIBCUDA names. scripts/cuda-libcuda.sh lists the calls in symbols.h.
//
// gorgonia.org/cu calls cuInit when the program starts, and exits if it fails. This cuInit
// only returns success; clusir_cuda_open makes the real call. A run on the CPU thus neither
// loads nor initialises the driver, and a broken driver is an ordinary error.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#if !defined(__x86_64__) || !defined(__linux__)
#error "the trampolines are written for x86-64 Linux; add this machine's indirect jump to SYMBOL"
#endif

enum { not_initialized = 3, not_supported = 801 };  // values of CUresult

static int before_open(void) { return not_initialized; }
static int missing(void) { return not_supported; }

#define SYMBOL(name)                                                            \
  __attribute__((used)) static void *slot_##name = (void *)before_open;         \
  __attribute__((naked)) void name(void) { __asm__("jmp *slot_" #name "(%rip)"); }
#include "symbols.h"
#undef SYMBOL

static const struct {
  const char *name;
  void **slot;
} table[] = {
#define SYMBOL(name) {#name, &slot_##name},
#include "symbols.h"
#undef SYMBOL
};

static void *driver;

int cuInit(unsigned flags) {
  (void)flags;
  return 0;
}

// clusir_cuda_open loads and initialises the driver. If there is none it returns -1, with
// the loader's message in why, else cuInit's result. Calls that the driver lacks return
// not_supported. Not safe for concurrent use.
int clusir_cuda_open(char *why, size_t size) {
  if (!driver) {
    const char *name = getenv("CLUSIR_LIBCUDA");
    driver = dlopen(name && *name ? name : "libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!driver) {
      snprintf(why, size, "%s", dlerror());
      return -1;
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
      void *f = dlsym(driver, table[i].name);
      *table[i].slot = f ? f : (void *)missing;
    }
  }
  int (*init)(unsigned) = (int (*)(unsigned))dlsym(driver, "cuInit");
  return init ? init(0) : not_supported;
}

// clusir_cuda_symbol returns an address that the loaded driver exports, or NULL.
void *clusir_cuda_symbol(const char *name) { return driver ? dlsym(driver, name) : NULL; }
