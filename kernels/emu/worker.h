// worker.h: the state of one OS thread that runs blocks. Private to the emulator.
#pragma once
#include "fiber.h"

namespace emu {

enum {
  max_threads = 1024,
  page = 4096,
  stack_size = 9 * page,       // the lowest page is a guard
  max_shared = 228 << 10,      // more than a block gets on any of the architectures; whole pages
};

// Values of CUresult, so that the scheduler needs no cuda.h.
enum { illegal_address = 700, misaligned_address = 716, launch_failed = 719 };

struct Worker {
  Worker();  // lives as long as the process
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void adopt();  // makes the calling OS thread take signals on the worker's stack
  Failure run(const Launch& l, uint32_t index);
  void next(Fiber* from);

  Fiber fibers[max_threads];
  Warp warps[max_threads / 32];
  Block block;
  unsigned warp_count = 0;
  unsigned warp_now = 0;
  void* main_sp = nullptr;
  Failure failure;
  char* stacks = nullptr;        // max_threads of stack_size
  char* shared = nullptr;        // max_shared, then a guard page
  char* signal_stack = nullptr;
  uint32_t runs = 0;             // blocks run so far
  struct Shadow* shadow = nullptr;  // of shared memory; checked build
};

// worker returns the calling OS thread's worker, created on first use.
Worker& worker();

// catch_faults turns a segmentation fault inside a kernel into a Failure.
void catch_faults();

// map_guarded maps bytes (a multiple of page) with an inaccessible page on
// either side, and returns the first accessible address; unmap_guarded undoes it.
char* map_guarded(size_t bytes);
void unmap_guarded(char* p, size_t bytes);

// locate writes "function (file:line)" of the call that returns to a code address,
// as well as debug information allows, for messages.
void locate(const void* pc, char* out, size_t size);

}  // namespace emu
