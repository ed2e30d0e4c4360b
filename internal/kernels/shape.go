package kernels

import "slices"

// Shape lists the extents of a tensor, outermost first, e.g. [B,C,H,W].
type Shape []int

// Len returns the number of elements.
func (s Shape) Len() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Equal reports whether s and o have the same extents.
func (s Shape) Equal(o Shape) bool { return slices.Equal(s, o) }

// Tensor is a block of device memory with a shape. The zero Tensor means "absent".
type Tensor struct {
	Shape Shape
	Data  any // *float32 on cpu, a block of float64 on ref, a device address on cuda
}

// Element is one number of a tensor, or absent.
type Element struct {
	Tensor
	Index int
}

// IsZero reports whether t is absent.
func (t Tensor) IsZero() bool { return t.Data == nil }

// Len returns the number of elements.
func (t Tensor) Len() int { return t.Shape.Len() }

// Reshape returns the same memory under another shape of the same size.
func (t Tensor) Reshape(s ...int) Tensor {
	if Shape(s).Len() != t.Len() {
		panic("kernels: Reshape changes the number of elements")
	}
	return Tensor{Shape: s, Data: t.Data}
}
