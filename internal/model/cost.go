package model

import (
	"fmt"

	"clusir/internal/arch"
	"clusir/internal/autograd"
)

// Cost is what one inference costs, counted on the graph without running it.
type Cost struct {
	Params     int64 // trained values; excludes BatchNorm's running statistics
	MACs       int64 // multiply-accumulates, see autograd.Tape.MACs
	PeakValues int64 // peak number of values alive between operations, including parameters
}

// GMACs returns the MACs in units of 10⁹.
func (c Cost) GMACs() float64 { return float64(c.MACs) / 1e9 }

// CostOf counts one inference on a batch of B images of H×W.
func CostOf(c arch.Config, B, H, W int) (Cost, error) {
	b := autograd.NewShapes()
	m, err := New(c, b)
	if err != nil {
		return Cost{}, err
	}
	if B < 1 || H%arch.Align != 0 || W%arch.Align != 0 || min(H, W) < c.MinSide() {
		return Cost{}, fmt.Errorf("cost of %d images of %d×%d: sides must be multiples of %d and at least %d", B, H, W, arch.Align, c.MinSide())
	}
	tape := &Tape{B: b}
	image := autograd.Leaf(b.Alloc(B, 3, H, W), false)
	m.Forward(tape, image, Options{})
	cost := Cost{MACs: tape.MACs, PeakValues: b.Peak()}
	for _, p := range m.Params {
		cost.Params += int64(p.Len())
	}
	return cost, nil
}
