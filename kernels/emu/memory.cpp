#include "memory.h"

#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "control.h"
#include "shadow.h"
#include "worker.h"

namespace emu {

static std::shared_mutex lock;
static std::map<const char*, Allocation> live;
static std::atomic<unsigned> generation{1};  // moves when an allocation ends

static size_t mapped(size_t bytes) { return (bytes + page - 1) / page * page; }
static char* mapping(const Allocation& a) { return a.base + (a.bytes + 15) / 16 * 16 - mapped(a.bytes); }
static size_t shadow_bytes(size_t bytes) { return mapped((bytes / shadow_grain + 1) * sizeof(Cell)); }

void* allocate(size_t bytes, int device, void* owner) {
  char* p = map_guarded(mapped(bytes));
  if (!p) return nullptr;
  char* base = p + mapped(bytes) - (bytes + 15) / 16 * 16;
  if (!idle()) memset(base, 0xff, (bytes + 15) / 16 * 16);
  std::unique_lock l(lock);
  live[base] = Allocation{base, bytes, device, owner, nullptr};
  return base;
}

static void unmap(const Allocation& a) {
  if (a.shadow) munmap(a.shadow, shadow_bytes(a.bytes));
  unmap_guarded(mapping(a), mapped(a.bytes));
}

bool release_allocation(void* p, bool host) {
  std::unique_lock l(lock);
  auto it = live.find(static_cast<char*>(p));
  if (it == live.end() || (it->second.device < 0) != host) return false;
  generation++;
  unmap(it->second);
  live.erase(it);
  return true;
}

size_t release_owned(void* owner) {
  std::unique_lock l(lock);
  generation++;
  size_t n = 0;
  for (auto it = live.begin(); it != live.end();) {
    if (it->second.owner != owner) {
      ++it;
      continue;
    }
    unmap(it->second);
    it = live.erase(it);
    n++;
  }
  return n;
}

Allocation* find(const void* p) {
  static thread_local Allocation* last = nullptr;
  static thread_local unsigned last_generation = 0;
  const char* c = static_cast<const char*>(p);
  if (last && last_generation == generation && c >= last->base && c < last->base + last->bytes) return last;
  std::shared_lock l(lock);
  auto it = live.upper_bound(c);
  if (it == live.begin()) return nullptr;
  Allocation& a = (--it)->second;
  if (c >= a.base + a.bytes) return nullptr;
  last = &a;
  last_generation = generation;
  return last;
}

bool inside_device(const void* p, size_t bytes) {
  Allocation* a = find(p);
  return a && a->device >= 0 && static_cast<const char*>(p) + bytes <= a->base + a->bytes;
}

bool fits_if_pinned(const void* p, size_t bytes) {
  Allocation* a = find(p);
  return !a || static_cast<const char*>(p) + bytes <= a->base + a->bytes;
}

size_t device_bytes(int device) {
  std::shared_lock l(lock);
  size_t n = 0;
  for (auto& [_, a] : live)
    if (a.device == device) n += a.bytes;
  return n;
}

void count_allocations(uint64_t* device, uint64_t* pinned) {
  std::shared_lock l(lock);
  *device = *pinned = 0;
  for (auto& [_, a] : live) ++*(a.device < 0 ? pinned : device);
}

}  // namespace emu
