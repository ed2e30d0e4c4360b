// memory.cc: blocks of memory for tensors.
//
// A network asks for the same few sizes over and over, and the system takes as long to
// clear fresh pages as many an operation to run. Blocks are therefore cut out of slabs, of
// the smallest vacant block that is large enough, and joined with vacant neighbours when
// they are freed. Pages of vacant blocks are given back, the largest first, until what is
// in use and what is kept add up to the recent peak of use and a quarter, so that peaks
// do not add up, or what is kept to a quarter of what is in use, or to 32 MiB. Training
// frees nearly all of its memory by the end of a step, and finds it again in the next.
#include "memory.h"

#include "aligned.h"

#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <tuple>

namespace {

constexpr size_t kSlab = 64 << 10;  // bytes of the smallest; blocks below are the system's own
constexpr size_t kPage = 4096, kKept = 32 << 20;

struct Block {
  char* slab;  // its start, nullptr for a block of the system's
  size_t bytes;
  bool vacant, dry;  // dry: vacant, and its pages are given back
};

using Blocks = std::map<char*, Block>;

}  // namespace

struct clusir_arena {
  std::mutex mutex;
  Blocks blocks;                                     // by address: neighbours in a slab are neighbours here
  std::set<std::tuple<size_t, bool, char*>> vacant;  // bytes, dry, address, of the vacant ones
  size_t used = 0, kept = 0;                         // bytes in use; of vacant blocks with pages
  size_t peak = 0;                                   // of used; it decays with what takes fresh pages

  char* hold(char* p, size_t bytes) {
    used += bytes;
    peak = std::max(peak, used);
    return p;
  }

  // withdraw takes a block out of the vacant ones, offer adds it.
  void withdraw(Blocks::iterator at) {
    const Block& b = at->second;
    vacant.erase({b.bytes, b.dry, at->first});
    if (!b.dry) kept -= b.bytes;
  }
  void offer(Blocks::iterator at) {
    const Block& b = at->second;
    vacant.insert({b.bytes, b.dry, at->first});
    if (!b.dry) kept += b.bytes;
  }

  bool alike(Blocks::iterator a, Blocks::iterator b) {
    const Block &x = a->second, &y = b->second;
    return x.slab == y.slab && x.vacant && y.vacant && x.dry == y.dry;
  }
  // settle joins a block that has become vacant, or dry, with its like on both sides, and
  // frees a slab that has dried up.
  void settle(Blocks::iterator at) {
    auto next = std::next(at);
    if (next != blocks.end() && alike(at, next)) {
      withdraw(next);
      at->second.bytes += next->second.bytes;
      next = blocks.erase(next);
    }
    if (at != blocks.begin() && alike(std::prev(at), at)) {
      auto before = std::prev(at);
      withdraw(before);
      before->second.bytes += at->second.bytes;
      blocks.erase(at);
      at = before;
    }
    char* slab = at->second.slab;
    bool whole = at->first == slab && (next == blocks.end() || next->second.slab != slab);
    if (!at->second.dry || !whole) return offer(at);
    free_aligned(slab);
    blocks.erase(at);
  }

  // trim gives pages back until no more than limit bytes are kept.
  void trim(size_t limit) {
    while (kept > limit) {
      auto largest = std::find_if(vacant.rbegin(), vacant.rend(), [](auto& v) { return !std::get<bool>(v); });
      auto at = blocks.find(std::get<char*>(*largest));
      withdraw(at);
      discard_pages(at->first, at->second.bytes);
      at->second.dry = true;
      settle(at);
    }
  }

  // expect makes room for bytes in fresh pages.
  void expect(size_t bytes) {
    const size_t needed = used + bytes;
    peak = std::max(needed, peak - std::min(peak, bytes / 16));
    trim(std::max({peak + peak / 4 - needed, needed / 4, kKept}));
  }

  // take cuts bytes out of the vacant block that fits best; nullptr if none does.
  char* take(size_t bytes) {
    auto best = vacant.lower_bound({bytes, false, nullptr});
    if (best == vacant.end()) return nullptr;
    auto at = blocks.find(std::get<char*>(*best));
    withdraw(at);
    Block& b = at->second;
    if (size_t rest = b.bytes - bytes) {
      b.bytes = bytes;
      offer(blocks.insert({at->first + bytes, {b.slab, rest, true, b.dry}}).first);
    }
    b.vacant = false;
    if (b.dry) expect(bytes);
    b.dry = false;
    return hold(at->first, bytes);
  }

  char* open_slab(size_t bytes) {
    expect(bytes);
    char* p = (char*)alloc_pages(bytes);
    if (!p) {
      trim(0);
      p = (char*)alloc_pages(bytes);
    }
    if (!p) return nullptr;
    blocks.insert({p, {p, bytes, false, false}});
    return hold(p, bytes);
  }

  char* open_small(size_t bytes) {
    char* p = (char*)alloc_aligned(64, bytes);
    if (!p) return nullptr;
    blocks.insert({p, {nullptr, bytes, false, false}});
    return hold(p, bytes);
  }
};

clusir_arena* clusir_arena_open(void) {
#if defined(__GLIBC__)
  // Otherwise the threshold rises to 32 MB with the slabs that are freed, and
  // smaller ones are cut out of heaps, whose holes never go back to the system:
  // tiles of 336 pixels then took 460 MB where 190 are in use.
  mallopt(M_MMAP_THRESHOLD, kSlab);
#endif
  return new clusir_arena;
}

void clusir_arena_close(clusir_arena* a) {
  for (auto& block : a->blocks)
    if (!block.second.slab || block.second.slab == block.first) free_aligned(block.first);
  delete a;
}

float* clusir_arena_alloc(clusir_arena* a, int64_t n) {
  size_t bytes = (size_t)n * sizeof(float);
  std::lock_guard<std::mutex> lock(a->mutex);
  if (bytes < kSlab) return (float*)a->open_small((bytes + 127) / 64 * 64);  // a vector past the end may be read
  bytes = (bytes + kPage - 1) / kPage * kPage;
  char* p = a->take(bytes);
  return (float*)(p ? p : a->open_slab(bytes));
}

void clusir_arena_free(clusir_arena* a, float* p) {
  std::lock_guard<std::mutex> lock(a->mutex);
  auto at = a->blocks.find((char*)p);
  if (at == a->blocks.end() || at->second.vacant) abort();  // freed twice, or never allocated here
  a->used -= at->second.bytes;
  if (!at->second.slab) {
    a->blocks.erase(at);
    return free_aligned(p);
  }
  at->second.vacant = true;
  a->settle(at);
}

int64_t clusir_arena_used(const clusir_arena* a) { return (int64_t)a->used; }
