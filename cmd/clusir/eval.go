package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/device"
	"clusir/internal/eval"
	"clusir/internal/infer"
)

// evalOptions are those of `clusir eval`.
type evalOptions struct {
	ctx         context.Context
	out, errOut io.Writer
	config      *config.Config
	Benchmark   string
	File        string
	Model       string
	ISA         string
	JSON        bool
}

func newEvalCmd(runF func(*evalOptions) error) *cobra.Command {
	opts := &evalOptions{}
	cmd := &cobra.Command{
		Use:   "eval --benchmark NAME[,NAME] --data DIR",
		Short: "Measure a network on benchmarks",
		Long: `Measure a network on benchmarks by the field's protocol, beside the paper's
numbers. Benchmarks are cbsd68, kodak24, urban100, sots, rain100l, gopro, lol
and cdd11, the groups three-task, five-task and composite, and those of a file
of your own (--benchmark-file).`,
		Example: `  clusir eval --benchmark cbsd68 --data data
  clusir eval --benchmark five-task --data data --model runs/five-task/best.safetensors --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			opts.ctx, opts.out, opts.errOut = cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			if opts.Benchmark == "" {
				return usage("name what to measure with --benchmark, such as --benchmark cbsd68")
			}
			if opts.config, err = config.Load("", cmd.Flags()); err != nil {
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
	f.String("data", "", "the `FOLDER` that holds test/ (default $CLUSIR_DATA)")
	f.String("device", "auto", "auto, cpu, cuda or cuda:`N`")
	f.Int("threads", 0, "processor threads, 0 for all")
	f.StringVar(&opts.ISA, "isa", "", "instruction set of the processor: avx512, avx2 or portable (default the best)")
	f.BoolVar(&opts.JSON, "json", false, "print every image's result as JSON")
	config.AddSetFlag(f)
	return cmd
}

func runEval(o *evalOptions) error {
	if o.config.Data == "" {
		return usage("name the data folder with --data or CLUSIR_DATA")
	}
	catalog := dataset.Standard()
	if o.File != "" {
		if err := catalog.AddFile(o.File); err != nil {
			return err
		}
	}
	benchmarks, err := catalog.Resolve(o.Benchmark)
	if err != nil {
		return err
	}
	b, _, err := device.Open(device.Options{Name: o.config.Device, Threads: o.config.Threads, ISA: o.ISA})
	if err != nil {
		return err
	}
	defer b.Close()
	net, err := infer.Load(infer.Source{Model: o.Model}, b)
	if err != nil {
		return err
	}
	defer net.Close()
	bar := &countBar{w: progressTo(o.errOut)}
	report, err := eval.Run(o.ctx, net, eval.Options{
		Root: o.config.Data, Benchmarks: benchmarks, Protocol: protocolOf(o.config.Eval),
		Image: func(r eval.ImageResult, done, of int) {
			bar.text = fmt.Sprintf("%s %s %.2f dB", r.Benchmark, r.Split, r.Output.PSNR)
			bar.set(done, of)
		},
	})
	if err != nil {
		return err
	}
	if o.JSON {
		return json.NewEncoder(o.out).Encode(report)
	}
	return report.WriteText(o.out, o.Benchmark)
}

func protocolOf(e config.Eval) eval.Protocol {
	return eval.Protocol{Name: e.Protocol, YChannel: e.YChannel, Seed: e.Seed}
}
