package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"clusir/internal/eval"
)

// parseRestored parses [NAME=]DIR[,NAME=DIR...]: other programs' pictures, named after
// their folders by default. A folder's own name may contain = and commas.
func parseRestored(text string) (all []eval.Subject, err error) {
	if isFolder(text) {
		return []eval.Subject{restoredSubject(text)}, nil
	}
	names := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		s := restoredSubject(part)
		switch key := strings.ToLower(s.Model); {
		case s.Restored == "" || s.Model == "":
			return nil, usage("--restored %s: write it as DIR, or as NAME=DIR separated by commas", text)
		case names[key]:
			return nil, usage("--restored %s: two are called %s: distinguish them with NAME=DIR", text, s.Model)
		default:
			names[key] = true
		}
		all = append(all, s)
	}
	return all, nil
}

// restoredSubject parses NAME=DIR or DIR.
func restoredSubject(text string) eval.Subject {
	if name, dir, ok := strings.Cut(text, "="); ok && !isFolder(text) {
		return eval.Subject{Model: name, Restored: dir}
	}
	s := eval.Subject{Restored: text}
	if abs, err := filepath.Abs(text); err == nil && text != "" {
		s.Model = filepath.Base(abs)
	}
	return s
}

// isRestored reports whether text names a folder of pictures, as DIR or NAME=DIR.
func isRestored(text string) bool { return text != "" && isFolder(restoredSubject(text).Restored) }

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// completeRestored parses --restored.
func (o *evalOptions) completeRestored(f *pflag.FlagSet, text string) (err error) {
	if o.Restored, err = parseRestored(text); err != nil {
		return err
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
func (o *evalOptions) rankRestored() error {
	benchmarks, err := o.benchmarks()
	if err != nil {
		return err
	}
	var reports []*eval.Report
	for _, s := range o.Restored {
		results, err := o.resultsOf(s.Model)
		if err != nil {
			return err
		}
		r, err := o.measureRestored(s, eval.Options{Benchmarks: benchmarks, Results: results})
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	return o.rank(o.out, reports, 0)
}

// measureRestored measures another program's pictures with the settings and those of e.
func (o *measuring) measureRestored(s eval.Subject, e eval.Options) (*eval.Report, error) {
	memory, err := memoryLimit(o.MaxMemory, 0.75)
	if err != nil {
		return nil, err
	}
	o.set(&e, memory)
	e.Subject = s
	return o.evaluate(e, func(e eval.Options) (*eval.Report, error) { return eval.RunRestored(o.ctx, max(o.Jobs, 1), e) })
}

// rank prints the ranking of several methods.
func (o *output) rank(w io.Writer, reports []*eval.Report, seed uint64) error {
	k, err := eval.Rank(reports, seed)
	if err == nil {
		err = o.write(w, k, k.Table)
	}
	errs := []error{err}
	for _, r := range reports {
		if err := r.Failed(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Model, err))
		}
	}
	return errors.Join(errs...)
}
