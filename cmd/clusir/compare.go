package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/eval"
	"clusir/internal/report"
	"clusir/internal/usage"
)

type compareOptions struct {
	measuring
	output
	pageOptions
	Sides     []eval.Side
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
clusir eval --help. One that is called like a model is written as ./nano. Three or
more are ranked: by the mean over the images of their ranks by PSNR, with Friedman's
test and each one's difference from the best.`,
		Example: `  clusir compare nano runs/nano/best.safetensors --benchmark rain100l --data data
  clusir compare both/A.jsonl both/B.jsonl --format json
  clusir compare nano DnCNN=out/dncnn BM3D=out/bm3d --benchmark cbsd68 --data data`,
		Args: usage.Arguments(cobra.MinimumNArgs(2), "name the two models, or two results files or folders: clusir compare A B"),
		RunE: runs(opts, runF),
	}
	usage.AddFlags(cmd, "", func(f *pflag.FlagSet) {
		f.StringVar(&opts.Results, "results", "", "write each network's results to a file in the folder `DIR`")
		f.BoolVar(&opts.Resume, "resume", false, "continue the files of --results")
		f.Uint64Var(&opts.Bootstrap, "bootstrap-seed", 0, "seed of the bootstrap")
		f.BoolVar(&opts.Images, "images", false, "list all images, not only those that differ most")
		opts.addFlags(f)
		opts.addPageFlags(f)
		f.BoolVar(&opts.Overwrite, "overwrite", false, "replace the file of --report if it exists")
	})
	usage.AddFlags(cmd, "Pictures", opts.addBenchmarkFlags, opts.addProtocolFlags)
	usage.AddFlags(cmd, networkGroup, opts.addNetworkFlags, opts.addEffortFlags)
	return cmd
}

func (o *compareOptions) complete(cmd *cobra.Command, args []string) (err error) {
	if o.Sides, err = eval.ParseSides(args); err != nil {
		return err
	}
	if err := o.output.complete(cmd.Flags()); err != nil {
		return err
	}
	if err := o.completePage(o.Overwrite); err != nil {
		return err
	}
	if !slices.ContainsFunc(o.Sides, eval.Side.Measured) {
		if err := measuresNothing(cmd.Flags()); err != nil {
			return err
		}
	}
	if len(args) > 2 && (o.Page != "" || o.Images) {
		return usage.Errorf("--report and --images compare two: name two of the %d", len(args))
	}
	return o.begin(cmd.Flags())
}

// measuresNothing refuses the flags of a measurement, of which there is none.
func measuresNothing(f *pflag.FlagSet) (err error) {
	f.Visit(func(flag *pflag.Flag) {
		if usage.Group(flag) != "" || flag.Name == "results" {
			err = usage.Errorf("--%s does nothing where all results are read from files: leave it out", flag.Name)
		}
	})
	return err
}

func (o *compareOptions) run() (err error) {
	r := o.runner()
	r.Folder, r.Results = o.Results, ""
	if slices.ContainsFunc(o.Sides, eval.Side.Measured) {
		if r.Benchmarks, err = o.benchmarks(); err != nil {
			return err
		}
	}
	reports, err := r.Sides(o.ctx, o.Sides)
	if err != nil {
		return err
	}
	if len(reports) > 2 {
		return eval.WriteRanking(o.out, o.Format, reports, o.Bootstrap)
	}
	common, index := eval.Common(reports...)
	c, err := eval.Compare(common[0], common[1], o.Bootstrap)
	if err != nil {
		return err
	}
	err = c.Write(o.out, o.Format, o.Images)
	if o.Page != "" {
		err = errors.Join(err, o.writePage(r, c, c.Report(common[1]), index))
	}
	return errors.Join(err, eval.Failed(reports))
}

// writePage writes the report of a comparison. It makes the pictures unless one side is
// a results file.
func (o *compareOptions) writePage(r *eval.Runner, c *eval.Comparison, results *eval.Report, index []map[int]int) error {
	page := o.pageOf(results)
	page.Comparison = c
	a, b := o.Sides[0], o.Sides[1]
	if a.Measured() && b.Measured() {
		page.Gallery = report.NewGallery()
		if err := page.Gallery.AddShown(o.ctx, results, r, report.Source{Subject: a.Subject, Index: index[0]}, report.Source{Subject: b.Subject, Index: index[1]}); err != nil {
			return err
		}
	}
	return page.Save(o.Page)
}
