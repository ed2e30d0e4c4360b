package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"strings"

	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/train"
)

// validator returns a function that measures a network on the configuration's
// benchmarks in dB, those of a file among them; nil where there is nothing to
// measure. A benchmark that is not on disk is an error now, not in the middle
// of a run.
func validator(c *config.Config, file string, b kernels.Backend) (func(context.Context, *model.ClusIR) (*train.Validation, error), error) {
	catalog := dataset.Standard()
	if file != "" {
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
	var splits []*dataset.Split
	for _, k := range benchmarks {
		s, err := k.Open(c.Data)
		if err != nil {
			return nil, fmt.Errorf("%w; or leave it out of eval.benchmarks, or set train.validation_interval to 0", err)
		}
		splits = append(splits, s...)
	}
	protocol := protocolOf(c.Eval)
	return func(ctx context.Context, m *model.ClusIR) (*train.Validation, error) {
		net := infer.New(m, b)
		r, err := eval.Run(ctx, []*infer.Network{net}, eval.Options{Root: c.Data, Benchmarks: benchmarks, Protocol: protocol})
		if err != nil {
			return nil, err
		}
		v := &train.Validation{}
		for _, s := range r.Splits {
			v.Measures = append(v.Measures, train.Measure{Name: s.Key, Value: s.Output.PSNR})
		}
		v.Pictures, err = firstPictures(net, splits, protocol.Seed)
		return v, err
	}, nil
}

// firstPictures restores the middle of the first image of each split, and sets the
// input, the result and the clean image side by side.
func firstPictures(net *infer.Network, splits []*dataset.Split, seed uint64) ([]train.Picture, error) {
	var out []train.Picture
	for _, s := range splits {
		if len(s.Items) == 0 {
			continue
		}
		input, clean, err := s.Items[0].Load(seed)
		if err != nil {
			return nil, err
		}
		input, clean = middle(input), middle(clean)
		restored, _, err := net.Restore(nil, input.Planar(), input.H, input.W, model.Options{})
		if err != nil {
			return nil, err
		}
		strip := image.NewRGBA(image.Rect(0, 0, 3*input.W, input.H))
		for i, planes := range [][]float32{input.Planar(), restored, clean.Planar()} {
			drawPlanes(strip, i*input.W, planes, input.W, input.H)
		}
		name := strings.TrimSpace(s.Benchmark.Name + " " + s.Label)
		out = append(out, train.Picture{Name: strings.ReplaceAll(name, " ", "/"), Image: strip})
	}
	return out, nil
}

// pictureSide is the most that pictures show of an image.
const pictureSide = 256

func middle(m *dataset.Image) *dataset.Image {
	w, h := min(m.W, pictureSide), min(m.H, pictureSide)
	return m.Crop((m.W-w)/2, (m.H-h)/2, w, h)
}

// drawPlanes draws planes [3,h,w] in 0..1 at column x.
func drawPlanes(dst *image.RGBA, x int, planes []float32, w, h int) {
	level := func(v float32) uint8 { return uint8(min(max(v, 0), 1)*255 + .5) }
	for i := range w * h {
		dst.SetRGBA(x+i%w, i/w, color.RGBA{level(planes[i]), level(planes[w*h+i]), level(planes[2*w*h+i]), 255})
	}
}
