package cpu

// #include "cpu.h"
import "C"

import (
	"unsafe"

	"clusir/internal/kernels"
)

// view passes t to C: see ops.h.
func view(t kernels.Tensor) C.Tensor {
	if t.IsZero() {
		return C.Tensor{}
	}
	v := C.Tensor{p: ptr(t), n: [4]C.int64_t{1, 1, 1, 1}}
	for i, n := range t.Shape {
		v.n[min(i, 3)] *= C.int64_t(n)
	}
	return v
}

// element passes one number of a tensor.
func element(e kernels.Element) C.Tensor {
	if e.IsZero() {
		return C.Tensor{}
	}
	return view(kernels.Tensor{Data: &Floats(e.Tensor)[e.Index]})
}

// rows passes t as [R,n], where n is its last axis.
func rows(t kernels.Tensor) C.Tensor {
	if !t.IsZero() {
		n := t.Shape[len(t.Shape)-1]
		t.Shape = kernels.Shape{t.Len() / n, n}
	}
	return view(t)
}

// list passes a list to C; NULL if it is empty.
func list[T, V any](ts []T, pass func(T) V) *V {
	vs := make([]V, len(ts))
	for i, t := range ts {
		vs[i] = pass(t)
	}
	return unsafe.SliceData(vs)
}

func views(ts []kernels.Tensor) *C.Tensor { return list(ts, view) }

func norm(n kernels.Norm) C.clusir_norm {
	return C.clusir_norm{weight: view(n.Weight), bias: view(n.Bias)}
}

func ffns(fs []kernels.FFN) *C.clusir_ffn {
	return list(fs, func(f kernels.FFN) C.clusir_ffn {
		return C.clusir_ffn{expand: view(f.Expand), depthwise: view(f.Depthwise), project: view(f.Project)}
	})
}

func fuse(f kernels.Fuse) C.clusir_fuse {
	return C.clusir_fuse{w1: view(f.W1), b1: view(f.B1), w2: view(f.W2), b2: view(f.B2)}
}
