package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"clusir/internal/figures"
)

// figureOptions are those of `clusir eval --figure`.
type figureOptions struct {
	Figures []string
	Out     string
	Samples int
	Image   string
}

func (o *figureOptions) addFigureFlags(f *pflag.FlagSet) {
	f.String("figure", "", "draw figures of the `NAMES` below, with commas between, or all")
	f.StringVar(&o.Out, "out", "", "put figures into the folder `DIR`")
	f.IntVar(&o.Samples, "samples", 60, "figures of many pictures take up to `N` of each benchmark")
	f.StringVar(&o.Image, "image", "", "figures of single pictures take those of this `NAME`, without its ending (default each benchmark's first)")
}

// figureHelp lists the figures.
func figureHelp() string {
	var lines strings.Builder
	for _, name := range figures.Names() {
		fmt.Fprintf(&lines, "  %-11s %s\n", name, figures.About(name))
	}
	return lines.String()
}

// completeFigure reads --figure and checks what goes with it.
func (o *evalOptions) completeFigure(f *pflag.FlagSet, args []string) error {
	for _, other := range []string{"results", "shard", "merge", "compare", "table", "format", "json", "images", "jobs"} {
		if f.Changed(other) {
			return usage("--figure measures nothing: leave out --%s", other)
		}
	}
	text := f.Lookup("figure").Value.String()
	o.Figures = strings.Split(text, ",")
	if text == "all" {
		o.Figures = figures.Names()
	}
	pictures, err := figures.NeedsPictures(o.Figures)
	switch {
	case err != nil:
		return usageError{err}
	case len(args) > 0:
		return usage("unknown argument %q: name several figures with commas between", args[0])
	case o.Out == "":
		return usage("--figure %s: name the folder for its files with --out", text)
	case pictures && o.Benchmark == "":
		return usage("--figure %s: name the pictures with --benchmark, such as --benchmark five-task", text)
	case o.Samples < 1:
		return usage("--samples %d: give the number of pictures to take of each benchmark, such as 60", o.Samples)
	}
	return nil
}

// runFigures draws what --figure names and prints the files' paths.
func runFigures(o *evalOptions) error {
	r := figures.Request{Name: o.Model, Seed: o.config.Eval.Seed, Samples: o.Samples, Image: o.Image, Dir: o.Out}
	if o.Benchmark != "" {
		benchmarks, err := o.benchmarks(o.Benchmark)
		if err != nil {
			return err
		}
		for _, b := range benchmarks {
			splits, err := b.Open(o.config.Data)
			if err != nil {
				return err
			}
			r.Splits = append(r.Splits, splits...)
		}
	}
	nets, err := o.open(o.Model)
	if err != nil {
		return err
	}
	defer nets.close()
	r.Net = nets.nets[0]
	for _, name := range o.Figures {
		bar := &countBar{w: progressTo(o.errOut), text: name}
		r.Progress = bar.set
		paths, err := figures.Draw(o.ctx, name, r)
		for _, p := range paths {
			fmt.Fprintln(o.out, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
