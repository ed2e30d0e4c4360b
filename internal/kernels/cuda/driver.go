//go:build cuda

package cuda

// The few driver calls that gorgonia.org/cu lacks or gets wrong, and the loading of the driver
// itself, which libcuda.a (see libcuda/lazy.c) leaves to this package.

/*
#cgo LDFLAGS: -lcuda -ldl
#include <stdint.h>
#include <stdlib.h>
#include <cuda.h>

int clusir_cuda_open(char *why, size_t size);

// launch is cuLaunchKernel for a grid of one-dimensional blocks, with n arguments of up to
// 8 bytes.
static CUresult launch(CUfunction fn, unsigned x, unsigned y, unsigned z, unsigned threads,
                       unsigned shared, CUstream stream, uint64_t *arguments, size_t n) {
  void *at[n + 1];
  for (size_t i = 0; i < n; i++) at[i] = &arguments[i];
  return cuLaunchKernel(fn, x, y, z, threads, 1, 1, shared, stream, at, NULL);
}
*/
import "C"

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"gorgonia.org/cu"
)

var openDriver = sync.OnceValue(func() error {
	why := (*C.char)(C.calloc(1, 512))
	defer C.free(unsafe.Pointer(why))
	switch r := C.clusir_cuda_open(why, 512); r {
	case 0:
		return nil
	case -1:
		remedy := "install NVIDIA's driver"
		if os.Getenv("CLUSIR_LIBCUDA") != "" {
			remedy = "correct or unset CLUSIR_LIBCUDA"
		}
		return fmt.Errorf("%w: %s; %s", ErrNoDevice, C.GoString(why), remedy)
	case C.CUDA_ERROR_NO_DEVICE:
		return fmt.Errorf("%w: the driver finds no GPU", ErrNoDevice)
	default:
		return fmt.Errorf("initialising the CUDA driver: %w", code(C.CUresult(r)))
	}
})

// code returns the error of a driver call of this package, as cu does for its own.
func code(r C.CUresult) error {
	if r == C.CUDA_SUCCESS {
		return nil
	}
	return as(cu.Success, r)
}

// deviceUnavailable is an error that cu lacks.
var deviceUnavailable = code(C.CUDA_ERROR_DEVICE_UNAVAILABLE)

// as returns r as a T: cu's type of errors, which it does not export.
func as[T ~int](_ T, r C.CUresult) T { return T(r) }

// hostAlloc returns pinned host memory.
func hostAlloc(bytes int64) (unsafe.Pointer, error) {
	var p unsafe.Pointer
	err := code(C.cuMemHostAlloc(&p, C.size_t(bytes), C.CU_MEMHOSTALLOC_PORTABLE|C.CU_MEMHOSTALLOC_DEVICEMAP))
	return p, err
}

// sharedPerBlock returns how many bytes of shared memory allowShared can give a function.
func sharedPerBlock(d cu.Device) (int, error) {
	return d.Attribute(cu.DeviceAttribute(C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN))
}

// allowShared lets a function use more dynamic shared memory than the default 48 KB.
func allowShared(f cu.Function, bytes int) error {
	return code(C.cuFuncSetAttribute(cfunction(f), C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes)))
}

// launchKernel launches a function of one-dimensional blocks, on a stream or into a capture
// of it. cu.Function.Launch stores pointers in memory that malloc has not cleared: during a
// collection Go's write barrier takes what lies there for pointers too, and marks objects
// that are free, of which the collector dies.
func launchKernel(f cu.Function, g grid, threads int, s cu.Stream, arguments []uint64) error {
	return code(C.launch(cfunction(f), C.uint(g.x), C.uint(g.y), C.uint(g.z), C.uint(threads), C.uint(g.shared),
		cstream(s), (*C.uint64_t)(unsafe.SliceData(arguments)), C.size_t(len(arguments))))
}

// parameterSizes returns the sizes of a function's parameters, or nil if the driver
// (before CUDA 12.4) cannot tell.
func parameterSizes(f cu.Function) ([]int, error) {
	sizes := []int{}
	for {
		var offset, size C.size_t
		switch r := C.cuFuncGetParamInfo(cfunction(f), C.size_t(len(sizes)), &offset, &size); r {
		case C.CUDA_SUCCESS:
			sizes = append(sizes, int(size))
		case C.CUDA_ERROR_INVALID_VALUE: // there are no more
			return sizes, nil
		case C.CUDA_ERROR_NOT_SUPPORTED:
			return nil, nil
		default:
			return nil, code(r)
		}
	}
}

// loadData loads a module from an image. cu.LoadData, which takes a string, would copy it
// once more.
func loadData(image []byte) (m cu.Module, err error) {
	image = append(image, 0) // PTX is a string of C
	err = code(C.cuModuleLoadData((*C.CUmodule)(unsafe.Pointer(&m)), unsafe.Pointer(unsafe.SliceData(image))))
	return m, err
}

// cfunction returns f's handle: a cu.Function is a struct with nothing else.
func cfunction(f cu.Function) C.CUfunction { return *(*C.CUfunction)(unsafe.Pointer(&f)) }
