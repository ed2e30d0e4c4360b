// control.h: how tests control the software device: they make calls fail and inspect what
// it holds. internal/kernels/cuda/softdevice is the Go side. The environment has the
// settings needed before the program runs:
//
//   SOFTDEVICE_COUNT    devices (1)
//   SOFTDEVICE_MEMORY   MiB of memory of each (40960)
//   SOFTDEVICE_THREADS  OS threads that run blocks (all cores, at most 4)
//   SOFTDEVICE_IDLE     1: kernels, copies and fills are accepted but not run, and memory
//                       is not filled, so that only the program itself is counted and timed
//   SOFTDEVICE_DRIVER   driver version, as 1000·major + 10·minor (13000)
//   SOFTDEVICE_CC       compute capability, as 10·major + minor (80)
//   SOFTDEVICE_FAIL     CALL:N:CODE, as softdevice_fail
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// softdevice_fail makes the nth driver call of that name from now on return code,
// a CUresult. "*" counts every call; "kernel" counts kernels that run and "kernel:NAME"
// those of one name, which then fail while running, like a fault of the device. Codes that
// lose a context persist in it. nth 0 disarms. Only one fault is armed at a time.
void softdevice_fail(const char* call, int nth, int code);

// softdevice_fired reports whether the armed fault has happened.
int softdevice_fired(void);

// softdevice_calls is the number of driver calls so far.
uint64_t softdevice_calls(void);

// softdevice_message copies the last fault found in a kernel, and clears it.
void softdevice_message(char* out, size_t size);

struct softdevice_stats {
  uint64_t contexts, modules, streams, events, graphs, device_allocations, pinned_allocations;
  uint64_t reclaimed;  // objects that their context had to free at its end
  uint64_t launches;   // kernels run
};
void softdevice_live(struct softdevice_stats* out);

// softdevice_checked exists only in the checked build.
void softdevice_checked(void);

#ifdef __cplusplus
}

namespace emu {

// enter counts a driver call and returns the code with which it must fail, or 0.
int enter(const char* call);
// kernel_fault is enter for a kernel that is about to run.
int kernel_fault(const char* name);
// report keeps a fault's text for softdevice_message and prints it.
void report(const char* text);
// is_sticky reports whether a context is lost after this CUresult.
bool is_sticky(int code);
// idle reports whether kernels, copies and fills are accepted but not run.
bool idle();
// setting reads a number from the environment.
long setting(const char* name, long otherwise);

}  // namespace emu
#endif
