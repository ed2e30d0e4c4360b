package main

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"io"
	"strings"

	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/planar"
	"clusir/internal/train"
)

// validator returns a function that measures a network on the configuration's
// benchmarks in dB, those of a file among them, which counts before the
// configuration's; nil where there is nothing to
// measure. What it will measure, and what it cannot, it tells messages. A
// benchmark that is not on disk is an error now, not in the middle of a run.
func validator(c *config.Config, file string, b kernels.Backend, messages io.Writer) (func(context.Context, *model.ClusIR) (*train.Validation, error), error) {
	catalog := dataset.Standard()
	if file = cmp.Or(file, c.Eval.BenchmarkFile); file != "" {
		if err := catalog.AddFile(file); err != nil {
			return nil, err
		}
	}
	if c.Train.ValidationInterval == 0 || len(c.Eval.Benchmarks) == 0 {
		return nil, nil
	}
	benchmarks, err := catalog.Resolve(strings.Join(c.Eval.Benchmarks, ","))
	if err != nil {
		return nil, fmt.Errorf("eval.benchmarks: %w", err)
	}
	for _, k := range benchmarks {
		splits, err := k.Open(c.Data)
		if err != nil {
			return nil, fmt.Errorf("%w; or leave it out of eval.benchmarks, or set train.validation_interval to 0", err)
		}
		announce(messages, splits)
	}
	o := eval.Options{Root: c.Data, Benchmarks: benchmarks, Protocol: protocolOf(c.Eval)}
	return func(ctx context.Context, m *model.ClusIR) (*train.Validation, error) {
		v := &train.Validation{}
		seen := map[string]bool{}
		o := o
		o.Pixels = func(r eval.ImageResult, input, output, clean planar.Image) {
			name := strings.TrimSuffix(r.Benchmark+"/"+r.Split, "/")
			if !seen[name] {
				seen[name] = true
				v.Pictures = append(v.Pictures, train.Picture{Name: name, Image: strip(input, output, clean)})
			}
		}
		r, err := eval.Run(ctx, []*infer.Network{infer.New(m, b)}, o)
		if err != nil {
			return nil, err
		}
		for _, s := range r.Splits {
			if s.Images > 0 {
				v.Measures = append(v.Measures, train.Measure{Name: s.Key, Value: s.Output.PSNR})
			}
		}
		return v, r.Failed()
	}, nil
}

// announce tells how many images of a benchmark's parts will be measured, and
// which cannot be.
func announce(w io.Writer, splits []*dataset.Split) {
	for _, s := range splits {
		fmt.Fprintf(w, "validation images of %s: %s\n", strings.TrimSpace(s.Benchmark.Title+" "+s.Label), s.Count())
		for _, skip := range s.Skipped {
			fmt.Fprintf(w, "  skipped %s: %s\n", skip.File, skip.Reason)
		}
	}
}

// pictureSide is the most that pictures show of an image.
const pictureSide = 256

// strip sets the middles of pictures of one size side by side.
func strip(pictures ...planar.Image) image.Image {
	w, h := min(pictures[0].W, pictureSide), min(pictures[0].H, pictureSide)
	level := func(v float32) uint8 { return uint8(min(max(v, 0), 1)*255 + .5) }
	out := image.NewRGBA(image.Rect(0, 0, len(pictures)*w, h))
	for k, p := range pictures {
		n := p.W * p.H
		for i := range w * h {
			at := ((p.H-h)/2+i/w)*p.W + (p.W-w)/2 + i%w
			out.SetRGBA(k*w+i%w, i/w, color.RGBA{level(p.Pix[at]), level(p.Pix[n+at]), level(p.Pix[2*n+at]), 255})
		}
	}
	return out
}
