package autograd

import "clusir/internal/kernels"

// Shapes is a backend without numbers: its tensors have nothing but a shape, and a Tape
// on it checks shapes, counts MACs and manages memory without computing anything. It
// tells in a millisecond what a network of a given size costs. Only its Memory methods
// may be called directly.
type Shapes struct {
	kernels.Backend // nil: the tape calls no operation
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

// Free counts t's memory as freed.
func (s *Shapes) Free(t kernels.Tensor) {
	if !t.IsZero() {
		s.live -= int64(t.Len())
	}
}

// Live returns how many elements are allocated.
func (s *Shapes) Live() int64 { return s.live }

// Peak returns the largest number of elements that were allocated at once. A real
// device also needs scratch space within its operations.
func (s *Shapes) Peak() int64 { return s.peak }

// Fill does nothing.
func (*Shapes) Fill(kernels.Tensor, float32) {}

// Clear does nothing.
func (*Shapes) Clear(...kernels.Tensor) {}

// Copy does nothing.
func (*Shapes) Copy(_, _ kernels.Tensor) {}

// Add does nothing; the tape calls it to add gradients.
func (*Shapes) Add(_, _, _ kernels.Tensor, _ float32) {}

// Upload does nothing.
func (*Shapes) Upload(kernels.Tensor, []float32) {}

// Download leaves dst unchanged.
func (*Shapes) Download([]float32, kernels.Tensor) {}

// Sync does nothing: there is no work to wait for.
func (*Shapes) Sync() error { return nil }

// Close does nothing: there is no memory to free.
func (*Shapes) Close() error { return nil }

// dry reports whether the tape runs without numbers.
func (t *Tape) dry() bool {
	_, ok := t.B.(*Shapes)
	return ok
}
