package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"clusir/internal/eval"
	"clusir/internal/suggest"
	"clusir/internal/tabular"
	"clusir/internal/userfile"
)

// output selects the format of results.
type output struct {
	Format string
	Images bool
}

func (o *output) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.Format, "format", "text", "print text, markdown, csv, latex or json")
	f.Bool("json", false, "the same as --format json, which holds every image's result")
}

func (o *output) complete(f *pflag.FlagSet) error {
	if f.Changed("json") {
		if f.Changed("format") {
			return usage("--json means --format json: leave one out")
		}
		o.Format = "json"
	}
	if !slices.Contains(tabular.Formats, o.Format) {
		return usage("--format %s: %s", o.Format, suggest.Or(o.Format, tabular.Formats))
	}
	return nil
}

// write prints a value as JSON, or as the table that table returns.
func (o *output) write(w io.Writer, value any, table func() *tabular.Table) error {
	if o.Format == "json" {
		return json.NewEncoder(w).Encode(value)
	}
	return table().Write(w, o.Format)
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
		return usage("--images and --routing cannot be used together: choose one")
	}
	if err := o.output.complete(f); err != nil {
		return err
	}
	return o.completePage(overwrite)
}

// show prints a report, then writes its page with page, so that the measurements are
// not lost if the page cannot be written.
func (o *reporting) show(w io.Writer, r *eval.Report, page func() error) error {
	var err error
	switch {
	case o.Routing:
		err = o.write(w, r.Routing(), r.RoutingTable)
	case o.Images:
		err = o.write(w, r, r.ImageTable)
	default:
		err = o.write(w, r, r.Table)
	}
	if o.Page != "" {
		err = errors.Join(err, page())
	}
	return errors.Join(err, r.Failed())
}

// mayWritePage fails early if the report could not be written at the end.
func mayWritePage(file string, overwrite bool) error {
	if err := userfile.Folder(filepath.Dir(file), "reports"); err != nil {
		return fmt.Errorf("--report %s: %w", file, err)
	}
	info, err := os.Stat(file)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("--report %s: it is a folder, but a file is needed", file)
	case err == nil && !info.Mode().IsRegular():
		return nil // a device takes everything that is written
	}
	return mayWrite(file, overwrite)
}

// parseRows parses NAME=FILE.
func parseRows(texts []string, err error) ([]eval.Row, error) {
	if err != nil {
		return nil, err
	}
	var rows []eval.Row
	for _, text := range texts {
		name, files, ok := strings.Cut(text, "=")
		if !ok || name == "" || files == "" {
			return nil, usage("--row %s: write it as NAME=FILE", text)
		}
		rows = append(rows, eval.Row{Name: name, Files: strings.Split(files, ",")})
	}
	return rows, nil
}
