//go:build cuda

// Package softdevice controls the software device in tests: it makes driver calls fail
// and reports what the device holds. It also leaves litter in memory. The device itself is kernels/emu, a libcuda.so.1
// named by CLUSIR_LIBCUDA; the functions here need it loaded.
package softdevice

/*
#cgo LDFLAGS: -lcuda -ldl
#include <stdint.h>
#include <stdlib.h>
#include "../../../../kernels/emu/control.h"

void *clusir_cuda_symbol(const char *name);

static void fail(const char *call, int nth, int code) {
  void (*f)(const char *, int, int) = clusir_cuda_symbol("softdevice_fail");
  f(call, nth, code);
}
static int fired(void) {
  int (*f)(void) = clusir_cuda_symbol("softdevice_fired");
  return f();
}
static uint64_t calls(void) {
  uint64_t (*f)(void) = clusir_cuda_symbol("softdevice_calls");
  return f();
}
static void message(char *out, size_t size) {
  void (*f)(char *, size_t) = clusir_cuda_symbol("softdevice_message");
  f(out, size);
}
static void live(struct softdevice_stats *s) {
  void (*f)(struct softdevice_stats *) = clusir_cuda_symbol("softdevice_live");
  f(s);
}
// What is written to memory before free is otherwise optimised away.
static void litter(const uint64_t *words, size_t n) {
  for (size_t size = 16; size <= 256; size += 16) {
    volatile uint64_t *blocks[14];
    for (int b = 0; b < 14; b++) {
      blocks[b] = malloc(size);
      for (size_t i = 0; i < size / 8; i++) blocks[b][i] = words[(b + i) % n];
    }
    for (int b = 0; b < 14; b++) free((void *)blocks[b]);
  }
}
static int present(void) { return clusir_cuda_symbol("softdevice_live") != NULL; }
static int checked(void) { return clusir_cuda_symbol("softdevice_checked") != NULL; }
*/
import "C"

import "unsafe"

// Present reports whether the loaded driver is the software device.
func Present() bool { return C.present() != 0 }

// Checked reports whether it is the build that checks every access.
func Checked() bool { return C.checked() != 0 }

// Fail makes the nth driver call of that name from now on fail with a CUresult; see
// softdevice_fail in kernels/emu/control.h. nth 0 disarms.
func Fail(call string, nth, code int) {
	c := C.CString(call)
	defer C.free(unsafe.Pointer(c))
	C.fail(c, C.int(nth), C.int(code))
}

// Fired reports whether the fault of the last Fail has happened.
func Fired() bool { return C.fired() != 0 }

// Calls returns the number of driver calls so far.
func Calls() int { return int(C.calls()) }

// Message returns and clears the device's message about the last fault in a kernel.
func Message() string {
	buffer := (*C.char)(C.calloc(1, 1000))
	defer C.free(unsafe.Pointer(buffer))
	C.message(buffer, 1000)
	return C.GoString(buffer)
}

// Stats counts what the device holds.
type Stats struct {
	Contexts, Modules, Streams, Events   int
	Graphs                               int
	DeviceAllocations, PinnedAllocations int
	Reclaimed                            int // objects that were freed only when their context ended
	Launches                             int // kernels run
}

// Live returns what the device holds now.
func Live() Stats {
	var s C.struct_softdevice_stats
	C.live(&s)
	return Stats{
		Contexts: int(s.contexts), Modules: int(s.modules), Streams: int(s.streams), Events: int(s.events), Graphs: int(s.graphs),
		DeviceAllocations: int(s.device_allocations), PinnedAllocations: int(s.pinned_allocations),
		Reclaimed: int(s.reclaimed), Launches: int(s.launches),
	}
}

// Nothing reports whether the device holds nothing.
func (s Stats) Nothing() bool {
	return s.Contexts+s.Modules+s.Streams+s.Events+s.Graphs+s.DeviceAllocations+s.PinnedAllocations == 0
}

// Litter leaves words in the small blocks that malloc hands to the calling thread next.
func Litter(words []uint64) {
	C.litter((*C.uint64_t)(unsafe.SliceData(words)), C.size_t(len(words)))
}
