// Package degrade holds the image degradations that clusir trains against, as
// pure functions: the same image, parameters and generator give the same
// result.
//
// Each degradation is a struct of parameters with an Apply method; a
// Random function draws the parameters from the distribution that was matched
// to the real pairs of the field's data sets (the numbers stand beside each).
// Images are [Image] values in 0..1.
package degrade

// Reflect maps a coordinate onto 0..n-1 by mirroring at the edges, the edge
// pixel not repeated, as often as it takes.
func Reflect(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i %= period
	if i < 0 {
		i += period
	}
	if i >= n {
		i = period - i
	}
	return i
}
