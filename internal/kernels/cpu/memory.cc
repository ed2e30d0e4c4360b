// memory.cc: blocks from mmap, kept for reuse.
//
// A network asks for the same sizes over and over; fresh pages would cost a
// fault each. A freed block serves the next request that fits it to within a
// quarter. Where none does, blocks are given back until what is in use and what is
// kept add up to the recent peak of use and an eighth, so that peaks do not add up, or
// what is kept to a quarter of what is in use, or to 32 MiB. Training frees nearly all
// of its memory by the end of a step, and finds it again in the next.
#include "memory.h"

#include "aligned.h"

#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

namespace {

constexpr size_t kKept = 32 << 20;

}  // namespace

struct clusir_arena {
  std::mutex mutex;
  std::unordered_map<float*, size_t> used;  // block → bytes
  std::multimap<size_t, float*> kept;       // bytes → block
  size_t used_bytes = 0, kept_bytes = 0;
  size_t peak = 0;  // of used_bytes; it decays with what no kept block serves

  float* reuse(size_t bytes) {
    auto it = kept.lower_bound(bytes);
    if (it == kept.end() || it->first > bytes + bytes / 4) return nullptr;
    float* p = it->second;
    hold(p, it->first);
    kept_bytes -= it->first;
    kept.erase(it);
    return p;
  }
  void hold(float* p, size_t bytes) {
    used[p] = bytes;
    used_bytes += bytes;
    peak = std::max(peak, used_bytes);
  }
  void trim(size_t limit) {
    while (kept_bytes > limit) {
      auto it = --kept.end();
      kept_bytes -= it->first;
      free_aligned(it->second);
      kept.erase(it);
    }
  }
};

clusir_arena* clusir_arena_open(void) {
#if defined(__GLIBC__)
  // Otherwise the threshold rises to 32 MB with the blocks that are freed, and
  // smaller ones are cut out of heaps, whose holes never go back to the system:
  // tiles of 336 pixels then took 460 MB where 190 are in use.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
  return new clusir_arena;
}

void clusir_arena_close(clusir_arena* a) {
  a->trim(0);
  for (auto& block : a->used) free_aligned(block.first);
  delete a;
}

float* clusir_arena_alloc(clusir_arena* a, int64_t n) {
  size_t bytes = ((size_t)n * sizeof(float) + 4095) / 4096 * 4096;
  if (n < 512) bytes = ((size_t)n * sizeof(float) + 127) / 64 * 64;  // a vector past the end may be read
  std::lock_guard<std::mutex> lock(a->mutex);
  if (float* p = a->reuse(bytes)) return p;
  const size_t used = a->used_bytes + bytes;
  a->peak = std::max(used, a->peak - std::min(a->peak, bytes / 4));
  a->trim(std::max({a->peak + a->peak / 8 - used, used / 4, kKept}));
  float* p = (float*)alloc_pages(bytes);
  if (!p) {
    a->trim(0);
    p = (float*)alloc_pages(bytes);
  }
  if (p) a->hold(p, bytes);
  return p;
}

void clusir_arena_free(clusir_arena* a, float* p) {
  std::lock_guard<std::mutex> lock(a->mutex);
  auto it = a->used.find(p);
  if (it == a->used.end()) abort();  // freed twice, or never allocated here
  size_t bytes = it->second;
  a->used.erase(it);
  a->used_bytes -= bytes;
  a->kept.emplace(bytes, p);
  a->kept_bytes += bytes;
}

int64_t clusir_arena_used(const clusir_arena* a) { return (int64_t)a->used_bytes; }
