package main

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"clusir/internal/eval"
)

// completeRestored parses --restored.
func (o *evalOptions) completeRestored(f *pflag.FlagSet, text string) (err error) {
	if o.Restored, err = eval.ParseRestored(text); err != nil {
		return usageError{err}
	}
	several := len(o.Restored) > 1
	switch {
	case o.Save != "":
		return usage("--save writes what a network restores, and --restored measures other programs' pictures: leave one out")
	case o.Routing:
		return usage("--routing is of a network, and --restored measures other programs' pictures: leave one out")
	case several && (o.Page != "" || o.Images || o.Shard.N > 0):
		return usage("--report, --images and --shard are for one program's pictures: name one folder with --restored")
	}
	f.Visit(func(flag *pflag.Flag) {
		ofNetwork := strings.Join(flag.Annotations[groupKey], "") == networkGroup && flag.Name != "jobs" && flag.Name != "max-memory"
		if ofNetwork && err == nil {
			err = usage("--%s is of a network, and --restored measures other programs' pictures: leave one out", flag.Name)
		}
	})
	return err
}

// rankRestored measures several programs' pictures and ranks them.
func (o *evalOptions) rankRestored(r *eval.Runner) error {
	r.Folder, r.Results = r.Results, ""
	var reports []*eval.Report
	for _, s := range o.Restored {
		report, err := r.MeasureAs(o.ctx, s.Model, s)
		if err != nil {
			return err
		}
		reports = append(reports, report)
	}
	return o.rank(o.out, reports, 0)
}

// rank prints the ranking of several methods.
func (o *output) rank(w io.Writer, reports []*eval.Report, seed uint64) error {
	k, err := eval.Rank(reports, seed)
	if err == nil {
		err = o.write(w, k, k.Table)
	}
	return errors.Join(err, eval.Failed(reports))
}
