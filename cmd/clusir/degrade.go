package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

type degradeOptions struct {
	measuring
	Folder string // of clean photographs, instead of benchmarks
	Kind   string
	Sigmas []float64
	Out    string
}

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
` + eval.BenchmarkName + `, which is written with them, defines a benchmark for --benchmark-file.`,
		Example: `  clusir degrade --benchmark cbsd68 --data data --out inputs
  clusir degrade photos --kind noise --sigma 15,25,50 --out inputs
  clusir eval --benchmark cbsd68 --data data --restored DnCNN=outputs`,
		RunE: runs(opts, runF),
	}
	usage.AddFlags(cmd, "", func(f *pflag.FlagSet) {
		f.StringVar(&opts.Out, "out", "", "write the pictures into the folder `DIR`")
		f.StringVar(&opts.Kind, "kind", "", "degrade the photographs of FOLDER by `KIND`")
		f.Float64SliceVar(&opts.Sigmas, "sigma", nil, "`LEVELS` of --kind noise, in units of 1/255, separated by commas")
		f.Lookup("sigma").DefValue = "" // else its help says (default [])
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
	if o.Folder != "" && userfile.Within(o.Out, o.Folder) {
		return usage.Errorf("--out %s is within %s, whose pictures are the clean ones: name a folder outside it", o.Out, o.Folder)
	}
	return o.begin(f)
}

func (o *degradeOptions) run() (err error) {
	var benchmarks []*dataset.Benchmark
	if o.Folder == "" {
		benchmarks, err = o.benchmarks()
	} else {
		benchmarks = make([]*dataset.Benchmark, 1)
		benchmarks[0], err = dataset.FolderBenchmark(o.Folder, o.Kind, o.Sigmas)
	}
	if err != nil {
		return err
	}
	return eval.DegradeTo(o.ctx, eval.Options{
		Root: o.config.Data, Benchmarks: benchmarks, Protocol: eval.ProtocolOf(o.config.Eval), Limit: o.Limit, Save: o.Out, Overwrite: o.Overwrite,
	}, o.Folder != "", o.out, o.errOut)
}
