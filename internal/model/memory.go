package model

import (
	"clusir/internal/arch"
	"clusir/internal/autograd"
)

// TrainingMemory estimates the bytes that one training step on n images of H×W takes:
// parameters, gradients, Adam's two moments and the peak number of values alive in a
// pass, plus a quarter for scratch space and what a device keeps for reuse. Beyond a
// few images it extrapolates, in floating point, which does not overflow.
func TrainingMemory(c arch.Config, o Objective, n, H, W int, recompute bool) (int64, error) {
	const few = 4
	n = max(n, c.MinTrainingBatch()) // ranks that share BatchNorm's statistics may have less
	if n <= 2*few {
		return stepMemory(c, o, n, H, W, recompute)
	}
	one, err := stepMemory(c, o, few, H, W, recompute)
	if err != nil {
		return 0, err
	}
	two, err := stepMemory(c, o, 2*few, H, W, recompute)
	return int64(min(float64(one)+float64(two-one)*float64(n-few)/few, 1<<62)), err
}

// stepMemory counts a step without running it.
func stepMemory(c arch.Config, o Objective, n, H, W int, recompute bool) (int64, error) {
	b := autograd.NewShapes()
	m, err := New(c, b)
	if err != nil {
		return 0, err
	}
	m.ZeroGrads()
	tape := &Tape{B: b, Train: true, Recompute: recompute}
	image, clean := autograd.Leaf(b.Alloc(n, 3, H, W), false), autograd.Leaf(b.Alloc(n, 3, H, W), false)
	restored, _ := m.Forward(tape, image, Options{}) // noise takes next to nothing
	o.Loss(tape, m, restored, clean, nil).Backward(tape, 1)
	moments := int64(0)
	for _, p := range m.Params {
		moments += 2 * int64(p.Len())
	}
	const float = 4
	return float * (moments + b.Peak()*5/4), nil
}
