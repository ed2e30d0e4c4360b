package main

import (
	"errors"
	"io"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/pflag"

	"clusir/internal/draw"
	"clusir/internal/eval"
	"clusir/internal/report"
	"clusir/internal/tabular"
	"clusir/internal/train"
	"clusir/internal/usage"
)

// output selects the format of results.
type output struct {
	Format string
	Images bool
}

func (o *output) addFlags(f *pflag.FlagSet) {
	usage.OneOf(f, &o.Format, "format", "text", "print "+english.WordSeries(tabular.Formats, "or"), tabular.Formats)
	f.Bool("json", false, "the same as --format json, which holds every image's result")
}

func (o *output) complete(f *pflag.FlagSet) error {
	if f.Changed("json") {
		o.Format = "json"
	}
	return usage.Exclusive(f, [][2]string{{"format", "json"}})
}

// reporting selects how the report of one network is shown.
type reporting struct {
	output
	Routing bool
	pageOptions
}

func (o *reporting) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.Images, "images", false, "list every image instead of the means")
	f.BoolVar(&o.Routing, "routing", false, "print how the images of each task were routed, instead of how well they were restored")
	o.output.addFlags(f)
	o.addPageFlags(f)
	f.StringVar(&o.TrainingLog, "training-log", "", "show the curves of a run's log.jsonl, `FILE`, in the report")
}

func (o *reporting) complete(f *pflag.FlagSet, overwrite bool) error {
	if o.Images && o.Routing {
		return usage.Errorf("--images and --routing cannot be used together: choose one")
	}
	if err := o.output.complete(f); err != nil {
		return err
	}
	return o.completePage(overwrite)
}

// show prints a report, then writes its page with page, so that the measurements are
// not lost if the page cannot be written.
func (o *reporting) show(w io.Writer, r *eval.Report, page func() error) error {
	err := r.Write(w, o.Format, o.Images, o.Routing)
	if o.Page != "" {
		err = errors.Join(err, page())
	}
	return errors.Join(err, r.Failed())
}

type pageOptions struct {
	Page        string
	TrainingLog string

	curves []draw.Lines
}

func (o *pageOptions) addPageFlags(f *pflag.FlagSet) {
	f.StringVar(&o.Page, "report", "", "write a page of HTML to `FILE`")
}

// completePage fails early on what would otherwise surface after the run.
func (o *pageOptions) completePage(overwrite bool) error {
	if o.Page == "" {
		if o.TrainingLog != "" {
			return usage.Errorf("--training-log is for a report: name it with --report")
		}
		return nil
	}
	if err := report.MayWrite(o.Page, overwrite); err != nil {
		return err
	}
	if o.TrainingLog == "" {
		return nil
	}
	entries, err := train.ReadLog(o.TrainingLog)
	o.curves = train.Courses(entries)
	return err
}

// pageOf returns the page with only the results.
func (o *pageOptions) pageOf(r *eval.Report) report.Page {
	return report.Page{Eval: r, Curves: o.curves, Facts: report.Machine(programVersion())}
}
