package eval

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"image/draw"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/planar"
	"clusir/internal/userfile"
)

// Validation is a network's result on benchmarks during its training.
type Validation struct {
	Measures []Measure
	// Infinite are the names of those without a number, as all is restored to the clean
	// images: they count in no mean.
	Infinite []string
	// Strips are for display in TensorBoard.
	Strips []Strip
}

// Measure is one number of a validation, such as PSNR in dB on a benchmark.
type Measure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Strip shows the degraded, the restored and the clean image side by side.
type Strip struct {
	Name string
	image.Image
}

// Catalog returns the benchmarks that a configuration can name: the field's, those of
// its benchmark file, or of the file that replaces it, and those that it describes.
func Catalog(c *config.Config, file string) (*dataset.Catalog, error) {
	catalog := dataset.Standard()
	if file = cmp.Or(file, c.Eval.BenchmarkFile); file != "" {
		if err := catalog.AddFile(file); err != nil {
			return nil, err
		}
	}
	if err := catalog.AddListed(c.Eval.Benchmarks); err != nil {
		return nil, fmt.Errorf("eval.benchmarks: %w", err)
	}
	return catalog, nil
}

// Validator returns a function that measures a network on a configuration's benchmarks,
// which its catalog describes; nil if there is nothing to measure; names must exist even
// then. It writes to messages what will be measured and what cannot be. A benchmark that
// is not on disk is an error now, rather than during the run.
func Validator(c *config.Config, catalog *dataset.Catalog, b kernels.Backend, messages io.Writer) (func(context.Context, *model.ClusIR) (*Validation, error), error) {
	benchmarks, jobs, err := validated(c, catalog, messages)
	if err != nil || len(benchmarks) == 0 {
		return nil, err
	}
	o := Options{Root: c.Data, Benchmarks: benchmarks, Protocol: ProtocolOf(c.Eval)}
	return func(ctx context.Context, m *model.ClusIR) (*Validation, error) {
		return validate(ctx, infer.New(m, b), o, len(jobs))
	}, nil
}

// validated returns the benchmarks that a configuration's runs are validated on and their
// images, none if they are not validated, and announces them. Names must exist even then.
func validated(c *config.Config, catalog *dataset.Catalog, messages io.Writer) (benchmarks []*dataset.Benchmark, jobs []job, err error) {
	if len(c.Eval.Benchmarks) == 0 {
		return nil, nil, nil
	}
	benchmarks, err = catalog.Resolve(strings.Join(dataset.NamesOf(c.Eval.Benchmarks), ","))
	if err != nil {
		return nil, nil, fmt.Errorf("eval.benchmarks: %w", err)
	}
	if c.Train.ValidationInterval == 0 {
		return nil, nil, nil
	}
	if err := userfile.Folder(c.Data, "data sets"); err != nil {
		return nil, nil, err
	}
	for _, b := range benchmarks {
		splits, err := b.Open(c.Data)
		if err != nil {
			return nil, nil, fmt.Errorf("%w; or leave it out of eval.benchmarks, or set train.validation_interval to 0", err)
		}
		announce(messages, splits)
		for _, s := range splits {
			for _, item := range s.Items {
				jobs = append(jobs, job{split: s, item: item})
			}
		}
	}
	return benchmarks, jobs, nil
}

// CheckValidation is like Validator, but reads the images that would be measured, and
// returns an error if some of them cannot be: the run would end with it.
func CheckValidation(ctx context.Context, c *config.Config, catalog *dataset.Catalog, messages io.Writer) error {
	_, jobs, err := validated(c, catalog, messages)
	if err != nil {
		return err
	}
	faults := make([]error, len(jobs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for k, j := range jobs {
		g.Go(func() error {
			if _, err := j.item.Load(0); err != nil {
				faults[k] = fmt.Errorf("%s: %w", newShot(j).name(), err)
			}
			return context.Cause(ctx)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	faults = slices.DeleteFunc(faults, func(err error) bool { return err == nil })
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d validation images cannot be measured; the first: %w", len(faults), len(jobs), faults[0])
}

func validate(ctx context.Context, net *infer.Network, o Options, count int) (*Validation, error) {
	v := &Validation{}
	seen := map[string]bool{}
	o.Pixels = func(r ImageResult, input, output, clean planar.Image) {
		name := strings.TrimSuffix(r.Benchmark+"/"+r.Split, "/")
		if !seen[name] {
			seen[name] = true
			v.Strips = append(v.Strips, Strip{Name: name, Image: sideBySide(input, output, clean)})
		}
	}
	r, err := Run(ctx, []*infer.Network{net}, o)
	if err != nil {
		return nil, err
	}
	if len(r.Images) != count { // the means of a run are compared
		return nil, fmt.Errorf("there are %d validation images, and at the start there were %d: put back what is missing, or take away what was added", len(r.Images), count)
	}
	for _, s := range r.Splits {
		switch {
		case s.Images == 0:
		case math.IsInf(s.Output.PSNR, 1):
			v.Infinite = append(v.Infinite, s.Key)
		default:
			v.Measures = append(v.Measures, Measure{Name: s.Key, Value: s.Output.PSNR})
		}
	}
	return v, r.Failed()
}

// announce writes how many images of a benchmark's parts will be measured, and which
// cannot be.
func announce(w io.Writer, splits []*dataset.Split) {
	for _, s := range splits {
		fmt.Fprintf(w, "validation images of %s: %s\n", strings.TrimSpace(s.Benchmark.Title+" "+s.Label), s.Count())
		for _, skip := range s.Skipped {
			fmt.Fprintf(w, "  skipped %s\n", skip)
		}
	}
}

// pictureSide is the largest side of an image that pictures show.
const pictureSide = 256

// sideBySide puts the centres of equally large pictures side by side.
func sideBySide(pictures ...planar.Image) image.Image {
	p := pictures[0]
	w, h := min(p.W, pictureSide), min(p.H, pictureSide)
	middle := image.Rect(0, 0, w, h).Add(image.Pt((p.W-w)/2, (p.H-h)/2))
	out := image.NewRGBA(image.Rect(0, 0, len(pictures)*w, h))
	for k, p := range pictures {
		draw.Draw(out, image.Rect(k*w, 0, (k+1)*w, h), p.Cut(nil, middle).RGBA(), image.Point{}, draw.Src)
	}
	return out
}
