package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/eval"
	"clusir/internal/report"
	"clusir/internal/shard"
	"clusir/internal/usage"
)

type evalOptions struct {
	measuring
	reporting
	Shard    shard.Shard
	Save     string
	Restored []eval.Subject // other programs' pictures, instead of a network's
}

func newEvalCmd(runF func(*evalOptions) error) *cobra.Command {
	opts := &evalOptions{}
	cmd := &cobra.Command{
		SuggestFor: []string{"evaluate", "measure"},
		Use:        "eval --benchmark NAME[,NAME]",
		Short:      "Measure a network, or another program's pictures, on benchmarks",
		Long: `Measure a network on benchmarks with the protocol that is usual in the field, and
print the paper's numbers next to the results. The benchmarks are cbsd68, kodak24,
urban100, sots, rain100l, gopro, lol, cdd11 and clean (photographs that need nothing),
the groups three-task, five-task, denoise and composite, and those of a file of your own
(--benchmark-file). An image that cannot be measured becomes a row with an error; the
exit code is then 1.

--results writes a line of JSON for each image as soon as it is measured. --resume
continues a run that was interrupted. To divide a run among machines, give each one
a --shard, such as 1/4 to 4/4; clusir merge combines the files.

--save writes the restored images as 8-bit PNG, with the names that they have in the
benchmark, into a folder for each part of it. --report writes an HTML page with all
of this, the pictures of the best, the median and the worst images, and the curves
of --training-log.

--restored measures pictures that another program wrote, instead of a network: DIR
has a folder for each part of a benchmark, such as cbsd68-25, with pictures named like
the images, in any format, of 8 or 16 bits. (The pictures of a single part may also be
in DIR itself.) clusir degrade writes the pictures for such a program to restore.
Several programs, as DIR,NAME=DIR, are ranked.

See also clusir compare, table, merge and figure.`,
		Example: `  clusir eval --benchmark cbsd68 --data data
  clusir eval --benchmark five-task --data data --model runs/five-task/best.safetensors --json
  clusir eval --benchmark gopro --data data --results gopro-3.jsonl --shard 3/16
  clusir eval --benchmark five-task --data data --routing
  clusir eval --benchmark lol --data data --save restored
  clusir eval --benchmark five-task --data data --report report.html
  clusir eval --benchmark cbsd68 --data data --restored DnCNN=out/dncnn,BM3D=out/bm3d`,
		Args: usage.NoArguments("name benchmarks with --benchmark"),
		RunE: runs(opts, runF),
	}
	usage.AddFlags(cmd, "", func(f *pflag.FlagSet) {
		f.StringVar(&opts.Results, "results", "", "write each image's result to `FILE`, one line of JSON each")
		f.BoolVar(&opts.Resume, "resume", false, "continue the file of --results")
		f.TextVar(&opts.Shard, "shard", opts.Shard, "measure the `K/N`-th part of the images, such as 3/16")
		f.String("restored", "", "measure the pictures of other programs in `DIR[,NAME=DIR...]` instead of a network")
		f.StringVar(&opts.Save, "save", "", "write the restored images into the folder `DIR`")
		opts.addFlags(f)
		f.BoolVar(&opts.Overwrite, "overwrite", false, "replace the files of --save and --report that exist")
	})
	usage.AddFlags(cmd, "Pictures", opts.addBenchmarkFlags, opts.addProtocolFlags)
	usage.AddFlags(cmd, networkGroup, opts.addModelFlag, opts.addNetworkFlags, opts.addEffortFlags)
	return cmd
}

// complete parses the flags that are not plain values.
func (o *evalOptions) complete(cmd *cobra.Command, _ []string) (err error) {
	f := cmd.Flags()
	if o.Shard.N > 0 && o.Results == "" {
		return usage.Errorf("--shard does nothing without --results")
	}
	if err := o.reporting.complete(f, o.Overwrite); err != nil {
		return err
	}
	if f.Changed("restored") {
		if err := o.completeRestored(f, f.Lookup("restored").Value.String()); err != nil {
			return err
		}
	}
	return o.begin(f)
}

func (o *evalOptions) run() (err error) {
	r := o.runner()
	r.Shard, r.Results, r.Save = o.Shard, o.Results, o.Save
	if r.Benchmarks, err = o.benchmarks(); err != nil {
		return err
	}
	if len(o.Restored) > 1 {
		return o.rankRestored(r)
	}
	subject := eval.Subject{Model: o.Model}
	if len(o.Restored) > 0 {
		subject = o.Restored[0]
	}
	first := r.Options
	gallery := report.NewGallery()
	if o.Page != "" {
		first.Pixels = gallery.AddThumb
	}
	results, err := r.Measure(o.ctx, subject, first)
	if err != nil {
		return err
	}
	return o.show(o.out, results, func() error {
		if err := gallery.AddShown(o.ctx, results, r, report.Source{Subject: subject}); err != nil {
			return err
		}
		page := o.pageOf(results)
		if page.Gallery = gallery; subject.Restored == "" {
			page.Config = r.Config
		}
		return page.Save(o.Page)
	})
}

func (o *evalOptions) completeRestored(f *pflag.FlagSet, text string) (err error) {
	if o.Restored, err = eval.ParseRestored(text); err != nil {
		return usage.Of(err)
	}
	several := len(o.Restored) > 1
	switch {
	case o.Save != "":
		return usage.Errorf("--save writes what a network restores, and --restored measures other programs' pictures: leave one out")
	case o.Routing:
		return usage.Errorf("--routing is of a network, and --restored measures other programs' pictures: leave one out")
	case several && (o.Page != "" || o.Images || o.Shard.N > 0):
		return usage.Errorf("--report, --images and --shard are for one program's pictures: name one folder with --restored")
	}
	f.Visit(func(flag *pflag.Flag) {
		ofNetwork := usage.Group(flag) == networkGroup && flag.Name != "jobs" && flag.Name != "max-memory"
		if ofNetwork && err == nil {
			err = usage.Errorf("--%s is of a network, and --restored measures other programs' pictures: leave one out", flag.Name)
		}
	})
	return err
}

// rankRestored measures several programs' pictures and ranks them.
func (o *evalOptions) rankRestored(r *eval.Runner) error {
	r.Folder, r.Results = r.Results, ""
	var sides []eval.Side
	for _, s := range o.Restored {
		sides = append(sides, eval.Side{Name: s.Model, Subject: s})
	}
	reports, err := r.Sides(o.ctx, sides)
	if err != nil {
		return err
	}
	return eval.WriteRanking(o.out, o.Format, reports, 0)
}
