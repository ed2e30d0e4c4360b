package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/restore"
)

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
	JSON        bool
}

func newEvalCmd(runF func(*evalOptions) error) *cobra.Command {
	opts := &evalOptions{}
	cmd := &cobra.Command{
		Use:   "eval --benchmark NAME[,NAME] --data DIR | eval --merge FILE...",
		Short: "Measure a network on benchmarks",
		Long: `Measure a network on benchmarks by the field's protocol, beside the paper's
numbers. Benchmarks are cbsd68, kodak24, urban100, sots, rain100l, gopro, lol
and cdd11, the groups three-task, five-task, denoise and composite, and those of
a file of your own (--benchmark-file).

With --results each image's result is a line of JSON as soon as it is done.
A run that was cut off goes on with --resume; a run on several machines measures
--shard 1/4 to 4/4 there, and --merge puts the files together.`,
		Example: `  clusir eval --benchmark cbsd68 --data data
  clusir eval --benchmark five-task --data data --model runs/five-task/best.safetensors --json
  clusir eval --benchmark gopro --data data --results gopro-3.jsonl --shard 3/16
  clusir eval --merge gopro-*.jsonl`,
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
	f := cmd.Flags()
	f.StringVar(&opts.Benchmark, "benchmark", "", "`NAMES` of benchmarks or groups, with commas between")
	f.StringVar(&opts.File, "benchmark-file", "", "a YAML `FILE` with benchmarks of your own")
	f.StringVar(&opts.Model, "model", "nano", "an embedded model or a checkpoint `FILE`")
	f.StringVar(&opts.ModelConfig, "model-config", "", "YAML or JSON `FILE` of the model's fields, for a checkpoint that does not hold them")
	f.String("data", "", "the `FOLDER` that holds test/ (default $CLUSIR_DATA)")
	f.String("device", "auto", "auto, cpu, cuda or cuda:`N`")
	f.Int("threads", 0, "processor threads, 0 for all")
	f.StringVar(&opts.ISA, "isa", "", "instruction set of the processor: avx512, avx2 or portable (default the best)")
	f.IntVar(&opts.Jobs, "jobs", 1, "measure `N` images side by side, the threads shared among them")
	f.String("max-memory", "", "use at most so much for them, such as 8GB (default most of what is free)")
	f.String("protocol", "promptir", "promptir (SSIM over a uniform window) or gaussian (over a Gaussian one)")
	f.Bool("y-channel", false, "measure luma instead of RGB")
	f.Uint64("noise-seed", 0, "seed of the noise benchmarks")
	f.StringVar(&opts.Results, "results", "", "write each image's result to `FILE`, a line of JSON each")
	f.BoolVar(&opts.Resume, "resume", false, "go on with the file of --results")
	f.String("shard", "", "measure the `K/N`-th part of the images, such as 3/16")
	f.Bool("merge", false, "put the results files that are named together")
	f.BoolVar(&opts.JSON, "json", false, "print every image's result as JSON")
	config.AddSetFlag(f)
	return cmd
}

// complete reads the arguments and the flags that are not plain values.
func (o *evalOptions) complete(cmd *cobra.Command, args []string) (err error) {
	f := cmd.Flags()
	switch merge := f.Changed("merge"); {
	case merge && len(args) == 0:
		return usage("name the results files to merge: clusir eval --merge FILE...")
	case merge && o.Results != "":
		return usage("--merge reads results and --results writes them: leave one out")
	case merge:
		o.Merge = args
	case len(args) > 0:
		return usage("unknown argument %q: name benchmarks with --benchmark, results files with --merge", args[0])
	case o.Benchmark == "":
		return usage("name what to measure with --benchmark, such as --benchmark cbsd68")
	case o.Resume && o.Results == "":
		return usage("--resume goes on with a file of results: name it with --results")
	}
	if o.Jobs < 1 {
		return usage("--jobs %d: give the number of images to measure side by side, such as 4", o.Jobs)
	}
	if o.MaxMemory, err = parseMemory(f.Lookup("max-memory").Value.String()); err != nil {
		return err
	}
	if text := f.Lookup("shard").Value.String(); text != "" {
		if o.Shard, err = eval.ParseShard(text); err != nil {
			return usageError{err}
		}
		if o.Results == "" {
			return usage("--shard %s: name a file for its results with --results, to merge them later", o.Shard)
		}
	}
	o.config, err = config.Load("", f)
	return err
}

func runEval(o *evalOptions) error {
	report, err := o.measure()
	if err != nil {
		return err
	}
	if o.JSON {
		err = json.NewEncoder(o.out).Encode(report)
	} else {
		err = report.WriteText(o.out, o.Benchmark)
	}
	return errors.Join(err, report.Failed())
}

// measure returns the results of files or of a run.
func (o *evalOptions) measure() (*eval.Report, error) {
	if o.Merge != nil {
		return eval.Merge(o.Merge...)
	}
	benchmarks, err := o.benchmarks()
	if err != nil {
		return nil, err
	}
	nets, err := o.open(o.Model)
	if err != nil {
		return nil, err
	}
	defer nets.close()
	bar := &countBar{w: progressTo(o.errOut)}
	memory := o.MaxMemory
	if memory == 0 {
		memory = restore.Available() * 3 / 4
	}
	return eval.Run(o.ctx, nets.nets, eval.Options{
		Root: o.config.Data, Benchmarks: benchmarks, Protocol: protocolOf(o.config.Eval),
		Subject: eval.Subject{Model: o.Model, Weights: eval.Fingerprint(nets.nets[0].Model), Device: nets.device},
		Shard:   o.Shard, Results: o.Results, Resume: o.Resume, MaxMemory: memory,
		Image: func(r eval.ImageResult, done, of int) {
			bar.text = fmt.Sprintf("%s %s %.2f dB", r.Benchmark, r.Split, r.Output.PSNR)
			bar.set(done, of)
		},
	})
}

// benchmarks are those that the user names.
func (o *evalOptions) benchmarks() ([]*dataset.Benchmark, error) {
	if o.config.Data == "" {
		return nil, usage("name the data folder with --data or CLUSIR_DATA")
	}
	catalog := dataset.Standard()
	if o.File != "" {
		if err := catalog.AddFile(o.File); err != nil {
			return nil, err
		}
	}
	return catalog.Resolve(o.Benchmark)
}

func protocolOf(e config.Eval) eval.Protocol {
	return eval.Protocol{Name: e.Protocol, YChannel: e.YChannel, Seed: e.Seed}
}
