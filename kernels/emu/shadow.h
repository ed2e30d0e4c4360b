// shadow.h: what the checked build records about each two bytes of memory, to find races.
// Two accesses of which one writes must be ordered: by __syncthreads within
// a block, by __syncwarp within a warp, by __threadfence between blocks. Shuffles
// order nothing, as on the device. Atomics do not race with each other.
#pragma once
#include <algorithm>
#include <cstdint>

#include "fiber.h"

namespace emu {

enum { shadow_grain = 2 };  // bytes per Cell: bf16 is the narrowest type in use

// Moment is one access, or for reads a set of them.
struct Moment {
  uint32_t run;      // the launch (global memory) or the block (shared memory)
  uint32_t block;    // of a set of reads by several, the lowest
  uint32_t last;     // and the highest
  uint32_t barrier;  // __syncthreads of the block before it
  uint32_t warp_epoch;
  uint32_t fence;    // __threadfence of the block before it
  uint16_t thread;
  uint8_t spread;    // of one block's set of reads: see below
  bool atomic;
  bool pending;      // a cp.async that has not been waited for
};
enum Spread : uint8_t { one_thread, one_warp, one_block };

struct Cell {
  Moment write, read;
};

// fenced reports whether __threadfence orders p before now, in another block. For a set,
// all blocks between the lowest and the highest must have called it.
inline bool fenced(const Moment& p, const Moment& now, const uint32_t* fences) {
  if (!fences || fences[now.block] == 0) return false;
  for (uint32_t b = p.block; b <= p.last; b++)
    if (fences[b] <= p.fence) return false;
  return true;
}

// ordered reports whether the access p is ordered before now.
inline bool ordered(const Moment& p, const Moment& now, const uint32_t* fences) {
  if (p.run != now.run) return true;
  if (p.block != now.block || p.last != now.block) return fenced(p, now, fences);
  if (p.spread == one_thread && p.thread == now.thread) return true;
  if (p.barrier != now.barrier) return true;
  return p.spread <= one_warp && p.thread / 32 == now.thread / 32 && p.warp_epoch < now.warp_epoch;
}

// note_read adds a read to the set of those that a later write must follow. Reads ordered
// before it may be dropped.
inline void note_read(Moment& set, const Moment& now, const uint32_t* fences) {
  if (ordered(set, now, fences)) {
    set = now;
    return;
  }
  const Spread s = set.thread / 32 != now.thread / 32 ? one_block : one_warp;
  if (s > set.spread) set.spread = s;
  set.block = std::min(set.block, now.block);
  set.last = std::max(set.last, now.last);
  set.barrier = now.barrier;
  set.warp_epoch = now.warp_epoch;
  set.fence = std::max(set.fence, now.fence);
}

// race records an access at c, and returns the one that it conflicts with, or nullptr.
inline const Moment* race(Cell& c, const Moment& now, Access kind, const uint32_t* fences) {
  bool both_atomic = kind == Access::atomic && c.write.atomic;
  if (!both_atomic && !ordered(c.write, now, fences)) return &c.write;
  if (kind == Access::read) {
    note_read(c.read, now, fences);
    return nullptr;
  }
  if (!ordered(c.read, now, fences)) return &c.read;
  c.write = now;
  c.write.atomic = kind == Access::atomic;
  c.write.pending = kind == Access::issue;
  c.read.run = 0;
  return nullptr;
}

}  // namespace emu
