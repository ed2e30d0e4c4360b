package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/model"
)

// defaultModel is the embedded model that serves where no other is named.
const defaultModel = "nano"

// evalOptions are those of `clusir eval`.
type evalOptions struct {
	ctx         context.Context
	out, errOut io.Writer
	config      *config.Config
	Benchmark   string
	File        string
	Model       string
	ModelConfig string
	ISA         string
	Results     string
	Resume      bool
	Shard       eval.Shard
	Merge       []string
	Jobs        int
	MaxMemory   int64 // 0 is most of what is free
	Table       int
	Rows        []row
	Runs        string
	Compare     []string
	Bootstrap   uint64
	Format      string
	Images      bool
	Routing     bool
	figureOptions
	pageOptions
}

func newEvalCmd(runF func(*evalOptions) error) *cobra.Command {
	opts := &evalOptions{}
	cmd := &cobra.Command{
		Use:   "eval --benchmark NAME[,NAME] | eval --table N | eval --compare A B --benchmark NAME | eval --merge FILE...",
		Short: "Measure a network on benchmarks",
		Long: `Measure a network on benchmarks by the field's protocol, beside the paper's
numbers. Benchmarks are cbsd68, kodak24, urban100, sots, rain100l, gopro, lol
and cdd11, the groups three-task, five-task, denoise and composite, and those of
a file of your own (--benchmark-file). An image that cannot be measured is a row
with an error; the exit code is then 1.

--table N sets our rows of the paper's table N among the published ones. Rows
that take a network of their own are found in the folder of training runs or
named with --row NAME=FILE.

--compare sets two networks side by side, image by image.

With --results each image's result is a line of JSON as soon as it is done.
A run that was cut off goes on with --resume; a run on several machines measures
--shard 1/4 to 4/4 there, and --merge puts the files together. For tables and
comparisons --results is a folder with a file for each network.

--report writes a page of HTML that shows all of this, the pictures of the best,
the median and the worst images, and --training-log's curves.

--figure draws, as PNG and SVG into the folder --out, one or several (or all) of:
` + figureHelp(),
		Example: `  clusir eval --benchmark cbsd68 --data data
  clusir eval --benchmark five-task --data data --model runs/five-task/best.safetensors --json
  clusir eval --table 2 --data data --format markdown
  clusir eval --table 8 --data data --row ClusIR-T=tiny.safetensors --row ClusIR-S=small.safetensors
  clusir eval --compare nano runs/nano/best.safetensors --benchmark rain100l --data data
  clusir eval --benchmark gopro --data data --results gopro-3.jsonl --shard 3/16
  clusir eval --merge gopro-*.jsonl
  clusir eval --benchmark five-task --data data --routing
  clusir eval --benchmark five-task --data data --report report.html
  clusir eval --figure tsne --benchmark five-task --data data --out figures`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			opts.ctx, opts.out, opts.errOut = cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			if err := opts.complete(cmd, args); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			return runEval(opts)
		},
	}
	opts.flags(cmd.Flags())
	opts.addFigureFlags(cmd.Flags())
	opts.addPageFlags(cmd.Flags())
	config.AddSetFlag(cmd.Flags())
	return cmd
}

// flags defines what the command takes.
func (o *evalOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.Benchmark, "benchmark", "", "`NAMES` of benchmarks or groups, with commas between")
	f.StringVar(&o.File, "benchmark-file", "", "a YAML `FILE` with benchmarks of your own")
	f.StringVar(&o.Model, "model", defaultModel, "an embedded model or a checkpoint `FILE`")
	f.StringVar(&o.ModelConfig, "model-config", "", "YAML or JSON `FILE` of the model's fields, for a checkpoint that does not hold them")
	f.String("data", "", "the `FOLDER` that holds test/ (default $CLUSIR_DATA)")
	addDeviceFlags(f)
	f.Int("threads", 0, "processor threads, 0 for all")
	f.StringVar(&o.ISA, "isa", "", "instruction set of the processor: avx512, avx2 or portable (default the best)")
	f.IntVar(&o.Jobs, "jobs", 1, "measure `N` images side by side, the threads shared among them")
	f.String("max-memory", "", "use at most so much for them, such as 8GB (default most of what is free)")
	f.String("protocol", "promptir", "promptir (SSIM over a uniform window) or gaussian (over a Gaussian one)")
	f.Bool("y-channel", false, "measure luma instead of RGB")
	f.Uint64("noise-seed", 0, "seed of the noise benchmarks")
	f.StringVar(&o.Results, "results", "", "write each image's result to `FILE`, a line of JSON each")
	f.BoolVar(&o.Resume, "resume", false, "go on with the file of --results")
	f.String("shard", "", "measure the `K/N`-th part of the images, such as 3/16")
	f.Bool("merge", false, "put the results files that are named together")
	f.IntVar(&o.Table, "table", 0, "print the paper's table `N`, 1 to 9, with our rows")
	f.StringArray("row", nil, "`NAME=FILE`: a checkpoint, or results files with commas between, for a row of the table; can be repeated")
	f.StringVar(&o.Runs, "runs", "runs", "the `FOLDER` of training runs in which --table looks for its rows")
	f.Bool("compare", false, "compare the two models, or results files, that are named")
	f.Uint64Var(&o.Bootstrap, "bootstrap-seed", 0, "seed of the comparison's intervals")
	f.StringVar(&o.Format, "format", "text", "print text, markdown, csv, latex or json")
	f.BoolVar(&o.Images, "images", false, "list every image in place of the means; with --compare, all and not those that differ most")
	f.BoolVar(&o.Routing, "routing", false, "print how the images of each task were routed, in place of how well they were restored")
	f.Bool("json", false, "the same as --format json, which holds every image's result")
}

