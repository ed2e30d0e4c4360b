// Package eval measures a network on the benchmarks of the field, by their
// protocol.
package eval

import (
	"context"
	"fmt"
	"math"
	"time"

	"clusir/internal/dataset"
	"clusir/internal/infer"
	"clusir/internal/metrics"
	"clusir/internal/model"
)

// Protocol is how images are measured. It stands in every output, since
// columns of papers that measure otherwise are not comparable.
type Protocol struct {
	Name     string `json:"name"` // promptir or gaussian: the window of SSIM
	YChannel bool   `json:"y_channel"`
	Seed     uint64 `json:"seed"` // of the noise
}

// String says what was done, in one line.
func (p Protocol) String() string {
	window := map[string]string{"promptir": "7×7 uniform", "gaussian": "11×11 Gaussian, σ 1.5"}[p.Name]
	channels := "RGB"
	if p.YChannel {
		channels = "Y of BT.601"
	}
	return fmt.Sprintf("protocol %s: %s, SSIM window %s, centre crop to multiples of 16, noise clipped and truncated to 8 bits, noise seed %d, output clamped and not quantised",
		p.Name, channels, window, p.Seed)
}

// Quality is how close an image is to the clean one.
type Quality struct {
	PSNR float64 `json:"psnr"`
	SSIM float64 `json:"ssim"`
}

// ImageResult is the result of one image; Err is why there is none.
type ImageResult struct {
	Benchmark string  `json:"benchmark"`
	Split     string  `json:"split,omitempty"`
	Image     string  `json:"image"`
	W         int     `json:"w"`
	H         int     `json:"h"`
	Input     Quality `json:"input"`
	Output    Quality `json:"output"`
	MS        float64 `json:"ms"`
	Err       string  `json:"error,omitempty"`
}

// SplitResult is the mean over a split's images, per-image dB averaged.
type SplitResult struct {
	Benchmark string  `json:"benchmark"`
	Title     string  `json:"title"`
	Split     string  `json:"split,omitempty"`
	Task      string  `json:"task"`
	Images    int     `json:"images"`
	Expected  int     `json:"expected,omitempty"`
	Failed    int     `json:"failed,omitempty"`
	Input     Quality `json:"input"`
	Output    Quality `json:"output"`
	// Key is the benchmark's name among the published numbers.
	Key string `json:"key"`
}

// Count says how many of the benchmark's images were measured: "68" or "24 of 100".
func (s SplitResult) Count() string {
	if s.Expected > s.Images {
		return fmt.Sprintf("%d of %d", s.Images, s.Expected)
	}
	return fmt.Sprint(s.Images)
}

// Options describe a measurement.
type Options struct {
	Root       string
	Benchmarks []*dataset.Benchmark
	Protocol   Protocol
	// Image, where set, hears of each image when it is done, of how many.
	Image func(r ImageResult, done, of int)
}

// Report is the whole result.
type Report struct {
	Protocol Protocol      `json:"protocol"`
	Splits   []SplitResult `json:"splits"`
	Images   []ImageResult `json:"images"`
	Missing  []string      `json:"missing,omitempty"` // benchmarks that are not on disk, and where to get them
}

// Run measures net on every benchmark that is on disk. An image that fails is a
// result with an error, not the end; a benchmark that is not there is in Missing.
// It is an error if none of them is.
func Run(ctx context.Context, net *infer.Network, o Options) (*Report, error) {
	window, err := metrics.ParseWindow(o.Protocol.Name)
	if err != nil {
		return nil, err
	}
	r := &Report{Protocol: o.Protocol}
	splits, err := r.open(o)
	if err != nil {
		return nil, err
	}
	of, done := 0, 0
	for _, s := range splits {
		of += len(s.Items)
	}
	for _, s := range splits {
		var own []ImageResult
		for _, item := range s.Items {
			if err := ctx.Err(); err != nil {
				return nil, context.Cause(ctx)
			}
			res := measure(net, s, item, o.Protocol, window)
			own = append(own, res)
			done++
			if o.Image != nil {
				o.Image(res, done, of)
			}
		}
		r.Images = append(r.Images, own...)
		r.Splits = append(r.Splits, summarise(s, own))
	}
	return r, nil
}

