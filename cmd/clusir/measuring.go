package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/arch"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/device"
	"clusir/internal/eval"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/progress"
)

// networkGroup is the group of flags about networks and computing devices.
const networkGroup = "Network"

// defaultModel is the embedded model that is used by default.
const defaultModel = "nano"

// measuring is the common part of the commands that run networks on benchmarks.
type measuring struct {
	ctx         context.Context
	out, errOut io.Writer
	config      *config.Config

	Benchmark   string
	File        string
	Model       string
	ModelConfig string
	ISA         string
	Ensemble    bool
	Jobs        int
	MaxMemory   int64 // 0 means most of what is free
	Limit       int
	Results     string
	Resume      bool
	Overwrite   bool

	network arch.Config // of the last run
}

// addDataFlags defines the flags that locate the pictures.
func (o *measuring) addDataFlags(f *pflag.FlagSet) {
	f.StringVar(&o.File, "benchmark-file", "", "a YAML `FILE` with benchmarks of your own")
	f.String("data", "", "the `FOLDER` that holds test/ (default $CLUSIR_DATA)")
	f.Uint64("noise-seed", 0, "seed of the noise benchmarks")
}

// addBenchmarkFlags defines the flags that select what is measured.
func (o *measuring) addBenchmarkFlags(f *pflag.FlagSet) {
	f.StringVar(&o.Benchmark, "benchmark", "", "`NAMES` of benchmarks or groups, separated by commas")
	o.addDataFlags(f)
}

// addProtocolFlags defines the flags that select how it is measured.
func (o *measuring) addProtocolFlags(f *pflag.FlagSet) {
	f.IntVar(&o.Limit, "limit", 0, "measure the first `N` images of each part only")
	f.String("protocol", "promptir", "promptir (SSIM over a uniform window) or gaussian (over a Gaussian one)")
	f.Bool("y-channel", false, "measure luma instead of RGB")
}

// addModelFlag defines the flag for the network that is measured.
func (o *measuring) addModelFlag(f *pflag.FlagSet) {
	f.StringVar(&o.Model, "model", defaultModel, "an embedded model or a checkpoint `FILE`; "+modelVariable+" names another default")
}

// addNetworkFlags defines the flags about networks and computing devices.
func (o *measuring) addNetworkFlags(f *pflag.FlagSet) {
	f.StringVar(&o.ModelConfig, "model-config", "", "YAML or JSON `FILE` of the model's configuration, for a checkpoint without one")
	addDeviceFlags(f)
	f.Int("threads", 0, "processor threads, 0 for all")
	addISAFlag(f, &o.ISA)
	addEnsembleFlag(f, &o.Ensemble)
	config.AddSetFlag(f)
}

// addEffortFlags defines the flags that limit how much is computed at a time.
func (o *measuring) addEffortFlags(f *pflag.FlagSet) {
	f.IntVar(&o.Jobs, "jobs", 1, "measure `N` images at a time, which share the threads")
	f.String("max-memory", "", "use at most this much memory for them, such as 8GB (default most of what is free)")
}

// begin parses the flags that are not plain values.
func (o *measuring) begin(cmd *cobra.Command) (err error) {
	o.ctx, o.out, o.errOut = cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	f := cmd.Flags()
	switch {
	case f.Changed("jobs") && o.Jobs < 1:
		return usage("--jobs %d: give the number of images to measure at a time, such as 4", o.Jobs)
	case f.Changed("limit") && o.Limit < 1:
		return usage("--limit %d: give the number of images to measure of each part, such as 5", o.Limit)
	case o.Resume && o.Results == "":
		return usage("--resume does nothing without --results")
	}
	if f.Lookup("model") != nil {
		if err := modelOfEnvironment(f.Changed, &o.Model, false); err != nil {
			return err
		}
	}
	if limit := f.Lookup("max-memory"); limit != nil {
		if o.MaxMemory, err = parseMemory(limit.Value.String()); err != nil {
			return err
		}
	}
	if err := checkISA(o.ISA); err != nil {
		return err
	}
	if o.config, err = config.LoadUntrained(f); err != nil {
		return usageError{err} // from flags and variables, not from a file
	}
	return nil
}

