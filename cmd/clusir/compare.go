package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/eval"
	"clusir/internal/report"
)

// compareOptions are those of `clusir compare`.
type compareOptions struct {
	measuring
	output
	pageOptions
	Names     [2]string
	Bootstrap uint64
}

func newCompareCmd(runF func(*compareOptions) error) *cobra.Command {
	opts := &compareOptions{}
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Set two networks side by side, image by image",
		Long: `Measure two networks on the same images, or read what clusir eval --results wrote
of them: the difference on each benchmark with a 95 % interval from a paired
bootstrap over images, and the images that differ most. --results is a folder with a
file for each of the two. --report writes a page of HTML with A on the left of its
pictures and B on the right.`,
		Example: `  clusir compare nano runs/nano/best.safetensors --benchmark rain100l --data data
  clusir compare both/A.jsonl both/B.jsonl --format json`,
		Args: exactly(2, "name the two models, or two results files: clusir compare A B"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Names = [2]string(args)
			if err := opts.complete(cmd); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			return opts.run()
		},
	}
	addFlags(cmd, "", func(f *pflag.FlagSet) {
		f.StringVar(&opts.Results, "results", "", "write each network's results to a file in the folder `DIR`")
		f.BoolVar(&opts.Resume, "resume", false, "go on with the files of --results")
		f.Uint64Var(&opts.Bootstrap, "bootstrap-seed", 0, "seed of the intervals")
		f.BoolVar(&opts.Images, "images", false, "list all images, not those that differ most")
		opts.addFlags(f)
		opts.addPageFlags(f)
		f.BoolVar(&opts.Overwrite, "overwrite", false, "replace the file of --report if it exists")
	})
	addFlags(cmd, "Pictures", opts.addBenchmarkFlags, opts.addProtocolFlags)
	addFlags(cmd, "Network", opts.addNetworkFlags, opts.addEffortFlags)
	return cmd
}

func (o *compareOptions) complete(cmd *cobra.Command) error {
	if err := o.output.complete(cmd.Flags()); err != nil {
		return err
	}
	if err := o.completePage(o.Overwrite); err != nil {
		return err
	}
	return o.begin(cmd)
}

func (o *compareOptions) run() error {
	var reports [2]*eval.Report
	for i := range reports {
		var err error
		if reports[i], err = o.side(i); err != nil {
			return err
		}
	}
	c, err := eval.Compare(reports[0], reports[1], o.Bootstrap)
	if err != nil {
		return err
	}
	err = o.print(c)
	if o.Page != "" {
		err = errors.Join(err, o.writePage(c, c.Report(reports[1])))
	}
	return errors.Join(err, reports[0].Failed(), reports[1].Failed())
}

// files are the results files that one of the two is, nil of a model.
func (o *compareOptions) files(i int) []string {
	if files := strings.Split(o.Names[i], ","); eval.IsResults(files[0]) {
		return files
	}
	return nil
}

// side measures one of two models, or reads its results.
func (o *compareOptions) side(i int) (*eval.Report, error) {
	if files := o.files(i); files != nil {
		return eval.Merge(files...)
	}
	benchmarks, err := o.benchmarks()
	if err != nil {
		return nil, err
	}
	results, err := o.resultsOf("AB"[i : i+1])
	if err != nil {
		return nil, err
	}
	return o.measure(o.Names[i], eval.Options{Benchmarks: benchmarks, Results: results}, nil)
}

// differing is how many images a comparison lists unless it is to list all.
const differing = 10

func (o *compareOptions) print(c *eval.Comparison) error {
	switch {
	case o.Images && o.Format != "json":
		return c.ImageTable(0).Write(o.out, o.Format)
	case o.Format != "text":
		return o.write(o.out, c, c.Table)
	}
	if err := c.Table().Write(o.out, o.Format); err != nil {
		return err
	}
	fmt.Fprintln(o.out)
	return c.ImageTable(differing).Write(o.out, o.Format)
}

// writePage writes the report of a comparison; its pictures are made if both are
// models.
func (o *compareOptions) writePage(c *eval.Comparison, r *eval.Report) error {
	page := o.pageOf(r)
	page.Comparison = c
	if o.files(0) == nil && o.files(1) == nil {
		page.Gallery = report.NewGallery()
		only := report.Shown(r)
		page.Gallery.Expect(len(only))
		benchmarks, err := o.benchmarks()
		if err != nil {
			return err
		}
		e := eval.Options{Benchmarks: benchmarks, Only: only, Pixels: page.Gallery.AddBefore}
		for _, name := range o.Names {
			if len(only) == 0 {
				break
			}
			if _, err := o.measure(name, e, nil); err != nil {
				return err
			}
			e.Pixels = page.Gallery.AddLarge
		}
	}
	return page.Save(o.Page)
}
