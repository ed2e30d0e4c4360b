package kerneltest

import (
	"math"
	"testing"

	"clusir/internal/kernels/ref"
)

// TestAgainstPyTorch compares ref with the network's reference implementation in
// PyTorch, in float64. Element i of the j-th operand is sin(0.7i + j + 1), except where
// a case gives exact values; the number is Σ y_i cos(i) over the elements of all
// results in order.
func TestAgainstPyTorch(t *testing.T) {
	for _, row := range []struct {
		c    Case
		want float64
	}{
		{conv1x1(2, 3, 4, 5, true, 3, 4), 0.7520393741589548},
		{conv3x3(plain, 2, 3, 4, 6, 5), -0.02427361240474069},
		{conv3x3(shuffle, 2, 3, 2, 3, 8), -0.008319100775781105},
		{conv3x3(unshuffle, 2, 3, 4, 6, 5), -0.5882360675970013},
		{gatedFFN(2, 6, 4, 6, 7, []float64{.3, 0, .7}, []float64{0, 1, 0}), 78.9708773334735},
		{waveletReduce(2, 8, 4, 6), 3.210115429617639},
		{attentionMap(2, 8, 3, 5, 2), 0.3419240833335148},
		{waveletMerge(2, 8, 4, 6), -1.171700419317723},
		{dwt(1, 2, 4, 6), 2.87314594182373},
		{idwt(1, 2, 4, 6, true), 2.634052105883754},
		{topKSoftmax(3, 4, 2), 0.01379899159598441},
		{tokens(2, 3, 5, true), 2.122254028372964},
		{attend(2, 3, 4, 6, 2, 1, 0, 1, 1), 3.854117840004959},
		{resize(1, 2, 4, 7, 6, 3), 0.8972615612592778},
		{batchNorm(3, 5, 0.25), 1.136995814012278},
		{dynamicFilter(2, 6, 4, 5, 3, 3), 1.671161505964594},
		{rfft2(1, 2, 6, 10), 4.243470456678786},
		{irfft2(1, 2, 6, 10), 0.02746113176227708},
		{spectralFusion(2, 3, 4, 6), -3.534244480427945},
		{msssim(2, 2, 23, 25, noisy), 0.5410187047626639},
		{orthogonality(3, 5), 0.5345766146134745},
	} {
		t.Run(row.c.Op+"/"+row.c.Name, func(t *testing.T) {
			y, _ := row.c.forward(ref.New(), row.c.sines())
			if got := fingerprint(y); math.Abs(got-row.want) > 1e-12*max(1, math.Abs(row.want)) {
				t.Errorf("got %.16g, PyTorch says %.16g", got, row.want)
			}
		})
	}
}

// sines returns operands of sines.
func (c Case) sines() values {
	in := make(values, len(c.In))
	for j, o := range c.In {
		if o.role == absent {
			continue
		}
		in[j] = make([]float64, o.Shape.Len())
		for i := range in[j] {
			in[j][i] = math.Sin(.7*float64(i) + float64(j+1))
		}
		if o.exact {
			o.fill(nil, in[j])
		}
	}
	return in
}

func fingerprint(y values) float64 {
	sum, i := 0.0, 0
	for _, v := range y {
		for _, x := range v {
			sum += x * math.Cos(float64(i))
			i++
		}
	}
	return sum
}
