package autograd

import "clusir/internal/kernels"

// Shapes is a backend without numbers: it hands out tensors that have nothing
// but a shape, and a Tape on it checks shapes, counts MACs and manages memory
// without computing anything. It answers what a network of some size costs, in
// a millisecond. Only its Memory methods may be called directly.
type Shapes struct {
	kernels.Backend // absent: the tape calls no operation
	live, peak      int64
}

// NewShapes returns a backend without numbers.
func NewShapes() *Shapes { return &Shapes{} }

// Alloc returns a tensor without memory.
func (s *Shapes) Alloc(shape ...int) kernels.Tensor {
	t := kernels.Tensor{Shape: append(kernels.Shape{}, shape...), Data: s}
	s.live += int64(t.Len())
	s.peak = max(s.peak, s.live)
	return t
}

// Free counts t's memory as given back.
func (s *Shapes) Free(t kernels.Tensor) {
	if !t.IsZero() {
		s.live -= int64(t.Len())
	}
}

// Live returns how many elements are allocated.
func (s *Shapes) Live() int64 { return s.live }

// Peak returns the largest number of elements that were allocated at a time.
// A real device also needs room within its operations.
func (s *Shapes) Peak() int64 { return s.peak }

// Fill does nothing.
func (*Shapes) Fill(kernels.Tensor, float32) {}

// Clear does nothing.
func (*Shapes) Clear(...kernels.Tensor) {}

// Copy does nothing.
func (*Shapes) Copy(_, _ kernels.Tensor) {}

// Axpy does nothing; the tape calls it to add gradients.
func (*Shapes) Axpy(_, _ kernels.Tensor, _ float32) {}

// Upload does nothing.
func (*Shapes) Upload(kernels.Tensor, []float32) {}

// Download leaves dst as it is.
func (*Shapes) Download([]float32, kernels.Tensor) {}

// Sync has nothing to wait for.
func (*Shapes) Sync() error { return nil }

// Close has nothing to give back.
func (*Shapes) Close() error { return nil }

// dry reports whether the tape runs without numbers.
func (t *Tape) dry() bool {
	_, ok := t.B.(*Shapes)
	return ok
}
