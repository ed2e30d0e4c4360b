package main

import (
	"github.com/spf13/pflag"

	"clusir/internal/draw"
	"clusir/internal/eval"
	"clusir/internal/report"
	"clusir/internal/train"
	"clusir/internal/usage"
)

// pageOptions are the options of --report.
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