// catalog returns the benchmarks that can be named; the data folder must be set.
func (o *measuring) catalog() (*dataset.Catalog, error) {
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

// benchmarks returns the benchmarks that the user named.
func (o *measuring) benchmarks() ([]*dataset.Benchmark, error) {
	if o.Benchmark == "" {
		return nil, usage("name what to measure with --benchmark, such as --benchmark cbsd68")
	}
	c, err := o.catalog()
	if err != nil {
		return nil, err
	}
	return c.Resolve(o.Benchmark)
}

// measure runs a model with the settings and those of e. fits, if set, refuses
// unsuitable networks.
func (o *measuring) measure(name string, e eval.Options, fits func(arch.Config) error) (*eval.Report, error) {
	memory, err := memoryLimit(o.MaxMemory, 0.75) // before the weights are loaded, as the limit includes them
	if err != nil {
		return nil, err
	}
	c, err := o.open(name)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if o.MaxMemory == 0 && !strings.HasPrefix(c.Device, "cpu") {
		memory = 0 // a GPU's own memory, unknown to the system; the GPU reports when it runs out
	}
	if fits != nil {
		if err := fits(c.Networks[0].Model.Config); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	o.network = c.Networks[0].Model.Config
	o.set(&e, memory)
	e.Subject = eval.Subject{Model: name, Weights: eval.Fingerprint(c.Networks[0].Model), Ensemble: o.Ensemble, Device: c.Device}
	return o.evaluate(e, func(e eval.Options) (*eval.Report, error) { return eval.Run(o.ctx, c.Networks, e) })
}

// set fills in the settings from the flags.
func (o *measuring) set(e *eval.Options, memory int64) {
	e.Root, e.Names, e.Protocol, e.MaxMemory = o.config.Data, o.Benchmark, eval.ProtocolOf(o.config.Eval), memory
	e.Limit, e.Resume, e.Overwrite = o.Limit, o.Resume, o.Overwrite
}

// evaluate calls run and shows its progress.
func (o *measuring) evaluate(e eval.Options, run func(eval.Options) (*eval.Report, error)) (*eval.Report, error) {
	bar := progress.New(o.errOut, "")
	done, of, last := 0, 0, ""
	e.Image = func(r eval.ImageResult, n, all int) {
		done, of = n, all
		last = fmt.Sprintf(", %s %s %.2f dB", r.Benchmark, r.Split, r.Output.PSNR)
		if r.Err != "" {
			last = fmt.Sprintf(", %s %s failed", r.Benchmark, r.Image)
		}
	}
	e.Progress = func(done float64, of int) {
		bar.SetShare(done/float64(of), fmt.Sprintf("%d of %d images%s", int(done), of, last))
	}
	report, err := run(e)
	bar.Clear()
	if o.ctx.Err() != nil && e.Results != "" && done > 0 {
		fmt.Fprintf(o.errOut, "clusir: %d of %d images are in %s: continue with --resume\n", done, of, e.Results)
	}
	return report, err
}

// resultsOf returns the results file for one of several networks, in the folder that
// --results names.
func (o *measuring) resultsOf(name string) (string, error) {
	if o.Results == "" {
		return "", nil
	}
	safe := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|[], `, r) {
			return '-'
		}
		return r
	}, name)
	return filepath.Join(o.Results, safe+".jsonl"), os.MkdirAll(o.Results, 0o755)
}

// open loads one copy of a model for each image that is measured at a time.
func (o *measuring) open(name string) (*infer.Copies, error) {
	options := deviceOptions(o.config, o.ISA, o.errOut)
	if o.Jobs > 1 {
		if options.Threads == 0 {
			options.Threads = runtime.GOMAXPROCS(0)
		}
		options.Threads = max(options.Threads/o.Jobs, 1)
	}
	return infer.LoadCopies(max(o.Jobs, 1), infer.Source{Model: name, Config: o.ModelConfig, Ensemble: o.Ensemble},
		func() (kernels.Backend, string, error) { return device.Open(options) })
}
