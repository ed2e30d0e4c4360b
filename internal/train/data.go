package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize/english"

	"clusir/internal/atomicfile"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/userfile"
)

// dataOptions returns the configuration's settings for the training set.
func dataOptions(c *config.Config, memory int64) dataset.Options {
	return dataset.Options{
		Root: c.Data, Tasks: c.Tasks, Seed: c.Train.Seed, Patch: c.Train.Patch, Rotate: c.Train.Rotate,
		Cache: int64(c.Train.CacheMB) << 20, Memory: memory, Exclude: c.Train.Exclude, Clean: c.Train.Clean,
		Vary: c.Train.Vary, KeepOverlaps: c.Train.KeepOverlaps, IgnoreLists: c.Train.IgnoreLists,
	}
}

// checkData looks for anything that would end the run described by o before its first step,
// and decodes all of its training data and the benchmarks that are on disk. It reports
// to w what the run would use, which files are damaged, and which also appear in a test
// set of catalog. Damaged data are an error. progress, if set, receives the number of
// images done.
func checkData(ctx context.Context, o Options, catalog *dataset.Catalog, w io.Writer, asJSON bool, progress func(done, of int)) error {
	o = o.inGroup()
	set, report, err := dataset.Open(dataOptions(o.Config, o.Memory))
	if report == nil {
		return err
	}
	damaged := report.Unreadable()
	if err == nil {
		err = errors.Join(o.checkSettings(report), set.Check(ctx, report, catalog, o.Config.Data, progress))
	}
	if asJSON {
		err = errors.Join(err, json.NewEncoder(w).Encode(report))
	} else {
		err = errors.Join(err, report.WriteText(w, 3))
	}
	if damaged += len(report.Damaged); damaged > 0 {
		err = errors.Join(err, fmt.Errorf("%s cannot be used: replace or remove what is damaged, or list it in a file under train.exclude", english.Plural(damaged, "training file", "")))
	}
	return err
}

// checkSettings checks what a run needs in addition to its data: a batch that can be
// divided among the ranks, memory, and first weights that fit the network.
func (o Options) checkSettings(report *dataset.Report) error {
	if err := checkShares(o.Config.Train, o.Config.Model.Config, o.Group.Size()); err != nil {
		return err
	}
	if err := o.checkMemory(report); err != nil || o.InitFrom == nil {
		return err
	}
	return matchWarmStart(o.InitFrom, o.Config.Model.Config)
}

// Preview draws a contact sheet of training pairs to a PNG: per task, a row of real
// ones and a row of synthetic ones. Memory is the limit for that, in bytes.
func Preview(c *config.Config, path string, perRow int, memory int64) error {
	options := dataOptions(c, memory)
	options.Cache = 0 // no picture is read twice
	set, report, err := dataset.Open(options)
	if err != nil {
		return err
	}
	for _, t := range report.Tasks {
		for _, folder := range t.Folders {
			if userfile.Within(path, folder) {
				return fmt.Errorf("%s would be trained on with the pictures in %s: draw it outside that folder", path, folder)
			}
		}
	}
	sheet, err := set.Preview(0, perRow)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, sheet.PNG)
}
