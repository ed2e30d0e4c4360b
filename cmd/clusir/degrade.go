package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/progress"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

// degradeOptions are the options of `clusir degrade`.
type degradeOptions struct {
	measuring
	Folder string // of clean photographs, instead of benchmarks
	Kind   string
	Sigmas []float64
	Out    string
}

// ownBenchmark is the file that defines a folder's photographs as a benchmark.
const ownBenchmark = "benchmark.yaml"

func newDegradeCmd(runF func(*degradeOptions) error) *cobra.Command {
	opts := &degradeOptions{}
	cmd := &cobra.Command{
		Use:   "degrade --benchmark NAME | degrade FOLDER --kind KIND",
		Short: "Write the degraded pictures of a benchmark, for other programs to restore",
		Long: `Write exactly the pictures that clusir eval gives a network, so that another program
can restore the same ones: as 8-bit PNG, which holds them without loss, noise included,
in a folder for each part of a benchmark. ` + eval.ManifestName + ` has the seed, the formula and
SHA-256 sums. clusir eval --restored measures what the other program made of them.

A folder of clean photographs is degraded by --kind: ` + strings.Join(dataset.MakeableKinds(), ", ") + `.
` + ownBenchmark + `, which is written with them, defines a benchmark for --benchmark-file.`,
		Example: `  clusir degrade --benchmark cbsd68 --data data --out inputs
  clusir degrade photos --kind noise --sigma 15,25,50 --out inputs
  clusir eval --benchmark cbsd68 --data data --restored DnCNN=outputs`,
		RunE: runs(opts, runF),
	}
	usage.AddFlags(cmd, "", func(f *pflag.FlagSet) {
		f.StringVar(&opts.Out, "out", "", "write the pictures into the folder `DIR`")
		f.StringVar(&opts.Kind, "kind", "", "degrade the photographs of FOLDER by `KIND`")
		f.Float64SliceVar(&opts.Sigmas, "sigma", nil, "levels of --kind noise, in units of 1/255, separated by commas")
		f.BoolVar(&opts.Overwrite, "overwrite", false, "replace pictures that exist")
	})
	usage.AddFlags(cmd, "Pictures", opts.addBenchmarkFlags, func(f *pflag.FlagSet) {
		f.IntVar(&opts.Limit, "limit", 0, "write the first `N` pictures of each part only")
	})
	return cmd
}

func (o *degradeOptions) complete(cmd *cobra.Command, args []string) error {
	f := cmd.Flags()
	switch folder := len(args) == 1; {
	case len(args) > 1:
		return usage.Errorf("name one folder: clusir degrade FOLDER --kind KIND --out DIR")
	case folder && f.Changed("benchmark"):
		return usage.Errorf("name a folder or --benchmark, not both")
	case folder && !f.Changed("kind"):
		return usage.Errorf("say how to degrade %s with --kind: %s", args[0], strings.Join(dataset.MakeableKinds(), ", "))
	case folder:
		o.Folder = args[0]
	case o.Benchmark == "":
		return usage.Errorf("name what to degrade: --benchmark NAME, or a folder of photographs and --kind")
	case f.Changed("kind") || f.Changed("sigma"):
		return usage.Errorf("--kind and --sigma are for a folder; a benchmark defines how its pictures are degraded: leave them out")
	}
	if o.Out == "" {
		return usage.Errorf("name the folder for the pictures with --out")
	}
	return o.begin(f)
}

func (o *degradeOptions) run() error {
	benchmarks, err := o.chosen()
	if err != nil {
		return err
	}
	own := filepath.Join(o.Out, ownBenchmark)
	if _, err := os.Lstat(own); o.Folder != "" && !o.Overwrite && err == nil {
		return fmt.Errorf("%s exists: choose another folder, or replace what is there with --overwrite", own)
	}
	bar := progress.New(o.errOut, "images")
	m, err := eval.Degrade(o.ctx, eval.Options{
		Root: o.config.Data, Benchmarks: benchmarks, Protocol: eval.ProtocolOf(o.config.Eval), Limit: o.Limit, Save: o.Out, Overwrite: o.Overwrite,
		Image: func(r eval.ImageResult, done, of int) { bar.Set(done, of, r.Benchmark+" "+r.Split) },
	})
	bar.Clear()
	if err != nil {
		return err
	}
	if o.Folder != "" {
		if err := benchmarks[0].Save(own); err != nil {
			return err
		}
	}
	for _, missing := range m.Missing {
		fmt.Fprintf(o.errOut, "clusir: missing: %s\n", missing)
	}
	return errors.Join(m.WriteText(o.out, o.Out), m.Err())
}

// chosen returns the benchmarks to degrade.
func (o *degradeOptions) chosen() ([]*dataset.Benchmark, error) {
	if o.Folder == "" {
		return o.benchmarks()
	}
	if err := userfile.Folder(o.Folder, "photographs"); err != nil {
		return nil, err
	}
	b, err := dataset.FolderBenchmark(o.Folder, o.Kind, o.Sigmas)
	if err != nil {
		return nil, usage.Of(err)
	}
	return []*dataset.Benchmark{b}, nil
}
