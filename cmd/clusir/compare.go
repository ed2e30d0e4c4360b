package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/eval"
	"clusir/internal/planar"
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
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Names = args
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

func (o *compareOptions) complete(cmd *cobra.Command) error {
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
	return o.begin(cmd)
}

func (o *compareOptions) run() error {
	reports := make([]*eval.Report, len(o.Names))
	for i := range reports {
		var err error
		if reports[i], err = o.side(i); err != nil {
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
		err = errors.Join(err, o.writePage(c, c.Report(common[1]), index))
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
func (o *compareOptions) side(i int) (*eval.Report, error) {
	if files := o.files(i); files != nil {
		return eval.Merge(files...)
	}
	benchmarks, err := o.benchmarks()
	if err != nil {
		return nil, err
	}
	results, err := o.resultsOf(letters[i : i+1])
	if err != nil {
		return nil, err
	}
	return o.measureNamed(o.Names[i], eval.Options{Benchmarks: benchmarks, Results: results})
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

// measureNamed measures a model, or the pictures in a folder.
func (o *compareOptions) measureNamed(name string, e eval.Options) (*eval.Report, error) {
	if isRestored(name) {
		return o.measureRestored(restoredSubject(name), e)
	}
	return o.measure(name, e, nil)
}

// writePage writes the report of a comparison. It makes the pictures unless one side is
// a results file.
func (o *compareOptions) writePage(c *eval.Comparison, r *eval.Report, index []map[int]int) error {
	page := o.pageOf(r)
	page.Comparison = c
	if o.files(0) == nil && o.files(1) == nil {
		page.Gallery = report.NewGallery()
		if err := o.addPictures(page.Gallery, r, index); err != nil {
			return err
		}
	}
	return page.Save(o.Page)
}

// addPictures restores the pictures that the page shows large again and adds them.
func (o *compareOptions) addPictures(g *report.Gallery, r *eval.Report, index []map[int]int) error {
	shown := report.Shown(r)
	g.Expect(len(shown))
	benchmarks, err := o.benchmarks()
	if err != nil || len(shown) == 0 {
		return err
	}
	for i, add := range []func(r eval.ImageResult, input, output, clean planar.Image){g.AddBefore, g.AddLarge} {
		e := eval.Options{Benchmarks: benchmarks, Only: map[int]bool{}}
		for own, common := range index[i] {
			e.Only[own] = shown[common]
		}
		e.Pixels = func(r eval.ImageResult, input, output, clean planar.Image) {
			r.Index = index[i][r.Index]
			add(r, input, output, clean)
		}
		if _, err := o.measureNamed(o.Names[i], e); err != nil {
			return err
		}
	}
	return nil
}
