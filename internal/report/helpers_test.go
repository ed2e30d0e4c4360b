package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"clusir/internal/eval"
	"clusir/internal/planar"
)

// result makes up a run of n images each of noise and rain, 32 by 24 pixels, and of
// haze, where all but one failed.
func result(n int) *eval.Report {
	r := &eval.Report{
		Subject:  eval.Subject{Model: "net<1>", Weights: "0123456789abcdef", Device: "cpu avx2"},
		Protocol: eval.Protocol{Name: "promptir"}, Setting: "five-task",
		Missing: []string{"benchmark gopro: no images in data/test/deblur"},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	add := func(s eval.Split, failed bool) {
		k := len(r.Splits)
		r.Splits = append(r.Splits, eval.SplitResult{Split: s})
		split := &r.Splits[k]
		for i := range s.Found {
			image := eval.ImageResult{
				Index: len(r.Images), Benchmark: s.Benchmark, Split: s.Label, Image: fmt.Sprintf("%s%d", s.Benchmark, i+1), W: 32, H: 24,
				Input: eval.Quality{PSNR: 20 + rng.Float64(), SSIM: 0.5}, MS: float64(10 + i),
				Experts: [][]float32{{0.25, 0.75, 0}, {0, 0, 1}}, Posterior: [][]float32{{1}, {1}},
			}
			gain := 5 + float64((i*7)%n)/float64(n) // image 1 of each gains least
			image.Output = eval.Quality{PSNR: image.Input.PSNR + gain, SSIM: 0.9}
			if failed && i > 0 {
				image = eval.ImageResult{Index: image.Index, Benchmark: s.Benchmark, Image: image.Image, Err: "the file <is> damaged"}
				split.Failed++
			} else {
				split.Images++
				split.Input, split.Output = image.Input, image.Output
			}
			r.Images = append(r.Images, image)
		}
	}
	add(eval.Split{Benchmark: "cbsd68", Title: "CBSD68", Label: "σ=25", Task: "denoise", Key: "cbsd68-25", Found: n, Expected: n}, false)
	add(eval.Split{Benchmark: "rain100l", Title: "Rain100L", Task: "derain", Key: "rain100l", Found: n, Expected: 100}, false)
	add(eval.Split{Benchmark: "sots", Title: "SOTS outdoor", Task: "dehaze", Key: "sots", Found: min(n, 3), Expected: 500}, true)
	return r
}

// photo returns a picture of w×h pixels that is hard to encode: waves and noise.
func photo(w, h int, seed uint64) planar.Image {
	p := planar.Image{C: 3, H: h, W: w, Pix: make([]float32, 3*w*h)}
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range p.Pix {
		x, y := float64(i%w), float64(i/w%h)
		wave := 0.5 + 0.3*math.Sin(x/9+float64(seed))*math.Cos(y/7)
		p.Pix[i] = float32(min(max(wave+0.15*rng.NormFloat64(), 0), 1))
	}
	return p
}

// gallery returns pictures of all measured images of r.
func gallery(t testing.TB, r *eval.Report, w, h int) *Gallery {
	t.Helper()
	g := NewGallery()
	large := shown(r)
	g.expect(len(large))
	var photos [5]planar.Image
	for k := range photos {
		photos[k] = photo(w, h, uint64(k))
	}
	for _, i := range r.Images {
		if i.Err != "" {
			continue
		}
		p := photos[i.Index%len(photos)]
		g.AddThumb(i, p, p, p)
		if large[i.Index] {
			g.addLarge(i, p, photos[0], photos[1])
		}
	}
	return g
}
