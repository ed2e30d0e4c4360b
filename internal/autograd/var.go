package autograd

import (
	"fmt"

	"clusir/internal/kernels"
)

// Var is a tensor and, while training, its gradient. Views of one tensor under
// several shapes ([Var.Reshape]) share memory, gradient and lifetime.
type Var struct {
	kernels.Tensor
	*node
	last bool // the operation that takes it releases it: see Last
}

// node is the state that all views of one tensor have in common.
type node struct {
	value    kernels.Tensor // as allocated
	grad     kernels.Tensor // as allocated; absent until the backward pass first needs it
	needs    bool           // a gradient is wanted
	leaf     bool           // the caller owns it, including its gradient
	detached bool           // the caller took over the value
	pinned   bool           // stays until Reset
	released bool           // the model will not use it again
	freed    bool
	kept     int // recorded operations that read the value in the backward pass
	serial   int // 0 for leaves

	// Of leaves:
	pending  int    // recorded operations that will add to the gradient
	complete func() // see OnGrad
}

// Leaf returns a Var for memory that the caller owns. needs says whether Backward
// accumulates its gradient.
func Leaf(t kernels.Tensor, needs bool) *Var {
	return &Var{Tensor: t, node: &node{value: t, needs: needs, leaf: true}}
}

// Reshape returns a view of v under another shape of the same size.
func (v *Var) Reshape(shape ...int) *Var {
	return &Var{Tensor: v.Tensor.Reshape(shape...), node: v.node}
}

// Grad returns the gradient that Backward has accumulated so far, shaped like v, or the
// zero Tensor if there is none. It is valid for leaves only.
func (v *Var) Grad() kernels.Tensor {
	if v.grad.IsZero() {
		return kernels.Tensor{}
	}
	return v.grad.Reshape(v.Shape...)
}

// ZeroGrads sets the gradients of the leaves that want one to zero, allocating those
// that are absent.
func ZeroGrads(m kernels.Memory, vs ...*Var) {
	var grads []kernels.Tensor
	for _, v := range vs {
		if !v.needs {
			continue
		}
		if v.grad.IsZero() {
			v.grad = m.Alloc(v.value.Shape...)
		}
		grads = append(grads, v.grad)
	}
	m.Clear(grads...)
}

// Free frees a leaf's memory and its gradient's.
func (v *Var) Free(m kernels.Memory) {
	if v.freed {
		return
	}
	m.Free(v.value)
	m.Free(v.grad)
	v.freed, v.grad = true, kernels.Tensor{}
}

// tensor returns v's value, or the zero Tensor if v is absent.
func (v *Var) tensor() kernels.Tensor {
	if v == nil {
		return kernels.Tensor{}
	}
	return v.Tensor
}

func (v *Var) mustLive(op string) {
	if v != nil && v.freed {
		panic(fmt.Sprintf("autograd: %s: an input of shape %v was already released", op, v.Shape))
	}
}

// alloc returns a new result.
func (t *Tape) alloc(shape ...int) *Var {
	t.serial++
	value := t.B.Alloc(shape...)
	y := &Var{Tensor: value, node: &node{value: value, serial: t.serial}}
	t.made = append(t.made, y.node)
	return y
}

// Input copies host data into a Var that the tape owns and that wants no gradient.
func (t *Tape) Input(data []float32, shape ...int) *Var {
	check(len(data) == kernels.Shape(shape).Len(), "Input", &Var{Tensor: kernels.Tensor{Shape: shape}})
	y := t.alloc(shape...)
	t.B.Upload(y.Tensor, data)
	return y
}

// Fetch copies v to the host. It waits for the work that makes v.
func (t *Tape) Fetch(v *Var) []float32 {
	v.mustLive("Fetch")
	return Fetch(t.B, v.Tensor)
}

// Fetch copies a tensor to the host. It waits for the work that makes it.
func Fetch(m kernels.Memory, t kernels.Tensor) []float32 {
	x := make([]float32, t.Len())
	m.Download(x, t)
	return x
}

// grad returns the gradient of x to add to, zeroed at first use, or the zero Tensor if
// none is wanted.
func (t *Tape) grad(x *Var) kernels.Tensor {
	if x == nil || !x.needs {
		return kernels.Tensor{}
	}
	if x.grad.IsZero() {
		x.grad = kernels.Zeros(t.B, x.value.Shape...)
	}
	return x.grad.Reshape(x.Shape...)
}

// release declares that the model will not use a result again; absent Vars and leaves
// are ignored. A later use panics in inference.
func (t *Tape) release(v *Var) {
	if v != nil && !v.leaf {
		v.released = true
		t.reap(v.node)
	}
}

// Last marks v, as an operand of one operation, as used for the last time: the
// operation releases it. v may be absent.
func Last(v *Var) *Var {
	if v == nil {
		return nil
	}
	return &Var{Tensor: v.Tensor, node: v.node, last: true}
}

// Keep keeps the values of these results until Reset, even through Backward.
func (t *Tape) Keep(vs ...*Var) {
	for _, v := range vs {
		v.pinned = true
	}
}

// Detach removes v from the tape: it returns a leaf with v's value that wants no
// gradient and that the caller frees.
func (t *Tape) Detach(v *Var) *Var {
	v.mustLive("Detach")
	v.detached = true
	return &Var{Tensor: v.Tensor, node: &node{value: v.value, leaf: true}}
}

// Reset frees every result that the tape still owns and discards the recorded
// operations. The gradients of leaves stay.
func (t *Tape) Reset() {
	for _, o := range t.ops {
		settle(o.in, false)
	}
	clear(t.ops)
	t.ops = t.ops[:0]
	t.freeSince(0, func(*node) bool { return false })
	t.capture, t.replay, t.serial = nil, false, 0
}

// freeSince frees what was made since mark, except what stays reports true for.
func (t *Tape) freeSince(mark int, stays func(*node) bool) {
	left := t.made[:mark]
	for _, n := range t.made[mark:] {
		if stays(n) {
			left = append(left, n)
			continue
		}
		t.freeGrad(n)
		t.free(n)
	}
	clear(t.made[len(left):])
	t.made = left
}

// reap frees n's value once it is no longer needed.
func (t *Tape) reap(n *node) {
	if n.released && n.kept == 0 && !n.pinned {
		t.free(n)
	}
}

func (t *Tape) free(n *node) {
	if !n.leaf && !n.detached && !n.freed {
		t.B.Free(n.value)
		n.freed = true
	}
}

func (t *Tape) freeGrad(n *node) {
	if !n.leaf && !n.grad.IsZero() {
		t.B.Free(n.grad)
		n.grad = kernels.Tensor{}
	}
}
