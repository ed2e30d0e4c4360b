package train

// The importance of a sample whose input has a mean absolute error d, in 0..1, is
// importanceScale/(d + importanceFloor): about 1 for noise of σ = 25, 0.4 for low
// light, 2 for motion blur, and 5 for a clean picture.
const (
	importanceScale = .1
	importanceFloor = .02
)

// relativeImportance returns a weight for the errors of each of n samples, such that
// removing the same fraction of a degradation counts the same for every degradation.
func relativeImportance(input, target []float32, n int) []float32 {
	out, size := make([]float32, n), len(input)/n
	for b := range out {
		sum := 0.
		for i := b * size; i < (b+1)*size; i++ {
			sum += max(float64(input[i]-target[i]), float64(target[i]-input[i]))
		}
		out[b] = float32(importanceScale / (sum/float64(size) + importanceFloor))
	}
	return out
}
