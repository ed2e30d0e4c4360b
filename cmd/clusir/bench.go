package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/arch"
	"clusir/internal/bench"
	"clusir/internal/config"
	"clusir/internal/device"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/progress"
	"clusir/internal/sysmem"
	"clusir/internal/usage"
)

type benchOptions struct {
	network
	settings  *pflag.FlagSet // the flags of settings
	Sizes     []string
	Threads   []int
	Devices   bool
	Batch     int
	Train     int
	Objective string
	Warmup    int
	Runs      int
	Seed      uint64
	Profile   bool
	Peak      bool
	Verify    string
	Format    string
	JSON      bool
}

func newBenchCmd(runF func(*benchOptions) error) *cobra.Command {
	opts := &benchOptions{settings: pflag.NewFlagSet("settings", pflag.ContinueOnError)}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure time, memory and cost of a network",
		Long: `Measure the cost of a network and its speed on this machine: parameters,
multiply-accumulates (MACs), milliseconds, GMAC/s and their share of the fastest
dense product, and the peak memory of the process. With several sizes, it also prints
how the time grows with the pixels; with several numbers of threads, the speedup.

A model that is named, not read from a file, has random weights, which take the same
time as trained ones.`,
		Example: `  clusir bench --model base --size 256 --threads 2 --runs 5 --json
  clusir bench --model tiny --size 128,256,512 --threads 1,2
  clusir bench --model nano --train 4 --size 128 --profile
  clusir bench --model base --size 128 --runs 0        (count only)
  clusir bench --devices                               (list the devices)
  clusir bench --model weights.safetensors --verify expected.safetensors`,
		Args: usage.NoArguments("name the network with --model"),
		RunE: runs(opts, runF),
	}
	f := cmd.Flags()
	f.StringVar(&opts.Model, "model", "nano", "base, small, tiny or nano with random weights, or a checkpoint `FILE`; "+infer.ModelVariable+" names another default")
	f.StringVar(&opts.ModelConfig, "model-config", "", "YAML or JSON `FILE` of the model's configuration, for a checkpoint without one, or on its own")
	f.StringSliceVar(&opts.Sizes, "size", []string{"256"}, "sides of the image, such as 256 or 480x320, separated by commas")
	f.IntSliceVar(&opts.Threads, "threads", nil, "numbers of processor threads, separated by commas (default all)")
	f.BoolVar(&opts.Devices, "devices", false, "list the available devices, and measure nothing")
	addDeviceFlags(opts.settings, &opts.ISA)
	f.AddFlagSet(opts.settings)
	f.IntVar(&opts.Batch, "batch", 1, "images per pass")
	f.IntVar(&opts.Train, "train", 0, "measure steps of training on `B` images instead: forward, backward and Adam")
	usage.OneOf(f, &opts.Objective, "objective", "full", "loss of --train: full, which clusir train uses, or l1", []string{"full", "l1"})
	f.IntVar(&opts.Warmup, "warmup", 1, "passes before those that are measured")
	f.IntVar(&opts.Runs, "runs", 5, "passes that are measured; 0 only counts parameters and MACs")
	f.Uint64Var(&opts.Seed, "seed", 0, "seed of random weights and images")
	f.BoolVar(&opts.Profile, "profile", false, "print the time of each operation")
	f.BoolVar(&opts.Peak, "peak", true, "measure the fastest dense product too, to show what share of its speed is reached")
	f.StringVar(&opts.Verify, "verify", "", "compare the output for in.image of `FILE` with its eval.output, and measure nothing")
	usage.OneOf(f, &opts.Format, "format", "text", "text, json (an object a line), or go (for benchstat)", bench.Formats)
	f.BoolVar(&opts.JSON, "json", false, "the same as --format json")
	return cmd
}

// exclusive lists pairs of flags that contradict each other.
var exclusive = [][2]string{
	{"format", "json"}, {"batch", "train"}, {"devices", "size"}, {"devices", "verify"}, {"devices", "profile"},
	{"verify", "size"}, {"verify", "runs"}, {"verify", "warmup"}, {"verify", "train"}, {"verify", "batch"}, {"verify", "profile"},
}

// complete checks what cobra cannot, and fills in from the environment what no flag
// sets.
func (o *benchOptions) complete(cmd *cobra.Command, _ []string) (err error) {
	changed := cmd.Flags().Changed
	if o.JSON {
		o.Format = "json"
	}
	if err := usage.Exclusive(cmd.Flags(), exclusive); err != nil {
		return err
	}
	_, named := arch.Variants()[o.Model]
	switch {
	case named && changed("model") && o.ModelConfig != "":
		return usage.Errorf("--model %s has its configuration: give --model-config alone, or with a checkpoint", o.Model)
	case named && changed("model") && o.Verify != "":
		return usage.Errorf("--model %s has random weights, which nothing verifies: name the checkpoint that made the output", o.Model)
	case slices.ContainsFunc(o.Threads, func(n int) bool { return n < 0 }):
		return usage.Errorf("--threads %d: give numbers of threads, or 0 for all", slices.Min(o.Threads))
	case changed("train") && o.Train < 1:
		return usage.Errorf("--train %d: give the number of images in a step, 1 or more", o.Train)
	case (o.Verify != "" || o.Devices) && o.Format == "go":
		return usage.Errorf("--verify and --devices measure nothing for --format go to show: choose text or json")
	}
	if o.config, err = config.LoadUntrained(o.settings); err != nil {
		return err
	}
	if !changed("threads") {
		o.Threads = []int{o.config.Threads}
	}
	if (o.ModelConfig != "" || o.Verify != "") && !changed("model") {
		o.Model = "" // the configuration alone, or what the file to verify holds
		return nil
	}
	return modelOfEnvironment(cmd.Flags(), &o.Model, true)
}

func (o *benchOptions) open(threads int) (kernels.Backend, string, error) {
	d := o.device()
	d.Threads, d.Training = threads, o.Train > 0
	return device.Open(d)
}

func (o *benchOptions) run() error {
	if o.Devices {
		return device.WriteList(o.out, o.errOut, o.Format == "json")
	}
	subject, err := bench.Source{Model: o.Model, Config: o.ModelConfig, Verify: o.Verify, Seed: o.Seed}.Open()
	if err != nil {
		return err
	}
	defer subject.Close()
	if o.Verify != "" {
		return runVerify(o, subject)
	}
	options := bench.Options{
		Subject: subject, Threads: o.Threads, Batch: max(o.Batch, o.Train), Train: o.Train > 0, Objective: model.DefaultObjective(),
		Warmup: o.Warmup, Runs: o.Runs, Profile: o.Profile, Peak: o.Peak, Open: o.open, Memory: sysmem.Available(),
		Progress: progress.New(o.errOut, "passes").Set,
	}
	if o.Objective == "l1" {
		options.Objective = model.Objective{L1: 1}
	}
	if options.Sizes, err = bench.ParseSizes(o.Sizes); err != nil {
		return usage.Errorf("--%w", err)
	}
	results, err := bench.Run(o.ctx, options)
	if err != nil {
		return err
	}
	return bench.Write(o.out, o.Format, results)
}

// runVerify compares the output for an image with another implementation's.
func runVerify(o *benchOptions, subject bench.Subject) error {
	b, name, err := o.open(o.Threads[0])
	if err != nil {
		return err
	}
	defer b.Close()
	v, err := bench.Verify(subject, o.Verify, b, name, sysmem.Available())
	if v == nil {
		return err
	}
	return errors.Join(v.Write(o.out, o.Format == "json"), err)
}
