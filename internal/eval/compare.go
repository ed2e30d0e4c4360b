package eval

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Comparison compares two networks image by image.
type Comparison struct {
	A        Subject           `json:"a"`
	B        Subject           `json:"b"`
	Protocol Protocol          `json:"protocol"`
	Seed     uint64            `json:"bootstrap_seed"`
	Splits   []SplitDifference `json:"splits"`
	// Mean is the mean over the splits' means.
	Mean   Difference        `json:"mean"`
	Images []ImageDifference `json:"images"`
	// LeftOut lists images without a difference, and why.
	LeftOut []string `json:"left_out,omitempty"`
	Missing []string `json:"missing,omitempty"`
}

// Difference is B minus A, averaged over images, with its interval.
type Difference struct {
	A    Quality  `json:"a"`
	B    Quality  `json:"b"`
	PSNR Interval `json:"psnr"`
	SSIM Interval `json:"ssim"`
}

// Interval is a mean and the bounds that contain 95 % of the means of resampled images;
// the bounds are nil for fewer than two images.
type Interval struct {
	Mean float64  `json:"mean"`
	Low  *float64 `json:"low,omitempty"`
	High *float64 `json:"high,omitempty"`
}

// SplitDifference is the difference on one split.
type SplitDifference struct {
	Split
	Difference
	Images int `json:"images"`
	Better int `json:"better"` // images on which B has the higher PSNR
	Worse  int `json:"worse"`
	// Perfect counts images that both restored to the clean one. They are in no mean.
	Perfect int `json:"perfect,omitempty"`
}

// ImageDifference is an image's results with both networks.
type ImageDifference struct {
	Index     int     `json:"index"` // among all images of the run
	Benchmark string  `json:"benchmark"`
	Split     string  `json:"split,omitempty"`
	Image     string  `json:"image"`
	A         Quality `json:"a"`
	B         Quality `json:"b"`
}

// gain returns B minus A, PSNR and SSIM.
func (d ImageDifference) gain() [2]float64 {
	return [2]float64{d.B.PSNR - d.A.PSNR, d.B.SSIM - d.A.SSIM}
}

// Compare compares the results of two networks on the same images. The intervals come
// from a paired bootstrap that seed determines.
func Compare(a, b *Report, seed uint64) (*Comparison, error) {
	if a.Protocol != b.Protocol {
		return nil, fmt.Errorf("the two were measured differently: %s; %s", a.Protocol, b.Protocol)
	}
	same := slices.EqualFunc(a.Splits, b.Splits, func(x, y SplitResult) bool {
		return x.Benchmark == y.Benchmark && x.Label == y.Label && x.Found == y.Found
	})
	if !same || len(a.Images) != len(b.Images) || len(a.Splits) == 0 {
		return nil, errors.New("the two were not measured on the same images: measure both on the same benchmarks")
	}
	c := &Comparison{A: a.Subject, B: b.Subject, Protocol: a.Protocol, Seed: seed, Missing: a.Missing, Images: []ImageDifference{}}
	var means [][2][]float64
	at := 0
	for _, s := range a.Splits {
		n := s.Images + s.Failed
		d := SplitDifference{Split: s.Split}
		own, err := c.pair(&d, a.Images[at:at+n], b.Images[at:at+n])
		if err != nil {
			return nil, err
		}
		at += n
		resampled := d.sum(own, seed)
		c.Splits, c.Images = append(c.Splits, d), append(c.Images, own...)
		if len(own) > 0 {
			means = append(means, resampled)
		}
	}
	c.mean(means)
	return c, nil
}

// Report returns B's report with A's result in place of each image's input. Images
// without a difference are left out.
func (c *Comparison) Report(b *Report) *Report {
	r := *b
	r.Splits, r.Images = nil, nil
	for _, s := range c.Splits {
		r.Splits = append(r.Splits, SplitResult{Split: s.Split, Images: s.Images, Input: s.A, Output: s.B})
	}
	differences := map[int]ImageDifference{}
	for _, d := range c.Images {
		differences[d.Index] = d
	}
	for _, i := range b.Images {
		if d, ok := differences[i.Index]; ok {
			i.Input, i.Output = d.A, d.B
			r.Images = append(r.Images, i)
		}
	}
	return &r
}

// pair returns the images with a finite difference, and counts those of a split where A
// or B equals the clean image.
func (c *Comparison) pair(d *SplitDifference, a, b []ImageResult) (pairs []ImageDifference, err error) {
	for i, x := range a {
		y := b[i]
		if x.name() != y.name() {
			return nil, fmt.Errorf("the two were not measured on the same images: %s in one is %s in the other", x.name(), y.name())
		}
		switch {
		case x.Err != "":
			c.LeftOut = append(c.LeftOut, x.name()+": "+x.Err)
		case y.Err != "":
			c.LeftOut = append(c.LeftOut, y.name()+": "+y.Err)
		case x.samePicture(y) != nil:
			return nil, fmt.Errorf("the two were %w", x.samePicture(y))
		case math.IsInf(x.Output.PSNR, 0) && math.IsInf(y.Output.PSNR, 0):
			d.Perfect++
		case math.IsInf(x.Output.PSNR, 0):
			d.Worse++
			c.LeftOut = append(c.LeftOut, x.name()+": A equals the clean image, so that its PSNR is infinite")
		case math.IsInf(y.Output.PSNR, 0):
			d.Better++
			c.LeftOut = append(c.LeftOut, x.name()+": B equals the clean image, so that its PSNR is infinite")
		default:
			pairs = append(pairs, ImageDifference{x.Index, x.Benchmark, x.Split, x.Image, x.Output, y.Output})
		}
	}
	return pairs, nil
}

// sum sums up a split's images with a finite difference and returns its resampled means.
func (d *SplitDifference) sum(images []ImageDifference, seed uint64) (resampled [2][]float64) {
	d.Images = len(images)
	var a, b []Quality
	gains := make([][2]float64, len(images))
	for i, m := range images {
		a, b = append(a, m.A), append(b, m.B)
		gains[i] = m.gain()
		switch {
		case gains[i][0] > 0:
			d.Better++
		case gains[i][0] < 0:
			d.Worse++
		}
	}
	d.A, d.B = meanOf(a), meanOf(b)
	resampled = resample(gains, seed, d.Benchmark)
	d.bound(resampled)
	return resampled
}

// bound fills in the intervals.
func (d *Difference) bound(resampled [2][]float64) {
	d.PSNR = interval(d.B.PSNR-d.A.PSNR, resampled[0])
	d.SSIM = interval(d.B.SSIM-d.A.SSIM, resampled[1])
}

// mean averages the splits.
func (c *Comparison) mean(means [][2][]float64) {
	var a, b []Quality
	for _, s := range c.Splits {
		if s.Images > 0 {
			a, b = append(a, s.A), append(b, s.B)
		}
	}
	c.Mean.A, c.Mean.B = meanOf(a), meanOf(b)
	c.Mean.bound([2][]float64{average(means, 0), average(means, 1)})
}
