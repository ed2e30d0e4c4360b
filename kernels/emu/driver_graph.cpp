// Graphs: the requests to a stream while it was captured, to be run by one call.
#include <vector>

#include "driver.h"

struct CUgraph_st {
  std::vector<std::function<void()>> nodes;
};

struct CUgraphExec_st {
  std::shared_ptr<const std::vector<std::function<void()>>> nodes;
};

namespace emu {

// The capture that a thread has begun. CU_STREAM_CAPTURE_MODE_THREAD_LOCAL refuses calls
// that cannot be captured only in that thread.
static thread_local Capture* capturing = nullptr;

CUresult refuse_in_capture() {
  if (!capturing) return CUDA_SUCCESS;
  capturing->invalid = true;
  return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

void forget_graphs(CUctx_st* c) {
  for (CUgraph g : c->graphs) delete g;
  for (CUgraphExec e : c->executables) delete e;
}

}  // namespace emu

using namespace emu;

API(cuStreamBeginCapture_v2, CUstream s, CUstreamCaptureMode mode) {
  ENTER_CONTEXT(cuStreamBeginCapture_v2);
  if (!s) return CUDA_ERROR_INVALID_HANDLE;
  if (mode != CU_STREAM_CAPTURE_MODE_THREAD_LOCAL) return CUDA_ERROR_NOT_SUPPORTED;
  if (capturing || s->capture) return CUDA_ERROR_ILLEGAL_STATE;
  s->capture = capturing = new Capture;
  return CUDA_SUCCESS;
}

// This ends the capture whatever it returns.
API(cuStreamEndCapture, CUstream s, CUgraph* out) {
  *out = nullptr;
  if (!s || !s->capture) return CUDA_ERROR_ILLEGAL_STATE;
  if (s->capture != capturing) return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
  std::unique_ptr<Capture> c(capturing);
  s->capture = capturing = nullptr;
  ENTER_CONTEXT(cuStreamEndCapture);
  if (c->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  return keep(context, context->graphs, out, new CUgraph_st{std::move(c->tasks)});
}

API(cuGraphDestroy, CUgraph g) {
  ENTER_CONTEXT(cuGraphDestroy);
  return drop(context, context->graphs, g);
}

API(cuGraphInstantiateWithFlags, CUgraphExec* out, CUgraph g, unsigned long long flags) {
  ENTER_UNCAPTURED(cuGraphInstantiateWithFlags);
  if (flags) return CUDA_ERROR_NOT_SUPPORTED;
  std::lock_guard l(context->lock);
  if (!context->graphs.contains(g)) return CUDA_ERROR_INVALID_HANDLE;
  *out = new CUgraphExec_st{std::make_shared<const std::vector<std::function<void()>>>(g->nodes)};
  context->executables.insert(*out);
  return CUDA_SUCCESS;
}

API(cuGraphExecDestroy, CUgraphExec e) {
  ENTER_CONTEXT(cuGraphExecDestroy);
  return drop(context, context->executables, e);
}

API(cuGraphLaunch, CUgraphExec e, CUstream s) {
  ENTER_UNCAPTURED(cuGraphLaunch);
  if (!s) return CUDA_ERROR_INVALID_HANDLE;
  {
    std::lock_guard l(context->lock);
    if (!context->executables.contains(e)) return CUDA_ERROR_INVALID_HANDLE;
  }
  s->push([nodes = e->nodes] {
    for (auto& run : *nodes) run();
  });
  return CUDA_SUCCESS;
}
