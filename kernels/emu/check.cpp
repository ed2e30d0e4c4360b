// The checked build. g++ -fsanitize=thread inserts a call before each load and store of a
// kernel; these are the functions called. They check an access against the exact bounds of
// its allocation, its alignment, and the rules of shadow.h. With -fsanitize=bounds they
// also receive indices outside of arrays of known size.
//
// libtsan is not linked: it looks for races between OS threads, and ours are fibers.
#include <link.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "control.h"
#include "memory.h"
#include "shadow.h"
#include "worker.h"

namespace emu {

// Image is the address range of this library: its constants, and this OS thread's copy of
// its thread_local variables, which hold __shared__.
struct Image {
  const char *low = nullptr, *high = nullptr, *tls = nullptr;
  size_t tls_bytes = 0;
};

static int read_image(dl_phdr_info* info, size_t, void* out) {
  Image& image = *static_cast<Image*>(out);
  const char* here = reinterpret_cast<const char*>(&read_image);
  const char *low = nullptr, *high = nullptr;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const auto& h = info->dlpi_phdr[i];
    const char* p = reinterpret_cast<const char*>(info->dlpi_addr + h.p_vaddr);
    if (h.p_type == PT_TLS) image.tls_bytes = h.p_memsz;
    if (h.p_type != PT_LOAD) continue;
    if (!low || p < low) low = p;
    if (p + h.p_memsz > high) high = p + h.p_memsz;
  }
  if (here < low || here >= high) {
    image.tls_bytes = 0;
    return 0;
  }
  image.low = low, image.high = high;
  image.tls = static_cast<const char*>(info->dlpi_tls_data);
  return 1;
}

static const Image& image() {
  static thread_local Image i;
  if (!i.low) dl_iterate_phdr(read_image, &i);
  return i;
}

static Cell* map_cells(size_t bytes) {
  void* p = mmap(nullptr, (bytes / shadow_grain + 1) * sizeof(Cell), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p != MAP_FAILED) return static_cast<Cell*>(p);
  fprintf(stderr, "software device: no memory for the shadow of %zu bytes\n", bytes);
  abort();
}

struct Shadow {
  Cell *dynamic, *fixed;
};

static Shadow& shared_shadow() {
  Worker& w = *current->worker;
  if (!w.shadow) {
    w.shadow = static_cast<Shadow*>(malloc(sizeof(Shadow)));
    *w.shadow = {map_cells(max_shared), map_cells(image().tls_bytes)};
  }
  return *w.shadow;
}

static const char* name_of(Access a) {
  return a == Access::read ? "reads" : a == Access::atomic ? "updates" : "writes";
}

static void check_cells(Cell* c, size_t bytes, Access kind, const void* p, const void* pc, bool shared) {
  const Block& block = *current->block;
  const Launch& l = *block.launch;
  Moment now{};
  now.run = shared ? current->worker->runs : l.serial;
  now.block = now.last = block.number, now.barrier = block.barrier + 1;
  now.warp_epoch = current->warp->epoch + 1;
  now.thread = uint16_t(current->index);
  now.fence = l.fences ? l.fences[block.number] : 0;
  char at[300];
  for (size_t i = 0; i < (bytes + shadow_grain - 1) / shadow_grain; i++) {
    const bool reads = kind == Access::read || kind == Access::atomic, written = c[i].write.run == now.run;
    if (shared && reads && !written) {
      locate(pc, at, sizeof at);
      fail(launch_failed, "reads shared memory that nothing has written, at %s", at);
    }
    if (written && c[i].write.pending && kind != Access::deliver) {
      locate(pc, at, sizeof at);
      fail(launch_failed, "%s memory to which thread %u has a cp.async in flight, at %s", name_of(kind), c[i].write.thread, at);
    }
    const Moment* other = race(c[i], now, kind, l.fences);
    if (!other) continue;
    bool wrote = other == &c[i].write;
    locate(pc, at, sizeof at);
    fail(launch_failed, "race: %s %s memory at %p that thread %u of block %u %s, with nothing that orders the two, at %s",
         name_of(kind), shared ? "shared" : "global", p, other->thread, other->block, wrote ? "has written" : "has read", at);
  }
}

