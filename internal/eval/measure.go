package eval

import (
	"context"
	"fmt"
	"math"
	"time"

	"clusir/internal/infer"
	"clusir/internal/metrics"
	"clusir/internal/planar"
)

// shot is an image that is being measured.
type shot struct {
	ImageResult
	in, clean, restored planar.Image
}

func newShot(j job) *shot {
	return &shot{ImageResult: ImageResult{Index: j.index, Benchmark: j.split.Benchmark.Name, Split: j.split.Label, Image: j.item.Name}}
}

func (s *shot) load(j job, seed uint64) error {
	d, err := j.item.Load(seed)
	if err != nil {
		return err
	}
	s.W, s.H = d.Target.W, d.Target.H
	s.in, s.clean = d.Input.Planar(), d.Target.Planar()
	s.Files, err = j.item.Digest()
	return err
}

// restorer supplies the restored images: a network, or another program's pictures.
type restorer interface {
	// held is the memory that it takes permanently, in bytes.
	held() int64
	// need bounds the memory for restoring and measuring an image of h×w pixels: what
	// the restorer keeps for the next one, and the images.
	need(j job, h, w int) (kept, images int64, err error)
	// restore sets a shot's restored image and the details of how it was made.
	restore(ctx context.Context, s *shot, j job) error
}

type network struct{ *infer.Network }

func (n network) held() int64 { return n.WeightBytes() }

func (n network) restore(ctx context.Context, s *shot, _ job) error {
	begin := time.Now()
	restored, routes, err := n.Restore(ctx, nil, s.in, infer.Options{})
	s.MS = float64(time.Since(begin).Microseconds()) / 1e3
	if err != nil {
		return err
	}
	for _, r := range routes {
		routing := r.Fetch(n.Tape())[0]
		s.Experts, s.Posterior = append(s.Experts, routing.Weights), append(s.Posterior, routing.Posterior)
	}
	s.restored = restored
	return nil
}

// compare clamps the restored image and measures it and the degraded one.
func (s *shot) compare(p Protocol) (err error) {
	s.restored.Clamp()
	s.Shift = shift(s.in, s.restored)
	if s.Input, err = quality(s.in, s.clean, p); err != nil {
		return err
	}
	s.Output, err = quality(s.restored, s.clean, p)
	return err
}

// shift returns the largest difference between the means of a channel.
func shift(a, b planar.Image) (largest float64) {
	n := a.H * a.W
	for c := range a.C {
		sum := 0.
		for i := c * n; i < (c+1)*n; i++ {
			sum += float64(b.Pix[i]) - float64(a.Pix[i])
		}
		largest = max(largest, math.Abs(sum)/float64(n))
	}
	return largest
}

func quality(a, b planar.Image, p Protocol) (Quality, error) {
	if p.YChannel {
		a, b = metrics.Luma(a), metrics.Luma(b)
	}
	ssim, err := metrics.SSIM(a, b, metrics.Window(p.Name))
	return Quality{PSNR: metrics.PSNR(a, b), SSIM: ssim}, err
}

func (n network) need(_ job, h, w int) (pass, images int64, err error) {
	if _, pass, err = infer.Memory(n.Model.Config, n.Padded(h), n.Padded(w)); err != nil {
		return 0, 0, fmt.Errorf("%d×%d pixels: %w", w, h, err)
	}
	images = imageBytes(h, w)
	if n.Ensemble > 0 {
		images += 2 * 4 * 3 * int64(h) * int64(w) // turned, and the mean
	}
	return pass, images, nil
}

// imageBytes is the memory that a shot's images take: three as used by the network, two
// padded, two as their files hold them.
func imageBytes(h, w int) int64 { return int64(h) * int64(w) * 3 * (5*4 + 2) }
