// Modules, functions and launches.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "driver.h"
#include "worker.h"

namespace emu {

static std::map<std::string, Kernel>& registry() {
  static std::map<std::string, Kernel> k;
  return k;
}
Registration::Registration(const char* name, const Kernel& k) { registry()[name] = k; }
const std::map<std::string, Kernel>& kernels() { return registry(); }

#ifdef EMU_CHECKED
constexpr bool checked = true;  // blocks run one after another, so that reports are reproducible
#else
constexpr bool checked = false;
#endif

// Pool runs the blocks of one grid at a time on several OS threads.
class Pool {
 public:
  Pool() {
    int cores = int(std::min(4u, std::max(1u, std::thread::hardware_concurrency())));
    int n = checked ? 1 : int(setting("SOFTDEVICE_THREADS", cores));
    for (int i = 1; i < n; i++) std::thread([this] { help(); }).detach();
    helpers = n - 1;
  }

  Failure run(const Launch& l) {
    std::lock_guard one(grids);
    uint32_t n = l.grid.x * l.grid.y * l.grid.z;
    next = 0, total = n, launch = &l, failure = {};
    bool shared = helpers > 0 && n >= 8;  // waking them takes longer than a few blocks
    if (shared) {
      std::lock_guard g(lock);
      running = helpers;
      round++;
      wake.notify_all();
    }
    work();
    std::unique_lock g(lock);
    if (shared) done.wait(g, [&] { return running == 0; });
    return failure;
  }

 private:
  void work() {
    for (uint32_t i; (i = next++) < total;) {
      Failure f = run_block(*launch, i);
      if (!f.code) continue;
      std::lock_guard g(lock);
      if (!failure.code) failure = f;
      next = total;
    }
  }
  void help() {
    std::unique_lock g(lock);
    for (uint64_t seen = 0;;) {
      wake.wait(g, [&] { return round != seen; });
      seen = round;
      g.unlock();
      work();
      g.lock();
      if (--running == 0) done.notify_one();
    }
  }
  std::mutex grids, lock;
  std::condition_variable wake, done;
  std::atomic<uint32_t> next{0};
  uint32_t total = 0;
  const Launch* launch = nullptr;
  Failure failure;
  int helpers = 0, running = 0;
  uint64_t round = 0;
};

static std::atomic<uint32_t> serial{0};
uint64_t launches() { return serial; }

Failure run_grid(Launch l) {
  static Pool* pool = new Pool;  // its threads outlive main
  std::vector<uint32_t> fences;
  if (checked) fences.resize(size_t(l.grid.x) * l.grid.y * l.grid.z);
  l.fences = checked ? fences.data() : nullptr;
  l.serial = ++serial;
  return pool->run(l);
}

}  // namespace emu

using namespace emu;

// word reads a number of n bytes at p.
static size_t word(const char* p, size_t n) {
  uint64_t v = 0;
  memcpy(&v, p, n);
  return size_t(v);
}

// add_kernels adds the kernels in an ELF file: the machine code of each is in a section
// .text.NAME.
static void add_kernels(const char* elf, std::set<std::string>* names) {
  const char* sections = elf + word(elf + 0x28, 8);
  const size_t size = word(elf + 0x3a, 2), count = word(elf + 0x3c, 2);
  const char* strings = elf + word(sections + word(elf + 0x3e, 2) * size + 0x18, 8);
  for (size_t i = 0; i < count; i++) {
    const char* name = strings + word(sections + i * size, 4);
    if (!strncmp(name, ".text.", 6)) names->insert(name + 6);
  }
}

// A module keeps only the names of its image's kernels, as tests load the same megabytes
// hundreds of times. An image is an ELF file or a fatbin: entries with a kind, 2 for ELF,
// and the sizes of their header and content.
API(cuModuleLoadData, CUmodule* out, const void* data) {
  ENTER_UNCAPTURED(cuModuleLoadData);
  const char* image = static_cast<const char*>(data);
  std::set<std::string> names;
  switch (word(image, 4)) {
    case 0x464c457f: add_kernels(image, &names); break;
    case 0xba55ed50:
      for (const char *e = image + 16, *end = e + word(image + 8, 8); e < end; e += word(e + 4, 4) + word(e + 8, 8))
        if (word(e, 2) == 2) add_kernels(e + word(e + 4, 4), &names);
      break;
    default: return CUDA_ERROR_INVALID_IMAGE;
  }
  return keep(context, context->modules, out, new CUmod_st{std::move(names), {}});
}
API(cuModuleUnload, CUmodule m) {
  ENTER_UNCAPTURED(cuModuleUnload);
  drain(context);
  return drop(context, context->modules, m);
}

