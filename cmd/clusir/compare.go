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

// compareOptions are the options of `clusir compare`.
type compareOptions struct {
	measuring
	output
	pageOptions
	Names     []string
	Bootstrap uint64
}

func newCompareCmd(runF func(*compareOptions) error) *cobra.Command {
	opts := &compareOptions{}
	cmd := &cobra.Command{
		Use:   "compare A B...",
		Short: "Compare two networks image by image, or rank several",
		Long: `Measure two networks on the same images, or read the files that clusir eval --results
wrote, and print the difference on each benchmark, with a 95 % interval from a paired
bootstrap over the images, and the images that differ most. --results is a folder for
a file of each of the two. --report writes an HTML page whose pictures show A on the
left and B on the right.

A folder, as DIR or NAME=DIR, stands for the pictures that another program wrote; see
clusir eval --help. Three or more are ranked: by the mean over the images of their
ranks by PSNR, with Friedman's test and each one's difference from the best.`,
		Example: `  clusir compare nano runs/nano/best.safetensors --benchmark rain100l --data data
  clusir compare both/A.jsonl both/B.jsonl --format json
  clusir compare nano DnCNN=out/dncnn BM3D=out/bm3d --benchmark cbsd68 --data data`,
		Args: atLeast(2, "name the two models, or two results files or folders: clusir compare A B"),
		RunE: runs(opts, runF),
	}
	addFlags(cmd, "", func(f *pflag.FlagSet) {
		f.StringVar(&opts.Results, "results", "", "write each network's results to a file in the folder `DIR`")
		f.BoolVar(&opts.Resume, "resume", false, "continue the files of --results")
		f.Uint64Var(&opts.Bootstrap, "bootstrap-seed", 0, "seed of the bootstrap")
		f.BoolVar(&opts.Images, "images", false, "list all images, not only those that differ most")
		opts.addFlags(f)
		opts.addPageFlags(f)
		f.BoolVar(&opts.Overwrite, "overwrite", false, "replace the file of --report if it exists")
	})
	addFlags(cmd, "Pictures", opts.addBenchmarkFlags, opts.addProtocolFlags)
	addFlags(cmd, networkGroup, opts.addNetworkFlags, opts.addEffortFlags)
	return cmd
}

func (o *compareOptions) complete(cmd *cobra.Command, args []string) error {
	o.Names = args
	if err := o.output.complete(cmd.Flags()); err != nil {
		return err
	}
	if err := o.completePage(o.Overwrite); err != nil {
		return err
	}
	switch several := len(o.Names) > 2; {
	case several && (o.Page != "" || o.Images):
		return usage("--report and --images compare two: name two of the %d", len(o.Names))
	case len(o.Names) > len(letters):
		return usage("%d are too many to compare: name at most %d", len(o.Names), len(letters))
	}
	return o.begin(cmd.Flags())
}

func (o *compareOptions) run() error {
	r := o.runner()
	r.Folder, r.Results = o.Results, ""
	reports := make([]*eval.Report, len(o.Names))
	for i := range reports {
		var err error
		if reports[i], err = o.side(r, i); err != nil {
			return err
		}
	}
	if len(reports) > 2 {
		return o.rank(o.out, reports, o.Bootstrap)
	}
	common, index := eval.Common(reports...)
	c, err := eval.Compare(common[0], common[1], o.Bootstrap)
	if err != nil {
		return err
	}
	err = o.print(c)
	if o.Page != "" {
		err = errors.Join(err, o.writePage(r, c, c.Report(common[1]), index))
	}
	return errors.Join(err, reports[0].Failed(), reports[1].Failed())
}

// letters name the sides of a comparison.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// files returns a side's results files, nil for a model or a folder.
func (o *compareOptions) files(i int) []string {
	if files := strings.Split(o.Names[i], ","); eval.IsResults(files[0]) {
		return files
	}
	return nil
}

// side measures a model or folder, or reads its results.
func (o *compareOptions) side(r *eval.Runner, i int) (_ *eval.Report, err error) {
	if files := o.files(i); files != nil {
		return eval.Merge(files...)
	}
	if r.Benchmarks, err = o.benchmarks(); err != nil {
		return nil, err
	}
	return r.MeasureAs(o.ctx, letters[i:i+1], eval.ParseSubject(o.Names[i]))
}

// differing is the number of images that a comparison lists unless it lists all.
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

// writePage writes the report of a comparison. It makes the pictures unless one side is
// a results file.
func (o *compareOptions) writePage(r *eval.Runner, c *eval.Comparison, results *eval.Report, index []map[int]int) error {
	page := o.pageOf(results)
	page.Comparison = c
	if o.files(0) == nil && o.files(1) == nil {
		var sides []report.Source
		for i, name := range o.Names {
			sides = append(sides, report.Source{Index: index[i], Measure: func(e eval.Options) (*eval.Report, error) {
				return r.Measure(o.ctx, eval.ParseSubject(name), e)
			}})
		}
		page.Gallery = report.NewGallery()
		if err := page.Gallery.AddShown(results, r.Options, sides...); err != nil {
			return err
		}
	}
	return page.Save(o.Page)
}
