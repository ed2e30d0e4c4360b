package eval

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
)

// resamples is the number of times the images are resampled.
const resamples = 10_000

// resample returns the mean gains, PSNR and SSIM, over images drawn with replacement.
// The draws depend only on the seed, the benchmark and the number of images: the noise
// levels of one benchmark, which show the same images, have the same draws, so that the
// interval of their mean is not too narrow. With fewer than two images it returns
// nothing.
func resample(gains [][2]float64, seed uint64, benchmark string) (means [2][]float64) {
	if len(gains) < 2 {
		return means
	}
	name := fnv.New64a()
	_, _ = io.WriteString(name, benchmark) // writing to a hash cannot fail
	rng := rand.New(rand.NewPCG(seed, name.Sum64()))
	n := float64(len(gains))
	for i := range means {
		means[i] = make([]float64, resamples)
	}
	for r := range resamples {
		var sum [2]float64
		for range gains {
			g := gains[rng.IntN(len(gains))]
			sum[0], sum[1] = sum[0]+g[0], sum[1]+g[1]
		}
		means[0][r], means[1][r] = sum[0]/n, sum[1]/n
	}
	return means
}

// average returns the mean over splits of their resampled means of one kind; nil if a
// split has none.
func average(splits [][2][]float64, kind int) []float64 {
	var mean []float64
	for _, s := range splits {
		if len(s[kind]) == 0 {
			return nil
		}
		if mean == nil {
			mean = make([]float64, resamples)
		}
		for r, v := range s[kind] {
			mean[r] += v / float64(len(splits))
		}
	}
	return mean
}

// interval returns the range of the middle 95 % of resampled means.
func interval(mean float64, resampled []float64) Interval {
	if len(resampled) == 0 {
		return Interval{Mean: mean}
	}
	sorted := slices.Sorted(slices.Values(resampled))
	const tail = resamples / 40
	low, high := sorted[tail], sorted[resamples-1-tail]
	return Interval{mean, &low, &high}
}