// A kernel is found only if the real image has it too.
API(cuModuleGetFunction, CUfunction* out, CUmodule m, const char* name) {
  ENTER_CONTEXT(cuModuleGetFunction);
  auto k = kernels().find(name);
  if (k == kernels().end() || !m->kernels.contains(name)) return CUDA_ERROR_NOT_FOUND;
  *out = &m->functions.try_emplace(name, CUfunc_st{&k->second, 48 << 10}).first->second;
  return CUDA_SUCCESS;
}
API(cuFuncSetAttribute, CUfunction f, CUfunction_attribute a, int v) {
  ENTER_CONTEXT(cuFuncSetAttribute);
  if (a != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) return CUDA_ERROR_NOT_SUPPORTED;
  if (v < 0 || v > 163 << 10) return CUDA_ERROR_INVALID_VALUE;
  f->max_shared = unsigned(v);
  return CUDA_SUCCESS;
}
API(cuFuncGetAttribute, int* v, CUfunction_attribute a, CUfunction f) {
  ENTER_CONTEXT(cuFuncGetAttribute);
  if (a != CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK) return CUDA_ERROR_NOT_SUPPORTED;
  *v = int(f->kernel->bounds);
  return CUDA_SUCCESS;
}
API(cuFuncGetParamInfo, CUfunction f, size_t i, size_t* offset, size_t* size) {
  ENTER_CONTEXT(cuFuncGetParamInfo);
  if (i >= f->kernel->count) return CUDA_ERROR_INVALID_VALUE;
  size_t at = 0;
  for (size_t k = 0; k <= i; k++) {  // parameters are aligned to their sizes
    size_t n = f->kernel->sizes[k];
    at = (at + n - 1) / n * n + (k < i ? n : 0);
  }
  *offset = at;
  *size = f->kernel->sizes[i];
  return CUDA_SUCCESS;
}

// Arguments are copied at the launch, as the driver does.
struct Arguments {
  std::vector<uint64_t> slots;
  std::vector<void*> pointers;
};

static std::shared_ptr<Arguments> copy_arguments(const Kernel& k, void** given) {
  auto a = std::make_shared<Arguments>();
  a->slots.resize(k.count);
  for (unsigned i = 0; i < k.count; i++) {
    memcpy(&a->slots[i], given[i], k.sizes[i]);
    a->pointers.push_back(&a->slots[i]);
  }
  return a;
}

static CUresult check_launch(CUfunction f, dim3 grid, dim3 block, unsigned shared) {
  uint64_t threads = uint64_t(block.x) * block.y * block.z;
  if (!grid.x || !grid.y || !grid.z || !threads) return CUDA_ERROR_INVALID_VALUE;
  if (grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535) return CUDA_ERROR_INVALID_VALUE;
  if (threads > max_threads || block.z > 64 || shared > f->max_shared) return CUDA_ERROR_INVALID_VALUE;
  if (threads > f->kernel->bounds) return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  for (unsigned i = 0; i < f->kernel->count; i++)
    if (f->kernel->sizes[i] > 8) return CUDA_ERROR_NOT_SUPPORTED;  // an argument has an 8-byte slot
  return CUDA_SUCCESS;
}

API(cuLaunchKernel, CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
    unsigned shared, CUstream s, void** given, void**) {
  ENTER_CONTEXT(cuLaunchKernel);
  if (!s) return CUDA_ERROR_INVALID_HANDLE;
  dim3 grid(gx, gy, gz), block(bx, by, bz);
  if (CUresult r = check_launch(f, grid, block, shared)) return r;
  const Kernel* k = f->kernel;
  if (idle()) return CUDA_SUCCESS;
  auto args = copy_arguments(*k, given);
  s->push([=] {
    if (context->lost) return;
    if (int code = kernel_fault(k->name)) return mark_lost(context, code);
    Failure failure = run_grid(Launch{k, args->pointers.data(), grid, block, shared, 0, nullptr});
    if (!failure.code) return;
    mark_lost(context, failure.code);
    report(failure.text);
  });
  return CUDA_SUCCESS;
}
