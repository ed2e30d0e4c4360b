package main

import (
	"github.com/spf13/pflag"

	"clusir/internal/eval"
	"clusir/internal/usage"
)

// completeRestored parses --restored.
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
	return o.rank(o.out, reports, 0)
}
