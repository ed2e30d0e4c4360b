package autograd

import (
	"fmt"
	"strings"

	"clusir/internal/kernels"
)

// check panics with the operation's name and its operands' shapes unless ok.
func check(ok bool, op string, vs ...*Var) {
	if ok {
		return
	}
	shapes := make([]string, len(vs))
	for i, v := range vs {
		shapes[i] = "absent"
		if v != nil {
			shapes[i] = fmt.Sprint([]int(v.Shape))
		}
	}
	panic(fmt.Sprintf("autograd: %s: operands of shapes %s do not fit", op, strings.Join(shapes, ", ")))
}

func is(v *Var, extents ...int) bool { return v != nil && v.Shape.Equal(extents) }

// absentOr reports whether v is absent or has these extents.
func absentOr(v *Var, extents ...int) bool { return v == nil || is(v, extents...) }

// dims2, dims3 and dims4 return the extents of v, which must have that many.
func dims2(op string, v *Var) (int, int) {
	check(len(v.Shape) == 2, op, v)
	return v.Shape[0], v.Shape[1]
}

func dims3(op string, v *Var) (int, int, int) {
	check(len(v.Shape) == 3, op, v)
	return v.Shape[0], v.Shape[1], v.Shape[2]
}

func dims4(op string, v *Var) (B, C, H, W int) {
	check(len(v.Shape) == 4, op, v)
	return v.Shape[0], v.Shape[1], v.Shape[2], v.Shape[3]
}

// tensorsOf returns a tensor of each Var: its value or its gradient.
func tensorsOf(vs []*Var, of func(*Var) kernels.Tensor) []kernels.Tensor {
	ts := make([]kernels.Tensor, len(vs))
	for i, v := range vs {
		ts[i] = of(v)
	}
	return ts
}
