#define _GNU_SOURCE
#include "shim.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum { ncclFloat32 = 7, ncclSum = 0 };

// NCCL 2.14's ncclConfig_t. Its version makes newer releases use their defaults for the
// fields that they have appended.
typedef struct {
  size_t size;
  unsigned magic, version;
  int blocking, padding;
} config;

static struct {
  const char *(*GetErrorString)(int);
  int (*GetUniqueId)(ncclUniqueId *);
  int (*CommInitRankConfig)(ncclComm_t *, int, ncclUniqueId, int, config *);
  int (*CommFinalize)(ncclComm_t);
  int (*CommDestroy)(ncclComm_t);
  int (*CommAbort)(ncclComm_t);
  int (*CommGetAsyncError)(ncclComm_t, int *);
  int (*GroupStart)(void);
  int (*GroupEnd)(void);
  int (*AllReduce)(const void *, void *, size_t, int, int, ncclComm_t, void *);
} nccl;

int clusir_nccl_open(char *why, size_t size) {
  const char *name = getenv("CLUSIR_LIBNCCL");
  void *lib = dlopen(name && *name ? name : "libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!lib) {
    snprintf(why, size, "%s", dlerror());
    return -1;
  }
  const struct {
    const char *name;
    void **slot;
  } table[] = {
#define SYMBOL(f) {"nccl" #f, (void **)&nccl.f}
      SYMBOL(GetErrorString), SYMBOL(GetUniqueId), SYMBOL(CommInitRankConfig), SYMBOL(CommFinalize), SYMBOL(CommDestroy),
      SYMBOL(CommAbort), SYMBOL(CommGetAsyncError), SYMBOL(GroupStart), SYMBOL(GroupEnd), SYMBOL(AllReduce),
#undef SYMBOL
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    *table[i].slot = dlsym(lib, table[i].name);
    if (!*table[i].slot) {
      snprintf(why, size, "%s", dlerror());
      dlclose(lib);
      return -1;
    }
  }
  return 0;
}

const char *clusir_nccl_text(int code) { return nccl.GetErrorString(code); }

int clusir_nccl_id(ncclUniqueId *id) { return nccl.GetUniqueId(id); }

int clusir_nccl_join(ncclComm_t *comm, const ncclUniqueId *id, int rank, int size) {
  config c = {.size = sizeof c, .magic = 0xcafebeef, .version = 21400, .blocking = 0};
  return nccl.CommInitRankConfig(comm, size, *id, rank, &c);
}

int clusir_nccl_sum(ncclComm_t comm, int n, const unsigned long long *at, const size_t *counts, void *stream) {
  int code = nccl.GroupStart();
  if (code) return code;
  for (int i = 0; i < n && !code; i++) {
    void *p = (void *)(size_t)at[i];
    code = nccl.AllReduce(p, p, counts[i], ncclFloat32, ncclSum, comm, stream);
  }
  int end = nccl.GroupEnd();
  return code ? code : end;
}

int clusir_nccl_state(ncclComm_t comm) {
  int state = 0;
  int code = nccl.CommGetAsyncError(comm, &state);
  return code ? code : state;
}

int clusir_nccl_finalize(ncclComm_t comm) { return nccl.CommFinalize(comm); }

int clusir_nccl_destroy(ncclComm_t comm) { return nccl.CommDestroy(comm); }

int clusir_nccl_abort(ncclComm_t comm) { return nccl.CommAbort(comm); }