// open finds the benchmarks and notes the missing ones.
func (r *Report) open(o Options) ([]*dataset.Split, error) {
	var splits []*dataset.Split
	for _, b := range o.Benchmarks {
		s, err := b.Open(o.Root)
		if err != nil {
			r.Missing = append(r.Missing, err.Error())
			continue
		}
		splits = append(splits, s...)
	}
	if len(splits) == 0 {
		return nil, fmt.Errorf("nothing to measure: %s", join(r.Missing))
	}
	return splits, nil
}

func measure(net *infer.Network, s *dataset.Split, item dataset.Item, p Protocol, w metrics.Window) ImageResult {
	res := ImageResult{Benchmark: s.Benchmark.Name, Split: s.Label, Image: item.Name}
	input, target, err := item.Load(p.Seed)
	if err != nil {
		res.Err = err.Error()
		return res
	}
	res.W, res.H = target.W, target.H
	in, clean := planes(input), planes(target)
	begin := time.Now()
	out, _, err := net.Restore(nil, in.Pix, in.H, in.W, model.Options{})
	res.MS = float64(time.Since(begin).Microseconds()) / 1e3
	if err == nil {
		clampAll(out)
		restored := metrics.Planes{C: 3, H: in.H, W: in.W, Pix: out}
		res.Input, err = quality(in, clean, p, w)
		if err == nil {
			res.Output, err = quality(restored, clean, p, w)
		}
	}
	if err != nil {
		res.Err = err.Error()
	}
	return res
}

func quality(a, b metrics.Planes, p Protocol, w metrics.Window) (Quality, error) {
	if p.YChannel {
		a, b = metrics.Luma(a), metrics.Luma(b)
	}
	ssim, err := metrics.SSIM(a, b, w)
	return Quality{PSNR: metrics.PSNR(a, b), SSIM: ssim}, err
}

func planes(m *dataset.Image) metrics.Planes {
	return metrics.Planes{C: 3, H: m.H, W: m.W, Pix: m.Planar()}
}

func clampAll(x []float32) {
	for i, v := range x {
		x[i] = min(max(v, 0), 1)
	}
}

func summarise(s *dataset.Split, images []ImageResult) SplitResult {
	r := SplitResult{Benchmark: s.Benchmark.Name, Title: s.Benchmark.Title, Split: s.Label, Task: s.Benchmark.Task,
		Expected: s.Benchmark.Expected, Key: key(s)}
	for _, i := range images {
		if i.Err != "" {
			r.Failed++
			continue
		}
		r.Images++
		r.Input.add(i.Input)
		r.Output.add(i.Output)
	}
	r.Input.divide(r.Images)
	r.Output.divide(r.Images)
	return r
}

func (q *Quality) add(o Quality) { q.PSNR, q.SSIM = q.PSNR+o.PSNR, q.SSIM+o.SSIM }

func (q *Quality) divide(n int) {
	if n > 0 {
		q.PSNR, q.SSIM = q.PSNR/float64(n), q.SSIM/float64(n)
	}
}

// key is the split's name in the published tables: cbsd68-15, rain100l, l+h.
func key(s *dataset.Split) string {
	switch {
	case s.Sigma > 0:
		return fmt.Sprintf("%s-%g", s.Benchmark.Name, s.Sigma)
	case s.Label != "":
		return shortKind(s.Label)
	}
	return s.Benchmark.Name
}

// Mean is the mean of the splits' means, as the papers' averages are.
func (r *Report) Mean() Quality {
	var q Quality
	n := 0
	for _, s := range r.Splits {
		if s.Images > 0 && !math.IsInf(s.Output.PSNR, 0) {
			q.add(s.Output)
			n++
		}
	}
	q.divide(n)
	return q
}
