package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"

	"clusir/internal/atomicfile"
	"clusir/internal/config"
	"clusir/internal/dataset"
)

// openSet finds the training data of a configuration.
func openSet(c *config.Config) (*dataset.Set, *dataset.Report, error) {
	if err := c.RequireTraining(); err != nil {
		return nil, nil, err
	}
	return dataset.Open(DataOptions(c))
}

// DataOptions are the configuration's settings of the training set.
func DataOptions(c *config.Config) dataset.Options {
	o := dataset.Options{
		Root: c.Data, Seed: c.Train.Seed, Patch: c.Train.Patch, Rotate: c.Train.Rotate,
		Cache: int64(c.Train.CacheMB) << 20, Exclude: c.Train.Exclude, Clean: c.Train.Clean,
		Vary: dataset.Vary(c.Train.Vary), KeepOverlaps: c.Train.KeepOverlaps, IgnoreLists: c.Train.IgnoreLists,
	}
	for _, t := range c.Tasks {
		o.Tasks = append(o.Tasks, dataset.Task(t))
	}
	return o
}

// Check decodes all of a configuration's training data and the benchmarks that
// are on disk, and reports to w what a run would use, what is damaged, and what
// a test set shows as well. Damaged data are an error. progress, where set, hears
// how many images are done.
func Check(ctx context.Context, c *config.Config, w io.Writer, asJSON bool, progress func(done, of int)) error {
	set, report, err := openSet(c)
	damaged := 0
	if err == nil {
		damaged = report.Unreadable()
		err = set.Check(ctx, report, dataset.Standard(), c.Data, progress)
	}
	if report == nil {
		return err
	}
	if asJSON {
		err = errors.Join(err, json.NewEncoder(w).Encode(report))
	} else {
		err = errors.Join(err, report.WriteText(w, 3))
	}
	if damaged += len(report.Damaged); err == nil && damaged > 0 {
		err = fmt.Errorf("%d of the files to train on are damaged: replace or remove them, or name them in a list under train.exclude", damaged)
	}
	return err
}

// Preview draws a contact sheet of training pairs to a PNG: per task a row of
// real ones and one of those that are made.
func Preview(c *config.Config, path string, perRow int) error {
	set, _, err := openSet(c)
	if err != nil {
		return err
	}
	sheet, err := set.Preview(0, perRow)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, sheet) })
}
