// fiber.h: how the software device runs the threads of a block. Kernels see it
// through emu.h, the driver through run_block.
//
// Each CUDA thread is a fiber on its own small stack. A fiber runs until it
// waits for others (a warp collective, __syncthreads) and then switches to the next one
// that can run, first within its warp. If none can, the block is deadlocked, which is
// reported instead of hanging.
#pragma once
#include <cstddef>
#include <cstdint>

struct uint3 { unsigned x, y, z; };
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};

// The checked build instruments every load and store of a kernel, but must not instrument
// the emulator's: these are therefore not inlined there.
#ifdef EMU_CHECKED
#define EMU_INTERNAL inline __attribute__((noinline, no_sanitize("thread", "undefined")))
#else
#define EMU_INTERNAL inline __attribute__((always_inline))
#endif

namespace emu {

// Kernel is a function compiled from a .cu file.
struct Kernel {
  const char* name;
  void (*call)(void* const* args);
  const unsigned* sizes;  // of the parameters, in bytes
  unsigned count;         // of the parameters
  unsigned bounds;        // maximum threads of a block, from __launch_bounds__
};
struct Registration { Registration(const char* name, const Kernel& k); };

// Launch is one grid of a kernel.
struct Launch {
  const Kernel* kernel;
  void* const* args;
  dim3 grid, block;
  unsigned shared;           // bytes of dynamic shared memory
  uint32_t serial;           // differs for every launch
  uint32_t* fences;          // __threadfence calls of each block
};

// Failure is the error of a block: a CUresult and a message. code 0 means none.
struct Failure {
  int code = 0;
  char text[600] = "";
};

// run_block runs block number `index` of a launch on the calling OS thread.
Failure run_block(const Launch& l, uint32_t index);

// ---- for kernels

// Copy is one cp.async that has been issued but not waited for.
struct Copy {
  void* dst;
  const void* src;
  unsigned bytes, valid;  // the rest is filled with zeros
};

struct Warp {
  unsigned alive, ready, arrived, last;  // a bit for each lane
  unsigned epoch;                  // __syncwarp calls so far
  unsigned mask[32];               // what each waiting lane waits for
  uint64_t value[32], result[32];  // operands and results of a collective
  int from[32];
  unsigned a[32][4], b[32][2];     // fragments of a matrix product
  float c[32][4];
};

struct Fiber {
  enum { max_copies = 128, max_groups = 16 };
  void* sp;
  uint3 tid;
  unsigned index, lane;
  Warp* warp;
  struct Block* block;
  struct Worker* worker;
  unsigned copies, groups;
  unsigned group_end[max_groups];
  Copy copy[max_copies];
};

struct Block {
  uint3 index;
  uint32_t number;
  char* shared;         // dynamic shared memory
  unsigned barrier;     // __syncthreads calls so far
  unsigned waiting, threads, live;
  const Launch* launch;
};

extern thread_local Fiber* current;  // nullptr outside kernels

EMU_INTERNAL uint3 thread_idx() { return current->tid; }
EMU_INTERNAL uint3 block_idx() { return current->block->index; }
EMU_INTERNAL dim3 grid_dim() { return current->block->launch->grid; }
EMU_INTERNAL int lane() { return int(current->lane); }
EMU_INTERNAL Warp& warp() { return *current->warp; }
EMU_INTERNAL void* dynamic_shared() { return current->block->shared; }

void sync_threads();
void sync_warp(unsigned mask);
void fence();

// arrive records that this lane takes part in a collective of the lanes in mask, and
// reports whether it is the last. The others wait until the last has released them, or
// become the last because the missing ones have returned.
bool arrive(unsigned mask);
bool wait_or_last();
void release(unsigned mask);

template <class F>  // f(Warp&, unsigned active)
EMU_INTERNAL void collective(unsigned mask, F f) {
  if (!arrive(mask) && !wait_or_last()) return;
  f(*current->warp, mask & current->warp->alive);
  release(mask);
}

// exchange gives each active lane the value of the lane that it names.
void exchange(Warp& w, unsigned active);

// mma_tf32 and mma_bf16 are products of fragments, m16n8k8 and m16n8k16, by a full warp:
// they read a, b and c of all lanes and leave the sums in c.
void mma_tf32(Warp& w, unsigned active);
void mma_bf16(Warp& w, unsigned active);

// fail ends the block with a CUresult and a message, to which it adds the thread.
[[noreturn]] void fail(int code, const char* format, ...) __attribute__((format(printf, 2, 3)));

// touch checks an access that the compiler does not instrument. A cp.async is
// issued at its call and delivered when it is waited for.
enum class Access { read, write, atomic, issue, deliver };
#ifdef EMU_CHECKED
void touch(const void* p, size_t bytes, Access, const void* pc);
#else
inline void touch(const void*, size_t, Access, const void*) {}
#endif

// cp.async. A copy is delivered when its group is waited for and not before, so that a
// missing wait or barrier causes wrong numbers.
void copy_issue(const Copy& c);
void copy_commit();
void copy_wait(unsigned pending);

}  // namespace emu
