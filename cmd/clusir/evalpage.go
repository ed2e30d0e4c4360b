package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/pflag"

	"clusir/internal/draw"
	"clusir/internal/eval"
	"clusir/internal/metrics"
	"clusir/internal/model"
	"clusir/internal/report"
	"clusir/internal/train"
)

// pageOptions are those of `clusir eval --report`.
type pageOptions struct {
	Page        string
	TrainingLog string

	curves []draw.Lines
	// What a run hands to the page, and of which images.
	gallery *report.Gallery
	pixels  func(r eval.ImageResult, input, output, clean metrics.Planes)
	only    map[int]bool
	network model.Config // of the run
}

func (o *pageOptions) addPageFlags(f *pflag.FlagSet) {
	f.StringVar(&o.Page, "report", "", "write a page of HTML to `FILE`")
	f.StringVar(&o.TrainingLog, "training-log", "", "show the curves of a run's log.jsonl, `FILE`, in the report")
}

// completePage checks what would be a pity to notice after all images are done.
func (o *evalOptions) completePage() error {
	switch {
	case o.Page == "" && o.TrainingLog != "":
		return usage("--training-log is for a report: name it with --report")
	case o.Page == "":
		return nil
	case o.Table != 0 || o.Compare != nil || o.Figures != nil:
		return usage("--report is of one network on benchmarks: leave out --table, --compare and --figure")
	}
	if dir, err := os.Stat(filepath.Dir(o.Page)); err != nil {
		return fmt.Errorf("--report %s: %w", o.Page, err)
	} else if !dir.IsDir() {
		return fmt.Errorf("--report %s: %s is no folder", o.Page, filepath.Dir(o.Page))
	}
	if o.TrainingLog != "" {
		entries, err := train.ReadLog(o.TrainingLog)
		if err != nil {
			return err
		}
		o.curves = train.Courses(entries)
	}
	if o.Merge == nil {
		o.gallery = report.NewGallery()
		o.pixels = o.gallery.AddThumb
	}
	return nil
}

// writePage writes the report. The few images that it shows large are restored
// once more: which they are is known only now, and a run that was resumed never
// saw most of them.
func (o *evalOptions) writePage(r *eval.Report) error {
	page := report.Page{Eval: r, Gallery: o.gallery, Curves: o.curves, Facts: machine()}
	if o.Merge == nil {
		o.only = report.Shown(r)
		o.gallery.Expect(len(o.only))
		o.pixels = o.gallery.AddLarge
		benchmarks, err := o.benchmarks(o.Benchmark)
		if err != nil {
			return err
		}
		if len(o.only) > 0 {
			if _, err := o.measure(o.Model, "", benchmarks, nil); err != nil {
				return err
			}
		}
		page.Config = o.network
	}
	return page.Save(o.Page)
}

// machine is what the numbers of time depend on.
func machine() []report.Fact {
	return []report.Fact{
		{Name: "Machine", Value: fmt.Sprintf("%s/%s, %d processors", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())},
		{Name: "Program", Value: fmt.Sprintf("clusir %s, %s", version, runtime.Version())},
		{Name: "Date", Value: time.Now().Format("2 January 2006")},
	}
}
