// Memory: allocation, copies, fills. Copies and fills run in their stream.
#include <algorithm>
#include <cstring>

#include "driver.h"

using namespace emu;

static std::mutex allocation_lock;

API(cuMemAlloc_v2, CUdeviceptr* out, size_t bytes) {
  ENTER_UNCAPTURED(cuMemAlloc_v2);
  if (!bytes) return CUDA_ERROR_INVALID_VALUE;
  std::lock_guard l(allocation_lock);
  if (device_bytes(context->device) + bytes > device_memory()) return CUDA_ERROR_OUT_OF_MEMORY;
  void* p = allocate(bytes, context->device, context);
  if (!p) return CUDA_ERROR_OUT_OF_MEMORY;
  *out = CUdeviceptr(p);
  return CUDA_SUCCESS;
}
API(cuMemFree_v2, CUdeviceptr p) {
  ENTER_UNCAPTURED(cuMemFree_v2);
  if (!p) return CUDA_SUCCESS;
  drain(context);
  return release_allocation(reinterpret_cast<void*>(p), false) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
API(cuMemHostAlloc, void** out, size_t bytes, unsigned) {
  ENTER_UNCAPTURED(cuMemHostAlloc);
  if (!bytes) return CUDA_ERROR_INVALID_VALUE;
  *out = allocate(bytes, -1, context);
  return *out ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}
API(cuMemFreeHost, void* p) {
  ENTER_UNCAPTURED(cuMemFreeHost);
  drain(context);
  return release_allocation(p, true) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
// run queues a task, which is skipped if the context is lost.
static CUresult run(CUstream s, std::function<void()> task) {
  if (!s) return CUDA_ERROR_INVALID_HANDLE;  // there is no null stream: create one
  if (idle()) return CUDA_SUCCESS;
  CUctx_st* c = s->context;
  s->push([c, task] {
    if (!c->lost) task();
  });
  return CUDA_SUCCESS;
}

static CUresult copy(CUdeviceptr d, CUdeviceptr s, size_t n, CUstream h, bool to_device, bool from_device) {
  void *dst = reinterpret_cast<void*>(d), *src = reinterpret_cast<void*>(s);
  if (to_device ? !inside_device(dst, n) : !fits_if_pinned(dst, n)) return CUDA_ERROR_INVALID_VALUE;
  if (from_device ? !inside_device(src, n) : !fits_if_pinned(src, n)) return CUDA_ERROR_INVALID_VALUE;
  return run(h, [=] { memcpy(dst, src, n); });
}

API(cuMemcpyHtoDAsync_v2, CUdeviceptr d, const void* s, size_t n, CUstream h) {
  ENTER_UNCAPTURED(cuMemcpyHtoDAsync_v2);
  return copy(d, CUdeviceptr(s), n, h, true, false);
}
API(cuMemcpyDtoHAsync_v2, void* d, CUdeviceptr s, size_t n, CUstream h) {
  ENTER_UNCAPTURED(cuMemcpyDtoHAsync_v2);
  return copy(CUdeviceptr(d), s, n, h, false, true);
}
API(cuMemcpyDtoDAsync_v2, CUdeviceptr d, CUdeviceptr s, size_t n, CUstream h) {
  ENTER_CONTEXT(cuMemcpyDtoDAsync_v2);
  return copy(d, s, n, h, true, true);
}
API(cuMemsetD32Async, CUdeviceptr d, unsigned v, size_t n, CUstream h) {
  ENTER_CONTEXT(cuMemsetD32Async);
  unsigned* p = reinterpret_cast<unsigned*>(d);
  if (d % 4 || !inside_device(p, 4 * n)) return CUDA_ERROR_INVALID_VALUE;
  return run(h, [=] { std::fill_n(p, n, v); });
}
API(cuStreamWriteValue32_v2, CUstream h, CUdeviceptr d, cuuint32_t v, unsigned flags) {
  ENTER_UNCAPTURED(cuStreamWriteValue32_v2);
  unsigned* p = reinterpret_cast<unsigned*>(d);
  // Like the driver: only the first version of this call has NO_MEMORY_BARRIER.
  if (d % 4 || flags != CU_STREAM_WRITE_VALUE_DEFAULT || !find(p) || !fits_if_pinned(p, 4)) return CUDA_ERROR_INVALID_VALUE;
  return run(h, [=] { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); });
}
