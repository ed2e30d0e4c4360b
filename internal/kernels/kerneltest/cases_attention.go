package kerneltest

import (
	"fmt"
	"math"

	"clusir/internal/kernels"
)

func attentionCases() []Case {
	return []Case{
		attentionMap(1, 4, 3, 5, 1),
		attentionMap(3, 24, 2, 17, 3),
		attentionMap(2, 16, 6, 10, 4),
		attentionMap(1, 20, 7, 9, 5),
		attentionMap(2, 8, 1, 3, 2),
		attentionMap(1, 24, 3, 4, 24).vanishing(), // softmax over one entry
		attentionMap(1, 8, 1, 1, 2).exactly(),     // q and k of one pixel are signs
		attentionMap(3, 20, 1, 1, 5).exactly(),
		attentionMap(1, 12, 1, 2, 1),
		attentionMap(2, 24, 1, 2, 3),
		attentionMap(2, 64, 2, 2, 8),
		attentionMap(1, 36, 2, 3, 3),
		attentionMap(3, 12, 3, 5, 1),
		attentionMap(1, 8, 2, 3, 2).with("zero", 0, given("s", []float64{0}, 1, 8, 2, 3)).forwardOnly(),
		attentionMap(1, 8, 9, 7, 2).with("zero", 0, given("s", []float64{0}, 1, 8, 9, 7)).forwardOnly(),
		attentionMap(1, 24, 3, 5, 3).with("offset", 0, normal("s", 1, 24, 3, 5).scaled(1, 10)), // rows of q and k nearly parallel
		attentionMap(2, 12, 9, 11, 2).with("offset", 0, normal("s", 2, 12, 9, 11).scaled(1, 10)),
		attentionCancels(100, 1, 16, 2, 3, 2),
		attentionCancels(100, 2, 36, 3, 5, 3),
		attentionCancels(100, 2, 16, 9, 11, 2),
		attentionCancels(300, 1, 24, 3, 5, 3),
		attentionCancels(300, 1, 16, 9, 11, 2),
		attentionMap(1, 48, 33, 65, 2).large(),
		attentionMap(2, 16, 70, 34, 1).large(),
		attentionMap(1, 136, 1, 1, 8).exactly().large(),
		attentionMap(1, 136, 6, 10, 8).large(),
		attentionMap(1, 100, 14, 20, 5).large(),
		attentionCancels(100, 1, 48, 33, 65, 2).large(),
	}
}

// attentionMap is AttentionMap on h×w coefficients.
func attentionMap(b, c, h, w, heads int) Case {
	return Case{
		Op: "AttentionMap", Grad: "AttentionMapGrad", Name: title("b", b, "c", c, "h", h, "w", w, "heads", heads),
		In:      []Operand{normal("s", b, c, h, w), weight("qkv", 3*c, c), normal("temperature", heads).scaled(.5, 2)},
		Out:     []Operand{result("m", b, c, c)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.AttentionMap(y[0], x[0], x[1], x[2]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.AttentionMapGrad(dx[0], dx[1], dx[2], dy[0], x[0], x[1], x[2])
		},
	}
}

// attentionCancels is AttentionMap with an offset in s that nearly cancels in q and k,
// so that ‖Wq_i‖‖s‖ is kappa times ‖q_i‖. Rounding s alone then changes q by kappa·2⁻²⁴
// of its length; a Gram matrix in float32 makes that kappa²·2⁻²⁴.
func attentionCancels(kappa float64, b, c, h, w, heads int) Case {
	row := attentionMap(b, c, h, w, heads)
	row.Name += fmt.Sprintf("_cancels%g", kappa)
	row.In[0] = row.In[0].scaled(1, kappa/math.Sqrt(float64(c)))
	row.In[1] = row.In[1].centred(c)
	row.Tol, row.GradTol = tolerance*kappa/100, tolerance*kappa/15
	return row
}
