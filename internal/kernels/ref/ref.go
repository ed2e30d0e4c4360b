// Package ref is the executable specification of kernels.Backend: every operation in
// float64 and plain loops, as directly as its formula reads. It is meant for
// comparison, not speed: package kerneltest compares the other backends with it, and
// only tests use it.
//
// Gradients are written by hand, as in every other backend, and verified by central
// differences in kerneltest. Composite operations run one part after the other with
// every intermediate in memory; the parts (layerNorm, conv1x1, concat, ...) are methods
// of trail, which runs the gradients of the parts backwards.
package ref

import (
	"fmt"
	"math"

	"clusir/internal/kernels"
)

// Backend computes on the host in float64. It is not safe for concurrent use.
type Backend struct{ live int }

var _ kernels.Backend = (*Backend)(nil)

// New returns a Backend.
func New() *Backend { return &Backend{} }

// block is what a Tensor's Data points to. Views made by Reshape have the same block,
// so that Free affects all of them.
type block struct{ v []float64 }

// Live returns the number of tensors that were allocated and not yet freed.
func (b *Backend) Live() int { return b.live }

// Alloc returns memory full of NaN, so that a read before the first write shows.
func (b *Backend) Alloc(shape ...int) kernels.Tensor {
	s := append(kernels.Shape{}, shape...)
	t := kernels.Tensor{Shape: s, Data: &block{make([]float64, s.Len())}}
	b.live++
	fill(values(t), math.NaN())
	return t
}

// Free frees t's memory; any later use of it panics.
func (b *Backend) Free(t kernels.Tensor) {
	if t.IsZero() {
		return
	}
	values(t) // panics if it was already freed
	t.Data.(*block).v = nil
	b.live--
}

// Fill sets every element of t to v.
func (*Backend) Fill(t kernels.Tensor, v float32) { fill(values(t), float64(v)) }

// Clear sets every element of ts to 0.
func (b *Backend) Clear(ts ...kernels.Tensor) {
	for _, t := range ts {
		b.Fill(t, 0)
	}
}

// Copy copies src to dst, element by element.
func (*Backend) Copy(dst, src kernels.Tensor) { copy(values(dst, src.Len()), values(src)) }

// Upload writes src to dst; float64 holds every float32 exactly.
func (*Backend) Upload(dst kernels.Tensor, src []float32) {
	v := values(dst, len(src))
	for i, s := range src {
		v[i] = float64(s)
	}
}

// Download writes src, rounded to float32, to dst.
func (*Backend) Download(dst []float32, src kernels.Tensor) {
	for i, s := range values(src, len(dst)) {
		dst[i] = float32(s)
	}
}

// Upload64 writes src to dst in full precision.
func (*Backend) Upload64(dst kernels.Tensor, src []float64) { copy(values(dst, len(src)), src) }

// Download64 returns a copy of t's elements in full precision.
func (*Backend) Download64(t kernels.Tensor) []float64 { return append([]float64{}, values(t)...) }

// Sync returns nil: operations are complete when they return, and nothing fails.
func (*Backend) Sync() error { return nil }

// Close does nothing; the garbage collector owns the memory.
func (*Backend) Close() error { return nil }

// values returns the elements of t itself, not a copy; nil if t is absent. It panics if
// t was freed or its size differs from that of extents, so an operation that names the
// extents of its operands verifies them.
func values(t kernels.Tensor, extents ...int) []float64 {
	if t.IsZero() {
		return nil
	}
	v := t.Data.(*block).v
	if len(v) != t.Len() {
		panic(fmt.Sprintf("ref: use of a freed tensor %v", t.Shape))
	}
	if n := kernels.Shape(extents).Len(); extents != nil && n != len(v) {
		panic(fmt.Sprintf("ref: a tensor has shape %v, want %v", t.Shape, extents))
	}
	return v
}

// orZeros returns t's elements, or zeros of the given extents if t is absent: a missing
// bias is 0, and unwanted gradients are added to scratch and discarded.
func orZeros(t kernels.Tensor, extents ...int) []float64 {
	if t.IsZero() {
		return make([]float64, kernels.Shape(extents).Len())
	}
	return values(t, extents...)
}

func fill(v []float64, x float64) {
	for i := range v {
		v[i] = x
	}
}

// accumulate adds x to y.
func accumulate(y, x []float64) {
	for i, v := range x {
		y[i] += v
	}
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}
