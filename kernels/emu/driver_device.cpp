// Devices, contexts and their objects.
#include <cstdio>
#include <cstring>
#include <vector>

#include "driver.h"
#include "worker.h"

namespace emu {

static std::mutex lock;  // of the primary contexts
static std::map<int, CUctx_st*> primary;
static uint64_t reclaimed = 0;
static thread_local CUctx_st* bound = nullptr;

int device_count() { return int(setting("SOFTDEVICE_COUNT", 1)); }
size_t device_memory() { return size_t(setting("SOFTDEVICE_MEMORY", 40 << 10)) << 20; }
CUctx_st* current_context() { return bound; }

void mark_lost(CUctx_st* c, int code) {
  int none = 0;
  c->lost.compare_exchange_strong(none, code);
}

CUresult begin(const char* call) {
  int code = enter(call);
  if (code && is_sticky(code) && bound) mark_lost(bound, code);
  return CUresult(code);
}

CUresult need_context() {
  if (!bound) return CUDA_ERROR_INVALID_CONTEXT;
  return CUresult(bound->lost.load());
}

void drain(CUctx_st* c) {
  std::vector<CUstream_st*> all;
  {
    std::lock_guard l(c->lock);
    all.assign(c->streams.begin(), c->streams.end());
  }
  for (CUstream_st* s : all) s->wait();
}

// destroy ends a context and counts the objects that its owner had not freed.
static void destroy(CUctx_st* c) {
  drain(c);
  reclaimed += c->streams.size() + c->modules.size() + c->events.size() + c->graphs.size() + c->executables.size() +
               release_owned(c);
  forget_graphs(c);
  for (CUstream_st* s : c->streams) delete s;
  for (CUmod_st* m : c->modules) delete m;
  for (CUevent_st* e : c->events) delete e;
  delete c;
}

static CUresult release_primary(CUdevice d, bool all) {
  std::lock_guard l(lock);
  auto it = primary.find(d);
  if (it == primary.end()) return all ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
  CUctx_st* c = it->second;
  if (--c->retained > 0 && !all) return CUDA_SUCCESS;
  primary.erase(it);
  if (bound == c) bound = nullptr;
  destroy(c);
  return CUDA_SUCCESS;
}

static int attribute(CUdevice_attribute a) {
  const int capability = int(setting("SOFTDEVICE_CC", 80));
  switch (a) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: return capability / 10;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: return capability % 10;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: return 108;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: return 163 << 10;
    default: return 0;
  }
}

}  // namespace emu

using namespace emu;

void softdevice_live(softdevice_stats* out) {
  *out = {};
  std::lock_guard l(lock);
  for (auto& [_, c] : primary) {
    std::lock_guard l(c->lock);
    out->contexts++;
    out->modules += c->modules.size();
    out->streams += c->streams.size();
    out->events += c->events.size();
    out->graphs += c->graphs.size() + c->executables.size();
  }
  count_allocations(&out->device_allocations, &out->pinned_allocations);
  out->reclaimed = reclaimed;
  out->launches = launches();
}

#define CHECK_DEVICE(d) \
  if ((d) < 0 || (d) >= device_count()) return CUDA_ERROR_INVALID_DEVICE

API(cuInit, unsigned) {
  ENTER(cuInit);
  static std::once_flag once;
  std::call_once(once, catch_faults);
  return CUDA_SUCCESS;
}
API(cuDriverGetVersion, int* v) {
  ENTER(cuDriverGetVersion);
  *v = int(setting("SOFTDEVICE_DRIVER", 13000));
  return CUDA_SUCCESS;
}
API(cuDeviceGetCount, int* n) {
  ENTER(cuDeviceGetCount);
  *n = device_count();
  return CUDA_SUCCESS;
}
API(cuDeviceGet, CUdevice* d, int i) {
  ENTER(cuDeviceGet);
  CHECK_DEVICE(i);
  *d = i;
  return CUDA_SUCCESS;
}
API(cuDeviceGetName, char* out, int size, CUdevice d) {
  ENTER(cuDeviceGetName);
  CHECK_DEVICE(d);
  snprintf(out, size, "software device");
  return CUDA_SUCCESS;
}
API(cuDeviceTotalMem_v2, size_t* n, CUdevice d) {
  ENTER(cuDeviceTotalMem_v2);
  CHECK_DEVICE(d);
  *n = device_memory();
  return CUDA_SUCCESS;
}
API(cuDeviceGetAttribute, int* v, CUdevice_attribute a, CUdevice d) {
  ENTER(cuDeviceGetAttribute);
  CHECK_DEVICE(d);
  *v = attribute(a);
  return CUDA_SUCCESS;
}
API(cuDevicePrimaryCtxRetain, CUcontext* out, CUdevice d) {
  ENTER(cuDevicePrimaryCtxRetain);
  CHECK_DEVICE(d);
  std::lock_guard l(lock);
  CUctx_st*& c = primary[d];
  if (!c) {
    c = new CUctx_st;
    c->device = d;
  }
  c->retained++;
  *out = c;
  return CUDA_SUCCESS;
}
API(cuDevicePrimaryCtxRelease_v2, CUdevice d) {
  ENTER(cuDevicePrimaryCtxRelease_v2);
  return release_primary(d, false);
}
API(cuDevicePrimaryCtxReset_v2, CUdevice d) {
  ENTER(cuDevicePrimaryCtxReset_v2);
  return release_primary(d, true);
}
API(cuCtxSetCurrent, CUcontext c) {
  ENTER(cuCtxSetCurrent);
  bound = c;
  return CUDA_SUCCESS;
}
