package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/dataset"
	"clusir/internal/figures"
	"clusir/internal/infer"
	"clusir/internal/usage"
)

type figureOptions struct {
	measuring
	Figures []string
	Out     string
	Samples int
	Image   string
	Compare string
}

func newFigureCmd(runF func(*figureOptions) error) *cobra.Command {
	opts := &figureOptions{}
	cmd := &cobra.Command{
		Use:   "figure NAME...",
		Short: "Draw the paper's figures of a network",
		Long: `Draw figures, or all of them, as PNG and SVG into the folder --out:
` + figureHelp(),
		Example: `  clusir figure tsne --benchmark five-task --data data --out figures
  clusir figure crops --compare runs/mine/best.safetensors --benchmark rain100l --data data --out figures`,
		Args:              usage.Arguments(cobra.MinimumNArgs(1), "name the figures: clusir figure NAME..., of "+strings.Join(figures.Names(), ", ")+", or all"),
		ValidArgsFunction: usage.Choose(append(figures.Names(), "all")...).Complete,
		RunE:              runs(opts, runF),
	}
	usage.AddFlags(cmd, "", func(f *pflag.FlagSet) {
		f.StringVar(&opts.Out, "out", "", "put the figures into the folder `DIR`")
		f.BoolVar(&opts.Overwrite, "overwrite", false, "replace figures that exist")
		f.IntVar(&opts.Samples, "samples", 60, "take up to `N` pictures of each benchmark for figures of many pictures")
		f.StringVar(&opts.Image, "image", "", "show the picture `NAME`, without extension, in figures of single pictures (default each benchmark's first)")
		f.StringVar(&opts.Compare, "compare", "", "add a second network's results to the crops: an embedded model or a checkpoint `FILE`")
	})
	usage.AddFlags(cmd, "Pictures", opts.addBenchmarkFlags)
	usage.AddFlags(cmd, networkGroup, opts.addModelFlag, opts.addNetworkFlags)
	return cmd
}

func figureHelp() string {
	var lines strings.Builder
	for _, name := range figures.Names() {
		fmt.Fprintf(&lines, "  %-11s %s\n", name, figures.About(name))
	}
	return lines.String()
}

func (o *figureOptions) complete(cmd *cobra.Command, args []string) error {
	for _, a := range args {
		o.Figures = append(o.Figures, strings.Split(a, ",")...)
	}
	if len(o.Figures) == 1 && o.Figures[0] == "all" {
		o.Figures = figures.Names()
	}
	pictures, err := figures.NeedsPictures(o.Figures)
	switch {
	case err != nil:
		return usage.Of(err)
	case o.Out == "":
		return usage.Errorf("figure %s: name the folder for its files with --out", args[0])
	case pictures && o.Benchmark == "":
		return usage.Errorf("figure %s: name the pictures with --benchmark, such as --benchmark five-task", args[0])
	case o.Samples < 1:
		return usage.Errorf("--samples %d: give the number of pictures to take of each benchmark, such as 60", o.Samples)
	case o.Compare != "" && !slices.Contains(o.Figures, figures.Crops):
		return usage.Errorf("--compare is for the figure crops alone")
	}
	return o.begin(cmd.Flags())
}

// run draws the figures and prints the files' paths.
func (o *figureOptions) run() error {
	r := figures.Request{Name: o.Model, Seed: o.config.Eval.Seed, Samples: o.Samples, Image: o.Image, Dir: o.Out, Overwrite: o.Overwrite}
	if o.Benchmark != "" {
		benchmarks, err := o.benchmarks()
		if err != nil {
			return err
		}
		for _, b := range benchmarks {
			if err := b.Outside(o.Out, o.config.Data); err != nil {
				return err
			}
		}
		if r.Splits, err = dataset.OpenAll(benchmarks, o.config.Data); err != nil {
			return err
		}
	}
	nets, err := infer.LoadCopies(1, 0, o.source(o.Model), o.open)
	if err != nil {
		return err
	}
	defer nets.Close()
	r.Net = nets.Networks[0]
	if o.Compare != "" {
		other, err := infer.LoadCopies(1, 0, o.source(o.Compare), o.open)
		if err != nil {
			return err
		}
		defer other.Close()
		r.Other, r.OtherName = other.Networks[0], o.Compare
	}
	return figures.DrawAll(o.ctx, o.Figures, r, o.out, o.errOut)
}
