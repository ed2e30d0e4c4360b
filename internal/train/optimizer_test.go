package train

import (
	"math"
	"testing"

	"clusir/internal/autograd"
	"clusir/internal/config"
	"clusir/internal/kernels/ref"
	"clusir/internal/model"
	"clusir/internal/testnet"
)

// TestAverage: each step moves the average by 1−EMA of the way to the weights, also for
// tensors that the step leaves as they are.
func TestAverage(t *testing.T) {
	b := ref.New()
	m, err := model.New(testnet.Small(), b)
	if err != nil {
		t.Fatal(err)
	}
	m.Init(1)
	o := newOptimizer(m, b, config.Train{EMA: 0.75})
	var before [][]float32
	for _, p := range m.Tensors() {
		before = append(before, autograd.Fetch(b, p.Tensor))
		b.Fill(p.Tensor, 3)
	}
	o.step(0)
	for i, p := range m.Tensors() {
		for j, x := range autograd.Fetch(b, o.average[i]) {
			if want := 0.75*before[i][j] + 0.25*3; math.Abs(float64(x-want)) > 1e-6 {
				t.Fatalf("the average of %s[%d] is %g, want %g", p.Name, j, x, want)
			}
		}
	}
}
