package kerneltest

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"clusir/internal/kernels"
)

// Case is a row of the table.
type Case struct {
	Op   string // the method of kernels.Backend
	Grad string // the method of its gradient, empty if there is none
	Name string // distinguishes this row from the others of Op

	In  []Operand // the sources, in the order that Forward and Backward expect
	Out []Operand // the results

	// Forward calls Op and Backward calls Grad, each on tensors in the order of Out and
	// In. A destination dx[i] is absent if In[i] has no gradient.
	Forward  func(b kernels.Backend, y, x []kernels.Tensor)
	Backward func(b kernels.Backend, dx, dy, y, x []kernels.Tensor)

	// Tol and GradTol are the largest errors allowed, relative to the largest magnitude
	// in a tensor; zero means tolerance.
	Tol, GradTol float64
	// Floor is the smallest magnitude that an error is compared with, for results and
	// gradients that are 0 except for rounding.
	Floor float64
	// Products is the number of consecutive matrix products if above one: at low
	// precision each rounds the result of the previous one.
	Products int
	// Large rows test split work; they take long on slow backends.
	Large bool
}

// large marks a row as Large.
func (c Case) large() Case {
	c.Large = true
	return c
}

// vanishing marks a row with results or gradients that are 0 except for rounding.
func (c Case) vanishing() Case {
	c.Floor = 1
	return c
}

// exactly marks a row with results or gradients that must be exactly 0: if a gradient
// is noise, so are Adam's steps.
func (c Case) exactly() Case {
	c.Floor = 1e-12
	return c
}

// with returns the row under another name, with In[i] replaced.
func (c Case) with(name string, i int, o Operand) Case {
	c.Name += "_" + name
	c.In = slices.Clone(c.In)
	c.In[i] = o
	return c
}

// forwardOnly returns a row without its gradient, if that does not exist.
func (c Case) forwardOnly() Case {
	c.Grad = ""
	return c
}

// tolerance is the accuracy of float32 for sums of a few hundred terms, with room for a
// different order of summation.
const tolerance = 2e-5

// Operand is a source or a result of a case.
type Operand struct {
	Name  string
	Shape kernels.Shape
	role  role
	exact bool // the values are exact bits: ties, zeros, counts
	fill  func(r *rand.Rand, v []float64)
}

type role int

const (
	smooth role = iota // has a gradient
	routed             // has a gradient where it is not 0
	fixed              // has none
	state              // read and written by the operation
	absent             // the zero Tensor
)

// independent is an operand of independent random numbers with a gradient.
func independent(name string, shape []int, number func(*rand.Rand) float64) Operand {
	return Operand{Name: name, Shape: shape, fill: func(r *rand.Rand, v []float64) {
		for i := range v {
			v[i] = number(r)
		}
	}}
}

// normal is an operand of N(0,1) with a gradient.
func normal(name string, shape ...int) Operand {
	return independent(name, shape, (*rand.Rand).NormFloat64)
}

// weight is an operand of N(0, 1/fan_in) with a gradient, [fan_out, fan_in...].
func weight(name string, shape ...int) Operand {
	fanIn := kernels.Shape(shape[1:]).Len()
	return normal(name, shape...).scaled(1/math.Sqrt(float64(fanIn)), 0)
}

// uniform is an operand of U(0,1) with a gradient.
func uniform(name string, shape ...int) Operand {
	return independent(name, shape, (*rand.Rand).Float64)
}

// given is an operand of given values, cut off or repeated to its size, without a
// gradient.
func given(name string, values []float64, shape ...int) Operand {
	return Operand{Name: name, Shape: shape, role: fixed, exact: true, fill: func(_ *rand.Rand, v []float64) {
		for i := range v {
			v[i] = values[i%len(values)]
		}
	}}
}

func none(name string) Operand { return Operand{Name: name, role: absent} }

func result(name string, shape ...int) Operand { return Operand{Name: name, Shape: shape} }

// changed returns o with its values changed after they are drawn.
func (o Operand) changed(change func(v []float64)) Operand {
	fill := o.fill
	o.fill = func(r *rand.Rand, v []float64) {
		fill(r, v)
		change(v)
	}
	return o
}

// scaled returns o with the values a·v + b.
func (o Operand) scaled(a, b float64) Operand {
	return o.changed(func(v []float64) {
		for i := range v {
			v[i] = a*v[i] + b
		}
	})
}

// aside returns o with its values moved away from 0.
func (o Operand) aside(by float64) Operand {
	return o.changed(func(v []float64) {
		for i := range v {
			v[i] += math.Copysign(by, v[i])
		}
	})
}

// centred returns o with the mean of every n numbers subtracted from them.
func (o Operand) centred(n int) Operand {
	return o.changed(func(v []float64) {
		for row := range slices.Chunk(v, n) {
			mean := 0.0
			for _, x := range row {
				mean += x / float64(n)
			}
			for i := range row {
				row[i] -= mean
			}
		}
	})
}

// as returns o in another role.
func (o Operand) as(r role) Operand {
	o.role = r
	return o
}

func (o Operand) optional(present bool) Operand {
	if !present {
		return none(o.Name)
	}
	return o
}

// draw returns the operand's values, float32 numbers that depend only on the case and
// the operand's name; nil if it is absent.
func (o Operand) draw(c Case) []float64 {
	if o.role == absent {
		return nil
	}
	h := fnv.New64a()
	fmt.Fprint(h, c.Op, c.Name, o.Name)
	v := make([]float64, o.Shape.Len())
	o.fill(rand.New(rand.NewPCG(h.Sum64(), 0)), v)
	return rounded(v)
}

// rounded rounds v to float32 in place and returns it.
func rounded(v []float64) []float64 {
	for i, x := range v {
		v[i] = float64(float32(x))
	}
	return v
}

// differentiable lists the indices of the operands that have a gradient.
func (c Case) differentiable() []int {
	var is []int
	for i, o := range c.In {
		if o.role == smooth || o.role == routed {
			is = append(is, i)
		}
	}
	return is
}

// title names a row from pairs of letter and number, such as b3_c5_h6_w10, and
// bare words.
func title(parts ...any) string {
	var s strings.Builder
	for i, p := range parts {
		if _, word := p.(string); word && i > 0 {
			s.WriteByte('_')
		}
		fmt.Fprint(&s, p)
	}
	return s.String()
}

func choose(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}
