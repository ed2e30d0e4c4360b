// Streams and events.
#include <chrono>

#include "driver.h"

using namespace emu;

void CUstream_st::run() {
  std::unique_lock l(lock);
  for (;;) {
    wake.wait(l, [&] { return quit || !tasks.empty(); });
    if (tasks.empty()) return;
    auto task = std::move(tasks.front());
    tasks.pop_front();
    busy = true;
    l.unlock();
    task();
    l.lock();
    busy = false;
    if (tasks.empty()) drained.notify_all();
  }
}

void CUstream_st::push(std::function<void()> task) {
  if (capture) {
    capture->tasks.push_back(std::move(task));
    return;
  }
  std::lock_guard l(lock);
  tasks.push_back(std::move(task));
  wake.notify_one();
}

void CUstream_st::wait() {
  std::unique_lock l(lock);
  drained.wait(l, [&] { return tasks.empty() && !busy; });
}

CUstream_st::~CUstream_st() {
  wait();
  {
    std::lock_guard l(lock);
    quit = true;
  }
  wake.notify_all();
  thread.join();
}

API(cuStreamCreate, CUstream* out, unsigned) {
  ENTER_CONTEXT(cuStreamCreate);
  return keep(context, context->streams, out, new CUstream_st(context));
}
API(cuStreamDestroy_v2, CUstream s) {
  ENTER_UNCAPTURED(cuStreamDestroy_v2);
  return drop(context, context->streams, s);
}
API(cuStreamSynchronize, CUstream s) {
  ENTER_UNCAPTURED(cuStreamSynchronize);
  if (!s) return CUDA_ERROR_INVALID_HANDLE;
  s->wait();
  return CUresult(context->lost.load());
}
API(cuStreamWaitEvent, CUstream s, CUevent e, unsigned) {
  ENTER_UNCAPTURED(cuStreamWaitEvent);
  if (!s) return CUDA_ERROR_INVALID_HANDLE;
  uint64_t id;
  {
    std::lock_guard l(e->lock);
    id = e->recorded;
  }
  s->push([=] {
    std::unique_lock l(e->lock);
    e->changed.wait(l, [&] { return e->finished >= id; });
  });
  return CUDA_SUCCESS;
}

API(cuEventCreate, CUevent* out, unsigned) {
  ENTER_CONTEXT(cuEventCreate);
  return keep(context, context->events, out, new CUevent_st);
}
API(cuEventDestroy_v2, CUevent e) {
  ENTER_CONTEXT(cuEventDestroy_v2);
  drain(context);
  return drop(context, context->events, e);
}
API(cuEventRecord, CUevent e, CUstream s) {
  ENTER_UNCAPTURED(cuEventRecord);
  if (!s) return CUDA_ERROR_INVALID_HANDLE;
  std::unique_lock l(e->lock);
  uint64_t id = ++e->recorded;
  l.unlock();
  s->push([=] {
    using namespace std::chrono;
    std::lock_guard l(e->lock);
    e->finished = id;
    e->milliseconds = duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
    e->changed.notify_all();
  });
  return CUDA_SUCCESS;
}
API(cuEventSynchronize, CUevent e) {
  ENTER_UNCAPTURED(cuEventSynchronize);
  std::unique_lock l(e->lock);
  uint64_t id = e->recorded;
  e->changed.wait(l, [&] { return e->finished >= id; });
  return CUresult(context->lost.load());
}
API(cuEventQuery, CUevent e) {
  ENTER_UNCAPTURED(cuEventQuery);
  std::lock_guard l(e->lock);
  return e->finished >= e->recorded ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}
API(cuEventElapsedTime, float* out, CUevent a, CUevent b) {
  ENTER_CONTEXT(cuEventElapsedTime);
  std::scoped_lock l(a->lock, b->lock);
  if (!a->recorded || !b->recorded) return CUDA_ERROR_INVALID_HANDLE;
  if (a->finished < a->recorded || b->finished < b->recorded) return CUDA_ERROR_NOT_READY;
  *out = float(b->milliseconds - a->milliseconds);
  return CUDA_SUCCESS;
}
