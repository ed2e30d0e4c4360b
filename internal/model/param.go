package model

import (
	"fmt"

	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/kernels"
)

// Param is a named tensor of the network: a parameter or a buffer.
type Param struct {
	Name string // as in the reference's state_dict
	*Var
	// Reached counts the samples that reached this parameter; absent means that every
	// sample does.
	Reached kernels.Element

	start initial
}

// builder makes the parameters of a network. Each copy of it stands for one position in
// the tree of modules.
type builder struct {
	m       *ClusIR
	prefix  string
	reached kernels.Element
}

// at returns the builder of a submodule.
func (b builder) at(parts ...any) builder {
	for _, p := range parts {
		b.prefix += fmt.Sprint(p, ".")
	}
	return b
}

func (b builder) name() string { return b.prefix[:max(0, len(b.prefix)-1)] }

func (b builder) alloc(name string, needs bool, start initial, shape []int) *Param {
	v := autograd.Leaf(b.m.memory.Alloc(shape...), needs)
	return &Param{Name: b.prefix + name, Var: v, Reached: b.reached, start: start}
}

func (b builder) param(name string, start initial, shape ...int) *Var {
	p := b.alloc(name, true, start, shape)
	b.m.Params = append(b.m.Params, p)
	return p.Var
}

// buffer makes a tensor that is saved but not trained.
func (b builder) buffer(name string, v float32, shape ...int) *Var {
	p := b.alloc(name, false, constant(v), shape)
	b.m.Buffers = append(b.m.Buffers, p)
	return p.Var
}

// conv1x1 makes the weight [O,C,1,1] of a convolution, as [O,C].
func (b builder) conv1x1(name string, O, C int) *Var {
	return b.param(name+".weight", uniform(C), O, C, 1, 1).Reshape(O, C)
}

// conv3x3 makes the weight [O,C,3,3] of a convolution.
func (b builder) conv3x3(name string, O, C int) *Var {
	return b.param(name+".weight", uniform(9*C), O, C, 3, 3)
}

// bias makes the bias [O] of a layer with fanIn inputs.
func (b builder) bias(name string, O, fanIn int) *Var {
	return b.param(name+".bias", uniform(fanIn), O)
}

// norm makes a layer norm over C channels.
func (b builder) norm(name string, C int) autograd.Norm {
	return autograd.Norm{
		Weight: b.param(name+".weight", constant(1), C),
		Bias:   b.param(name+".bias", constant(0), C),
	}
}

// ffn makes a gated feed-forward network, which is also the form of every expert.
func (b builder) ffn(C int, ratio float64) autograd.FFN {
	h := arch.Hidden(C, ratio)
	return autograd.FFN{
		Expand:    b.conv1x1("expand", 2*h, C),
		Depthwise: b.param("depthwise.weight", uniform(9), 2*h, 1, 3, 3).Reshape(2*h, 3, 3),
		Project:   b.conv1x1("project", C, h),
	}
}