func runEval(o *evalOptions) error {
	switch {
	case o.Figures != nil:
		return runFigures(o)
	case o.Table == 7:
		return o.runSizes()
	case o.Table != 0:
		return o.runTable()
	case o.Compare != nil:
		return o.runCompare()
	}
	report, err := o.report()
	if err != nil {
		return err
	}
	switch {
	case o.Routing && o.Format == "json":
		err = json.NewEncoder(o.out).Encode(report.Routing())
	case o.Routing:
		err = report.RoutingTable().Write(o.out, o.Format)
	case o.Format == "json":
		err = json.NewEncoder(o.out).Encode(report)
	case o.Images:
		err = report.ImageTable().Write(o.out, o.Format)
	default:
		err = report.Table().Write(o.out, o.Format)
	}
	if err == nil && o.Page != "" { // what was measured is printed by now
		err = o.writePage(report)
	}
	return errors.Join(err, report.Failed())
}

// report returns the results of files or of a run.
func (o *evalOptions) report() (*eval.Report, error) {
	if o.Merge != nil {
		return eval.Merge(o.Merge...)
	}
	benchmarks, err := o.benchmarks(o.Benchmark)
	if err != nil {
		return nil, err
	}
	return o.measure(o.Model, o.Results, benchmarks, nil)
}

// measure runs a model; fits, where set, refuses those that are not wanted.
func (o *evalOptions) measure(name, results string, benchmarks []*dataset.Benchmark, fits func(model.Config) error) (*eval.Report, error) {
	memory, err := memoryLimit(o.MaxMemory, 0.75) // before the weights are there, as the limit includes them
	if err != nil {
		return nil, err
	}
	c, err := o.open(name)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if o.MaxMemory == 0 && !strings.HasPrefix(c.device, "cpu") {
		memory = 0 // a GPU's own, of which the system knows nothing; it says itself when there is no more
	}
	if fits != nil {
		if err := fits(c.nets[0].Model.Config); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	o.network = c.nets[0].Model.Config
	bar := &countBar{w: progressTo(o.errOut)}
	done, of := 0, 0
	report, err := eval.Run(o.ctx, c.nets, eval.Options{
		Root: o.config.Data, Benchmarks: benchmarks, Names: o.Benchmark, Protocol: protocolOf(o.config.Eval),
		Subject: eval.Subject{Model: name, Weights: eval.Fingerprint(c.nets[0].Model), Device: c.device},
		Shard:   o.Shard, Only: o.only, Results: results, Resume: o.Resume, MaxMemory: memory, Pixels: o.pixels,
		Image: func(r eval.ImageResult, n, all int) {
			done, of = n, all
			bar.text = fmt.Sprintf("%s %s %.2f dB", r.Benchmark, r.Split, r.Output.PSNR)
			if r.Err != "" {
				bar.text = fmt.Sprintf("%s %s failed", r.Benchmark, r.Image)
			}
			bar.set(done, of)
		},
	})
	bar.clear()
	if o.ctx.Err() != nil && results != "" && done > 0 {
		fmt.Fprintf(o.errOut, "clusir: %d of %d images are in %s: go on with --resume\n", done, of, results)
	}
	return report, err
}

// benchmarks are those that the user names.
func (o *evalOptions) benchmarks(names string) ([]*dataset.Benchmark, error) {
	c, err := o.catalog()
	if err != nil {
		return nil, err
	}
	return c.Resolve(names)
}

// catalog is what can be named, the data folder being there.
func (o *evalOptions) catalog() (*dataset.Catalog, error) {
	if o.config.Data == "" {
		return nil, usage("name the data folder with --data or CLUSIR_DATA")
	}
	catalog := dataset.Standard()
	if o.File != "" {
		if err := catalog.AddFile(o.File); err != nil {
			return nil, err
		}
	}
	return catalog, nil
}

func protocolOf(e config.Eval) eval.Protocol {
	return eval.Protocol{Name: e.Protocol, YChannel: e.YChannel, Seed: e.Seed}
}
