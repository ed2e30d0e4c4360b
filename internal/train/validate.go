package train

import (
	"context"
	"fmt"
	"image"
	"strings"
	"time"
)

// Validation is what a network reached on benchmarks.
type Validation struct {
	Measures []Measure
	// Pictures are for people to look at, in TensorBoard.
	Pictures []Picture
}

// Measure is one number of a validation, such as PSNR in dB on a benchmark.
type Measure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Picture is an image with a name.
type Picture struct {
	Name string
	image.Image
}

// validate measures the network, averaged where there is an average, and keeps
// the best so far.
func (r *run) validate(ctx context.Context) error {
	return r.opt.withAverage(func() error {
		v, err := r.Validate(ctx, r.m)
		if err != nil {
			return fmt.Errorf("validation after step %d: %w", r.step, err)
		}
		now := time.Now().UTC().Truncate(time.Second)
		if err := r.log.write(Entry{Step: r.step, Validation: v.Measures, Time: now}); err != nil {
			return err
		}
		for _, p := range v.Pictures {
			if err := r.log.board.Image(r.step, now, p.Name, p); err != nil {
				return err
			}
		}
		mean := meanOf(v.Measures)
		better := mean > r.best
		r.tell(v.Measures, mean, better)
		if !better {
			return nil
		}
		r.best = mean
		return r.saveBest()
	})
}

// tell prints a validation in a line.
func (r *run) tell(measures []Measure, mean float64, better bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "step %d: validation", r.step)
	for _, m := range measures {
		fmt.Fprintf(&b, "  %s %.2f", m.Name, m.Value)
	}
	fmt.Fprintf(&b, "  mean %.3f", mean)
	if better {
		b.WriteString(", the best so far")
	}
	r.bar.clear()
	fmt.Fprintln(r.Messages, b.String())
}

func meanOf(ms []Measure) float64 {
	sum := 0.0
	for _, m := range ms {
		sum += m.Value
	}
	return sum / float64(max(len(ms), 1))
}
