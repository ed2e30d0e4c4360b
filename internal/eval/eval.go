// Package eval measures a network on the benchmarks of the field, with their usual
// protocol.
//
// Run measures image by image. It writes each image's result as a line of JSON to the
// results file as soon as it is done; an interrupted run continues from there, and
// Merge combines the files of several shards. Means are computed over the images in a
// fixed order, so that they have the same bits however the work was divided.
package eval

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/dataset"
	"clusir/internal/infer"
	"clusir/internal/metrics"
	"clusir/internal/planar"
	"clusir/internal/published"
	"clusir/internal/shard"
)

// Options describe a measurement.
type Options struct {
	Root       string
	Benchmarks []*dataset.Benchmark
	// Names are the names by which the benchmarks were chosen. If they include a group,
	// such as five-task, it determines which published numbers are printed next to
	// ours.
	Names    string
	Protocol Protocol
	// Subject is the network that is measured, or the name of another program and the
	// folder of its pictures; see runRestored.
	Subject Subject
	// Shard is the part of the images to measure; the zero value means all.
	Shard shard.Shard
	// Limit is the number of images to measure of each split, 0 for all.
	Limit int
	// Only, if set, restricts the run to these indices of ImageResult.
	Only map[int]bool
	// Results is the file for the images' results, "" for none. It must not exist
	// unless Resume is set: then the images in it are not measured again.
	Results string
	Resume  bool
	// Save is the folder for the restored images, "" for none; with Overwrite, existing
	// files are replaced.
	Save      string
	Overwrite bool
	// MaxMemory is the limit for the images that are measured in parallel, in bytes; 0
	// means no limit.
	MaxMemory int64
	// Progress, if set, receives each image when it is done, and the number done so far
	// and in all; at the beginning there is no image.
	Progress func(r *ImageResult, done, of int)
	// Pixels, if set, receives the degraded, restored and clean pixels of each image
	// that was measured. They are valid during the call only. These callbacks are never
	// called concurrently; with several networks, the order of the images varies.
	Pixels func(r ImageResult, input, output, clean planar.Image)

	fits func(arch.Config) error // refuses unsuitable networks; nil for none
}

var errNothing = errors.New("nothing to measure")

// job is an image to measure and its index among all.
type job struct {
	index int
	split *dataset.Split
	item  dataset.Item
	// picture is the file that another program restored it to; none is the reason if
	// there is no such file.
	picture string
	none    error
	saved   string // where the restored image, or degrade's input, is saved; "" for nowhere
	replace bool   // a file that is there
}

// Run measures a network on every benchmark that is on disk. Nets are copies of it,
// each on its own backend; their number is that of the images measured in parallel. An
// image that fails becomes a result with an error; a benchmark that is not on disk is
// recorded as missing, and it is an error if all of them are.
func Run(ctx context.Context, nets []*infer.Network, o Options) (*Report, error) {
	var by []restorer
	for _, net := range nets {
		by = append(by, network{net})
	}
	return run(ctx, by, o)
}

func run(ctx context.Context, by []restorer, o Options) (*Report, error) {
	if _, err := metrics.ParseWindow(o.Protocol.Name); err != nil {
		return nil, err
	}
	header, jobs, err := plan(o)
	if err != nil {
		return nil, err
	}
	if err := nameFiles(o, jobs); err != nil {
		return nil, err
	}
	s, err := openStream(o, header, jobs)
	if err != nil {
		return nil, err
	}
	c := &crew{Options: o, stream: s, of: len(jobs)}
	jobs = c.left(ctx, jobs)
	c.done = c.of - len(jobs)
	err = c.measure(ctx, by, jobs)
	if err = errors.Join(err, s.close()); err != nil {
		return nil, err
	}
	return header.report(slices.Collect(maps.Values(s.done))), nil
}

// plan finds the benchmarks' images and records what is missing.
func plan(o Options) (Header, []job, error) {
	h := Header{Format: formatName, Subject: o.Subject, Protocol: o.Protocol, Shard: o.Shard, Limit: o.Limit}
	splits, missing, err := o.open()
	if err != nil {
		return h, nil, err
	}
	h.Missing = missing
	var jobs []job
	index := 0
	for _, s := range splits {
		split := o.cut(s)
		files, faults, err := o.Subject.pictures(split, s.Items, len(splits) == 1)
		if err != nil {
			h.Missing = append(h.Missing, err.Error())
			continue
		}
		h.Splits = append(h.Splits, split)
		for k, item := range s.Items {
			if o.Shard.Has(index) && (o.Only == nil || o.Only[index]) {
				jobs = append(jobs, job{index: index, split: s, item: item, picture: files[k], none: faults[k]})
			}
			index++
		}
	}
	if len(h.Splits) == 0 {
		return h, nil, fmt.Errorf("%w: %s", errNothing, strings.Join(h.Missing, "; "))
	}
	h.Setting = chooseSetting(o.Names, h.Splits)
	return h, jobs, nil
}

// open opens the benchmarks, and says where to get those that are not on disk.
func (o Options) open() (splits []*dataset.Split, missing []string, err error) {
	for _, b := range o.Benchmarks {
		own, err := b.Open(o.Root)
		if errors.As(err, new(*dataset.MissingError)) {
			missing = append(missing, err.Error())
		} else if err != nil {
			return nil, nil, err
		}
		splits = append(splits, own...)
	}
	return splits, missing, nil
}

// cut drops the images beyond the limit from a split, which then counts as incomplete.
func (o Options) cut(s *dataset.Split) Split {
	all := len(s.Items)
	if o.Limit == 0 || all <= o.Limit {
		return newSplit(s)
	}
	s.Items = s.Items[:o.Limit]
	split := newSplit(s)
	split.Expected = max(split.Expected, all)
	return split
}

// averaged returns the splits that the report's mean is over: those of the paper's
// average, if all of them were measured, or else all with a finite mean.
func (r *Report) averaged() (of []SplitResult, average bool) {
	var finite []SplitResult
	for _, s := range r.Splits {
		if s.Images > 0 && !math.IsInf(s.Output.PSNR, 0) {
			finite = append(finite, s)
		}
	}
	t := tableOf(r.Setting)
	if t == nil || !slices.Contains(t.Keys, published.Average) {
		return finite, false
	}
	for _, s := range finite {
		if _, ok := s.published(r.Setting); ok {
			of = append(of, s)
		}
	}
	if len(of) == len(t.Keys)-1 {
		return of, true
	}
	return finite, false
}

// Failed joins the errors of several reports, each with the name of its subject.
func Failed(reports []*Report) error {
	var errs []error
	for _, r := range reports {
		if err := r.Failed(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Model, err))
		}
	}
	return errors.Join(errs...)
}

// Failed returns an error that sums up the images without a result, nil if there are
// none.
func (r *Report) Failed() error {
	faults := r.faults()
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d images could not be measured; the first: %s", len(faults), len(r.Images), faults[0])
}

// faults lists the images without a result, and why.
func (r *Report) faults() (lines []string) {
	for _, i := range r.Images {
		if i.Err != "" {
			lines = append(lines, i.name()+": "+i.Err)
		}
	}
	return lines
}
