package eval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"clusir/internal/dataset"
	"clusir/internal/tabular"
	"clusir/internal/usage"
)

// RowSources says where our rows in a table come from.
type RowSources struct {
	// Rows are the user's: for a row of the paper, or with their own name.
	Rows []Side
	// Runs is the folder of training runs to search for the other rows.
	Runs string
	// Model, if set, makes a row of its own; Default does if there is no other and the
	// table accepts any network.
	Model, Default string
	Catalog        *dataset.Catalog
	// Runner measures the checkpoints and the folders of pictures.
	Runner *Runner
}

// Filled is a table that includes our rows.
type Filled struct {
	Table   *tabular.Table     `json:"table"`
	Reports map[string]*Report `json:"reports"` // by the rows' names

	paper   *PaperTable
	sources RowSources
	ours    []Ours
	missing []string
	failed  []error
}

// Fill measures the paper's rows for which there are networks and those that the user
// adds; if there are none and the table accepts any network, it measures the default.
func (t *PaperTable) Fill(ctx context.Context, s RowSources) (*Filled, error) {
	names := map[string]bool{strings.ToLower(s.Model): s.Model != ""}
	for _, r := range s.Rows {
		lower := strings.ToLower(r.Name)
		if names[lower] {
			return nil, usage.Errorf("two rows are called %s: give one of them another name", r.Name)
		}
		names[lower] = true
	}
	f := &Filled{paper: t, sources: s, Reports: map[string]*Report{}}
	if err := f.collect(ctx); err != nil {
		return nil, err
	}
	f.Table = t.beside(f.ours)
	f.Table.Remarks = append(f.Table.Remarks, prefixed("missing: ", f.missing)...)
	return f, nil
}

// Write prints the table in one of tabular's formats or as JSON, with the reports.
func (f *Filled) Write(w io.Writer, format string) error {
	return tabular.Write(w, format, f, func() *tabular.Table { return f.Table })
}

// Failed returns an error if there is no row of ours, or one lacks images.
func (f *Filled) Failed() error {
	if len(f.ours) == 0 {
		return fmt.Errorf("no row of table %d could be measured: %s", f.paper.Number, f.missing[0])
	}
	return errors.Join(f.failed...)
}

func (f *Filled) collect(ctx context.Context) error {
	named := map[string]bool{}
	for _, r := range f.sources.Rows {
		p, ok := f.paper.find(r.Name)
		if !ok {
			p = PaperRow{Name: r.Name}
		}
		named[strings.ToLower(r.Name)], r.Name = true, p.Name
		if err := f.add(ctx, p, r); err != nil {
			return err
		}
	}
	for _, p := range f.paper.Rows {
		if named[strings.ToLower(p.Name)] {
			continue
		}
		file := f.sources.find(p)
		if file == "" {
			f.missing = append(f.missing, fmt.Sprintf("row %s: there is no %s; train it with 'clusir train --config %s', or name a checkpoint with --row '%s=FILE'",
				p.Name, f.sources.best(p.Configs[0]), p.Configs[0], p.Name))
			continue
		}
		if err := f.add(ctx, p, Side{Name: p.Name, Subject: Subject{Model: file}}); err != nil {
			return err
		}
	}
	name := f.sources.Model
	if name == "" && f.paper.One && len(f.ours) == 0 && len(f.sources.Rows) == 0 {
		name = f.sources.Default
	}
	if name == "" {
		return nil
	}
	return f.add(ctx, PaperRow{Name: name}, Side{Name: name, Subject: Subject{Model: name}})
}

// find returns the best checkpoint of the run that trained a row, "" if there is none.
func (s RowSources) find(p PaperRow) string {
	for _, c := range p.Configs {
		if file := s.best(c); exists(file) {
			return file
		}
	}
	return ""
}

// best returns the best checkpoint of a configuration's run.
func (s RowSources) best(config string) string {
	return filepath.Join(s.Runs, config, "best.safetensors")
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// add measures a row, or reads its results.
func (f *Filled) add(ctx context.Context, p PaperRow, s Side) error {
	benchmarks, err := f.paper.benchmarks(f.sources.Catalog, p)
	if err != nil {
		return err
	}
	r, err := f.sources.Runner.side(ctx, s, benchmarks, p.check)
	if errors.Is(err, errNothing) {
		f.missing = append(f.missing, fmt.Sprintf("row %s: %v", p.Name, err))
		return nil
	} else if err != nil {
		return err
	}
	f.Reports[p.Name] = r
	f.ours = append(f.ours, Ours{Name: p.title(), Keys: p.Keys, Report: r})
	if err := r.Failed(); err != nil {
		f.failed = append(f.failed, fmt.Errorf("row %s: %w", p.Name, err))
	}
	return nil
}
