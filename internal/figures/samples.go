package figures

import (
	"context"
	"fmt"

	"clusir/internal/arch"
	"clusir/internal/dataset"
	"clusir/internal/model"
)

// sample is what the stages made of an image.
type sample struct {
	split    int
	features [arch.Stages][]float64 // means over the picture after the stage's experts, [C]
	weights  [arch.Stages][]float64 // of the stage's experts, [N·M]
}

// samples runs the network on images from across every split.
func (r *Request) samples(ctx context.Context) ([]sample, error) {
	total := 0
	for _, s := range r.Splits {
		total += len(spread(s.Items, r.Samples))
	}
	var out []sample
	for k, split := range r.Splits {
		for _, item := range spread(split.Items, r.Samples) {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			s := sample{split: k}
			p, err := r.restore(ctx, split, item, func(name string, v *model.Var) {
				for l := range arch.Stages {
					if name == fmt.Sprint("moe.", l) {
						s.features[l] = wide(r.Net.Tape().Fetch(r.Net.Tape().MeanHW(v)))
					}
				}
			})
			if err != nil {
				return nil, err
			}
			for l, route := range p.routes {
				s.weights[l] = wide(r.Net.Tape().Fetch(route.Weights))
			}
			out = append(out, s)
			r.progress(len(out), total)
		}
	}
	return out, nil
}

// spread returns at most n items, evenly spaced.
func spread(items []dataset.Item, n int) []dataset.Item {
	if len(items) <= n {
		return items
	}
	out := make([]dataset.Item, n)
	for i := range out {
		out[i] = items[i*len(items)/n]
	}
	return out
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
