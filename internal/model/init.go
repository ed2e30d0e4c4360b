package model

import "math"

// initial writes a parameter's starting values.
type initial func(s stream, w []float32, shape []int)

// uniform is U(±1/√fanIn), for weights and biases alike.
func uniform(fanIn int) initial {
	bound := 1 / math.Sqrt(float64(fanIn))
	return func(s stream, w []float32, _ []int) {
		for i := range w {
			w[i] = float32(bound * (2*s.uniform(i) - 1))
		}
	}
}

// unit is uniform in [0, 1).
func unit(s stream, w []float32, _ []int) {
	for i := range w {
		w[i] = float32(s.uniform(i))
	}
}

// normal has the given variance.
func normal(variance float64) initial {
	return func(s stream, w []float32, _ []int) {
		for i := range w {
			w[i] = float32(math.Sqrt(variance) * s.normal(i))
		}
	}
}

func constant(v float32) initial {
	return func(_ stream, w []float32, _ []int) {
		for i := range w {
			w[i] = v
		}
	}
}

// orthonormal makes the rows of [N,D], N ≤ D, orthonormal: Gram-Schmidt on normal rows,
// run twice because one pass leaves a residue.
func orthonormal(s stream, w []float32, shape []int) {
	N, D := shape[0], shape[1]
	rows := make([][]float64, N)
	for n := range rows {
		row := make([]float64, D)
		for d := range row {
			row[d] = s.normal(n*D + d)
		}
		for range 2 {
			for _, r := range rows[:n] {
				axpy(row, -dot(row, r), r)
			}
		}
		axpy(row, 1/math.Sqrt(dot(row, row))-1, row)
		rows[n] = row
		for d, v := range row {
			w[n*D+d] = float32(v)
		}
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// axpy computes y += a·x; y may be x.
func axpy(y []float64, a float64, x []float64) {
	for i, v := range x {
		y[i] += a * v
	}
}
