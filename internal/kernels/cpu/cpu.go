// Package cpu is the fast backend on the host: C++ kernels on all cores, with the
// widest vectors that the processor has.
//
// Each family of operations is one or more headers, compiled once per instruction set
// (isa_*.cc); gemm.h and tile.h hold their common parts. ops.h lists the operations, and
// ops.go binds them.
package cpu

/*
#cgo CXXFLAGS: -std=c++17 -O3 -fno-exceptions -fno-rtti -Wall -Wno-psabi -Wno-unknown-pragmas -Wno-maybe-uninitialized -Wno-unknown-warning-option
#cgo LDFLAGS: -lstdc++ -lm
#include <stdlib.h>
#include <string.h>
#include "cpu.h"
#include "memory.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"clusir/internal/kernels"
)

// Options configure a Backend.
type Options struct {
	Threads int    // 0: the number of processors
	ISA     string // one of ISAs; empty: the best available
	// BF16 rounds the operands of matrix products and 3×3 convolutions to bf16; sums
	// and everything else are in float32. It uses AMX, or else AVX512-BF16 if that is
	// faster than float32, as on AMD's processors; otherwise New fails. Intel's
	// AVX512-BF16 and the portable form, which is slow and exists for tests, can be
	// selected by ISA.
	BF16 bool
}

// ISAs lists the instruction sets; amx has no float32 form, avx2 no bf16 form.
func ISAs() []string { return []string{"amx", "avx512", "avx2", "portable"} }

// Backend runs every operation on the host. It must not be used by several goroutines
// at once; operations are complete when their method returns.
type Backend struct {
	ctx   *C.clusir_ctx
	arena *C.clusir_arena
}

// New returns a backend, or an error if the processor lacks o.ISA.
func New(o Options) (*Backend, error) {
	if o.Threads < 0 {
		return nil, fmt.Errorf("threads: %d is negative; use 0 for all processors", o.Threads)
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.ISA != "" && !slices.Contains(ISAs(), o.ISA) {
		return nil, o.refused()
	}
	ctx := o.open()
	if ctx == nil {
		return nil, o.refused()
	}
	return &Backend{ctx: ctx, arena: C.clusir_arena_open()}, nil
}

// open starts the threads; it returns nil if the processor lacks o.ISA.
func (o Options) open() *C.clusir_ctx {
	name := o.ISA
	if o.BF16 {
		name = strings.TrimPrefix(name+"_bf16", "_")
	}
	isa := C.CString(name)
	defer C.free(unsafe.Pointer(isa))
	return C.clusir_open(C.int(o.Threads), isa)
}

// Precision implements kernels.Precise.
func (b *Backend) Precision() string {
	if strings.HasSuffix(b.ISA(), "_bf16") {
		return "bf16"
	}
	return "float32"
}

// refused returns the error if there is no form for what o asks, with those that there are.
func (o Options) refused() error {
	usable := strings.Join(slices.DeleteFunc(ISAs(), func(isa string) bool {
		ctx := Options{1, isa, o.BF16}.open()
		if ctx != nil {
			C.clusir_close(ctx)
		}
		return ctx == nil
	}), " or ")
	switch {
	case o.BF16 && o.ISA == "":
		return errors.New("precision bf16 takes a processor with AVX512-BF16 that is faster than float32 (AMD Zen 4 or later), or with AMX that the system allows (Intel Sapphire Rapids or later), which this one is not: choose float32")
	case o.BF16:
		return fmt.Errorf("precision bf16 takes a processor with AVX512-BF16 or AMX; instruction set %q has no form for it, or is not on this processor: use %s, or choose float32", o.ISA, usable)
	case o.ISA == "amx":
		return fmt.Errorf(`instruction set "amx" multiplies bf16 alone: choose precision bf16, or %s`, usable)
	}
	return fmt.Errorf("instruction set %q: unknown, or not on this processor: use %s", o.ISA, usable)
}

// ISA returns the name of the instruction set in use.
func (b *Backend) ISA() string { return C.GoString(C.clusir_isa(b.ctx)) }

// Used returns the number of bytes in tensors that have not been freed.
func (b *Backend) Used() int64 { return int64(C.clusir_arena_used(b.arena)) }

// Close stops the threads and frees all memory.
func (b *Backend) Close() error {
	C.clusir_close(b.ctx)
	C.clusir_arena_close(b.arena)
	b.ctx, b.arena = nil, nil
	return nil
}

// Sync returns nil: operations are complete when they return, and faults panic.
func (b *Backend) Sync() error { return nil }

// Alloc returns memory with undefined contents. It panics with an error that wraps
// kernels.ErrMemory if the system has none left.
func (b *Backend) Alloc(shape ...int) kernels.Tensor {
	s := kernels.Shape(shape)
	p := C.clusir_arena_alloc(b.arena, C.int64_t(s.Len()))
	if p == nil {
		panic(fmt.Errorf("cpu: allocating %v, %d MiB: %w", s, s.Len()>>18, kernels.ErrMemory))
	}
	return kernels.Tensor{Shape: s, Data: (*float32)(p)}
}

// Free frees t.
func (b *Backend) Free(t kernels.Tensor) {
	if !t.IsZero() {
		C.clusir_arena_free(b.arena, ptr(t))
	}
}

// Clear sets every element of ts to 0.
func (b *Backend) Clear(ts ...kernels.Tensor) {
	for _, t := range ts {
		clear(Floats(t))
	}
}

// Copy copies src to dst.
func (b *Backend) Copy(dst, src kernels.Tensor) { copy(Floats(dst), Floats(src)) }

// Upload copies src to dst.
func (b *Backend) Upload(dst kernels.Tensor, src []float32) { copy(Floats(dst), src) }

// Download copies src to dst.
func (b *Backend) Download(dst []float32, src kernels.Tensor) { copy(dst, Floats(src)) }

// Floats returns t's memory.
func Floats(t kernels.Tensor) []float32 {
	return unsafe.Slice(t.Data.(*float32), t.Len())
}

// ptr returns the address of a tensor that is present.
func ptr(t kernels.Tensor) *C.float { return (*C.float)(t.Data.(*float32)) }
