package main

import (
	"cmp"
	"path/filepath"
	"runtime"

	"github.com/spf13/pflag"

	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/device"
	"clusir/internal/eval"
	"clusir/internal/kernels"
	"clusir/internal/usage"
)

// measuring is the common part of the commands that run networks on benchmarks.
type measuring struct {
	network

	Benchmark string
	File      string
	Jobs      int
	Limit     int
	Results   string
	Resume    bool
	Overwrite bool
}

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

// addNetworkFlags defines the flags about networks and computing devices.
func (o *measuring) addNetworkFlags(f *pflag.FlagSet) {
	o.addComputeFlags(f)
	o.Ensemble.AddFlag(f)
	config.AddSetFlag(f)
}

// addEffortFlags defines the flags that limit how much is computed at a time.
func (o *measuring) addEffortFlags(f *pflag.FlagSet) {
	f.IntVar(&o.Jobs, "jobs", 1, "measure `N` images at a time, which share the threads")
	usage.Bytes(f, &o.MaxMemory, "max-memory", "", "use at most this much memory for them, such as 8GB (default most of what is free)")
}

// maxJobs is more than any machine gains from: each loads a network of its own.
const maxJobs = 256

func (o *measuring) begin(f *pflag.FlagSet) error {
	switch {
	case f.Changed("jobs") && (o.Jobs < 1 || o.Jobs > maxJobs):
		return usage.Errorf("--jobs %d: give the number of images to measure at a time, such as 4; at most %d", o.Jobs, maxJobs)
	case f.Changed("limit") && o.Limit < 1:
		return usage.Errorf("--limit %d: give the number of images to measure of each part, such as 5", o.Limit)
	case o.Results != "" && f.Lookup("report") != nil && filepath.Clean(o.Results) == filepath.Clean(f.Lookup("report").Value.String()):
		return usage.Errorf("--results and --report name one file: name two")
	case o.Resume && o.Results == "":
		return usage.Errorf("--resume does nothing without --results")
	}
	return o.network.begin(f)
}

func (o *measuring) benchmarks() ([]*dataset.Benchmark, error) {
	if o.Benchmark == "" {
		return nil, usage.Errorf("name what to measure with --benchmark, such as --benchmark cbsd68")
	}
	c, err := eval.Catalog(o.config, o.File)
	if err != nil {
		return nil, err
	}
	found, err := c.Resolve(o.Benchmark)
	return found, usage.Of(err)
}

func (o *measuring) runner() *eval.Runner {
	on := o.device()
	if o.Jobs > 1 { // they share the threads
		on.Threads = max(cmp.Or(on.Threads, runtime.GOMAXPROCS(0))/o.Jobs, 1)
	}
	return &eval.Runner{
		Options: eval.Options{
			Root: o.config.Data, Names: o.Benchmark, Protocol: eval.ProtocolOf(o.config.Eval), MaxMemory: o.MaxMemory,
			Limit: o.Limit, Resume: o.Resume, Overwrite: o.Overwrite,
		},
		Jobs: o.Jobs, Network: o.source(""), Messages: o.errOut,
		Open: func() (kernels.Backend, string, error) { return device.Open(on) },
	}
}
