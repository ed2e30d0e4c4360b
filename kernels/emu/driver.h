// driver.h: the objects behind the CUDA driver API of the software device. Only
// the calls that clusir makes are implemented; for the others that a program may link,
// libcuda/lazy.c answers "not supported".
#pragma once
#include <cuda.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "control.h"
#include "fiber.h"
#include "memory.h"

#define API(name, ...) extern "C" __attribute__((visibility("default"))) CUresult name(__VA_ARGS__)

// ENTER begins every call: it counts the call and makes it fail if a test requests that.
#define ENTER(name)                                    \
  if (CUresult r = emu::begin(#name)) return r
// ENTER_CONTEXT is for calls that need a context that is not lost.
#define ENTER_CONTEXT(name)                            \
  ENTER(name);                                         \
  if (CUresult r = emu::need_context()) return r;      \
  [[maybe_unused]] CUctx_st* const context = emu::current_context()

// ENTER_UNCAPTURED is for calls that invalidate a stream's capture begun by this thread.
#define ENTER_UNCAPTURED(name)                         \
  ENTER_CONTEXT(name);                                 \
  if (CUresult r = emu::refuse_in_capture()) return r

struct CUctx_st {
  int device = 0, retained = 0;
  std::atomic<int> lost{0};  // the CUresult that every later call gets
  std::mutex lock;           // guards the following fields
  std::set<CUstream_st*> streams;
  std::set<CUmod_st*> modules;
  std::set<CUevent_st*> events;
  std::set<CUgraph_st*> graphs;
  std::set<CUgraphExec_st*> executables;
};

struct CUfunc_st {
  const emu::Kernel* kernel;
  unsigned max_shared;
};

struct CUmod_st {
  std::set<std::string> kernels;  // the names of those in its image
  std::map<std::string, CUfunc_st> functions;
};

struct CUevent_st {
  std::mutex lock;
  std::condition_variable changed;
  uint64_t recorded = 0, finished = 0;
  double milliseconds = 0;
};

namespace emu {
// Capture holds the requests to a stream since a program began to capture it.
struct Capture {
  std::vector<std::function<void()>> tasks;
  bool invalid = false;
};
}  // namespace emu

// CUstream_st runs its tasks one after another on its own OS thread. While it is captured
// it runs nothing.
struct CUstream_st {
  explicit CUstream_st(CUctx_st* c) : context(c), thread([this] { run(); }) {}
  ~CUstream_st();
  void push(std::function<void()> task);
  void wait();

  CUctx_st* const context;
  emu::Capture* capture = nullptr;  // of the program's threads

 private:
  void run();
  std::mutex lock;
  std::condition_variable wake, drained;
  std::deque<std::function<void()>> tasks;
  bool busy = false, quit = false;
  std::thread thread;
};

namespace emu {

CUresult begin(const char* call);
CUresult need_context();
CUctx_st* current_context();
int device_count();
size_t device_memory();
// mark_lost marks a context as lost; the first reason is kept.
void mark_lost(CUctx_st* c, int code);
// refuse_in_capture is the result of a call that cannot be captured: it invalidates the
// capture that the calling thread has begun, if any.
CUresult refuse_in_capture();
// forget_graphs deletes a context's graphs.
void forget_graphs(CUctx_st* c);
// drain waits for all streams of a context.
void drain(CUctx_st* c);
// run_grid runs all blocks of a launch and returns the first failure.
Failure run_grid(Launch l);
// keep adds a new object to its context's and returns it in out.
template <class T>
CUresult keep(CUctx_st* c, std::set<T*>& all, T** out, T* made) {
  std::lock_guard l(c->lock);
  all.insert(*out = made);
  return CUDA_SUCCESS;
}
// drop deletes one of a context's objects.
template <class T>
CUresult drop(CUctx_st* c, std::set<T*>& all, T* object) {
  std::unique_lock l(c->lock);
  if (!all.erase(object)) return CUDA_ERROR_INVALID_HANDLE;
  l.unlock();
  delete object;
  return CUDA_SUCCESS;
}
uint64_t launches();
const std::map<std::string, Kernel>& kernels();

}  // namespace emu