[[noreturn]] static void out_of_bounds(const void* p, size_t bytes, Access kind, const void* pc) {
  char at[300], near[200] = "no allocation is there";
  locate(pc, at, sizeof at);
  for (size_t back = 1; back <= 1 << 20; back *= 2)
    if (Allocation* a = find(static_cast<const char*>(p) - back)) {
      snprintf(near, sizeof near, "%zu bytes behind the start of an allocation of %zu",
               size_t(static_cast<const char*>(p) - a->base), a->bytes);
      break;
    }
  fail(illegal_address, "out of bounds: %s %zu bytes at %p (%s), at %s", name_of(kind), bytes, p, near, at);
}

void touch(const void* address, size_t bytes, Access kind, const void* pc) {
  const char* p = static_cast<const char*>(address);
  if (!current || !bytes) return;
  const Worker& w = *current->worker;
  if (p >= w.stacks && p < w.stacks + size_t(max_threads) * stack_size) return;
  if (Allocation* a = find(p)) {
    if (p + bytes > a->base + a->bytes) out_of_bounds(p, bytes, kind, pc);
    if (!a->shadow) a->shadow = map_cells(a->bytes);
    return check_cells(a->shadow + (p - a->base) / shadow_grain, bytes, kind, p, pc, false);
  }
  const char* dynamic = current->block->shared;
  if (p >= dynamic && p + bytes <= dynamic + current->block->launch->shared)
    return check_cells(shared_shadow().dynamic + (p - dynamic) / shadow_grain, bytes, kind, p, pc, true);
  const Image& i = image();
  if (p >= i.tls && p + bytes <= i.tls + i.tls_bytes)
    return check_cells(shared_shadow().fixed + (p - i.tls) / shadow_grain, bytes, kind, p, pc, true);
  if (p >= i.low && p < i.high && kind == Access::read) return;  // constants
  out_of_bounds(p, bytes, kind, pc);
}

static void touch_aligned(const void* p, size_t bytes, Access kind, const void* pc) {
  if (current && reinterpret_cast<uintptr_t>(p) % bytes) {
    char at[300];
    locate(pc, at, sizeof at);
    fail(misaligned_address, "%s %zu bytes at %p, which is no multiple of that, at %s", name_of(kind), bytes, p, at);
  }
  touch(p, bytes, kind, pc);
}

}  // namespace emu

using emu::Access;
#define PC __builtin_return_address(0)
#define INSTRUMENTED(n)                                                                                 \
  extern "C" void __tsan_read##n(void* p) { emu::touch_aligned(p, n, Access::read, PC); }              \
  extern "C" void __tsan_write##n(void* p) { emu::touch_aligned(p, n, Access::write, PC); }            \
  extern "C" void __tsan_unaligned_read##n(void* p) { emu::touch(p, n, Access::read, PC); }            \
  extern "C" void __tsan_unaligned_write##n(void* p) { emu::touch(p, n, Access::write, PC); }
INSTRUMENTED(1)
INSTRUMENTED(2)
INSTRUMENTED(4)
INSTRUMENTED(8)
INSTRUMENTED(16)
extern "C" void __tsan_read_range(void* p, size_t n) { emu::touch(p, n, Access::read, PC); }
extern "C" void __tsan_write_range(void* p, size_t n) { emu::touch(p, n, Access::write, PC); }
extern "C" void __tsan_init() {}
void softdevice_checked() {}

// The data that -fsanitize=bounds passes starts with the position in the source.
struct BoundsData {
  const char* file;
  uint32_t line, column;
};
extern "C" void __ubsan_handle_out_of_bounds(BoundsData* d, uintptr_t index) {
  const char* file = strrchr(d->file, '/');
  emu::fail(emu::illegal_address, "index %ld is outside its array, at %s:%u", long(index), file ? file + 1 : d->file, d->line);
}
