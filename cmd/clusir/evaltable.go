package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/infer"
	"clusir/internal/model"
	"clusir/internal/tabular"
)

// tableRun is what a table of the paper needs.
type tableRun struct {
	o       *evalOptions
	table   *eval.PaperTable
	catalog *dataset.Catalog
	ours    []eval.Ours
	reports map[string]*eval.Report // by the rows' names
	missing []string
	failed  []error
}

func (o *evalOptions) runTable() error {
	table, err := eval.Paper(o.Table)
	if err != nil {
		return err
	}
	t := &tableRun{o: o, table: table, reports: map[string]*eval.Report{}}
	if t.catalog, err = o.catalog(); err != nil && !o.onlyResults() {
		return err
	}
	if err := t.collect(); err != nil {
		return err
	}
	out := table.Beside(t.ours)
	for _, m := range t.missing {
		out.Remarks = append(out.Remarks, "missing: "+m)
	}
	if err := t.write(out); err != nil {
		return err
	}
	if len(t.ours) == 0 {
		return fmt.Errorf("no row of table %d could be measured: %s", o.Table, t.missing[0])
	}
	return errors.Join(t.failed...)
}

func (t *tableRun) write(out *tabular.Table) error {
	if t.o.Format != "json" {
		return out.Write(t.o.out, t.o.Format)
	}
	return json.NewEncoder(t.o.out).Encode(struct {
		Table   *tabular.Table          `json:"table"`
		Reports map[string]*eval.Report `json:"reports"`
	}{out, t.reports})
}

// onlyResults tells that no image needs to be read.
func (o *evalOptions) onlyResults() bool {
	for _, r := range o.Rows {
		if !eval.IsResults(r.Files[0]) {
			return false
		}
	}
	return len(o.Rows) > 0
}

// collect measures the rows of the paper that there are networks for, those that
// the user adds, and if that is none, where any network makes a row, nano.
func (t *tableRun) collect() error {
	named := map[string]bool{}
	for _, r := range t.o.Rows {
		p, ok := t.table.Find(r.Name)
		if !ok {
			p = eval.PaperRow{Name: r.Name}
		}
		named[strings.ToLower(r.Name)] = true
		if err := t.add(p, r.Files); err != nil {
			return err
		}
	}
	for _, p := range t.table.Rows {
		if named[strings.ToLower(p.Name)] {
			continue
		}
		file := t.find(p)
		if file == "" {
			t.miss(p)
			continue
		}
		if err := t.add(p, []string{file}); err != nil {
			return err
		}
	}
	name := t.o.Model
	if name == "" && t.table.One && len(t.ours) == 0 && len(t.o.Rows) == 0 {
		name = defaultModel
	}
	if name == "" {
		return nil
	}
	return t.add(eval.PaperRow{Name: name}, []string{name})
}

// find is the best checkpoint of the run that trained a row, "" if there is none.
func (t *tableRun) find(p eval.PaperRow) string {
	for _, c := range p.Configs {
		file := filepath.Join(t.o.Runs, c, "best.safetensors")
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

func (t *tableRun) miss(p eval.PaperRow) {
	t.missing = append(t.missing, fmt.Sprintf("row %s: there is no %s; train it with 'clusir train --config %s', or name a checkpoint with --row '%s=FILE'",
		p.Name, filepath.Join(t.o.Runs, p.Configs[0], "best.safetensors"), p.Configs[0], p.Name))
}

// add measures a row, or reads its results.
func (t *tableRun) add(p eval.PaperRow, files []string) error {
	r, err := t.report(p, files)
	if errors.Is(err, eval.ErrNothing) {
		t.missing = append(t.missing, fmt.Sprintf("row %s: %v", p.Name, err))
		return nil
	} else if err != nil {
		return err
	}
	t.reports[p.Name] = r
	t.ours = append(t.ours, eval.Ours{Name: p.Title(), Keys: p.Keys, Report: r})
	if err := r.Failed(); err != nil {
		t.failed = append(t.failed, fmt.Errorf("row %s: %w", p.Name, err))
	}
	return nil
}

func (t *tableRun) report(p eval.PaperRow, files []string) (*eval.Report, error) {
	switch {
	case eval.IsResults(files[0]):
		return eval.Merge(files...)
	case len(files) > 1:
		return nil, usage("--row %s: one checkpoint, or results files; %s is none", p.Name, files[0])
	}
	benchmarks, err := t.table.Benchmarks(t.catalog, p)
	if err != nil {
		return nil, err
	}
	results, err := t.o.resultsOf(p.Name)
	if err != nil {
		return nil, err
	}
	return t.o.measure(files[0], results, benchmarks, p.Check)
}

// resultsOf is the file for the results of one of several networks, in the
// folder that --results names.
func (o *evalOptions) resultsOf(name string) (string, error) {
	if o.Results == "" {
		return "", nil
	}
	safe := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|[], `, r) {
			return '-'
		}
		return r
	}, name)
	return filepath.Join(o.Results, safe+".jsonl"), os.MkdirAll(o.Results, 0o755)
}

// runSizes prints Table 7, which counts.
func (o *evalOptions) runSizes() error {
	var more []eval.Network
	add := func(name, file string) error {
		c, err := configOf(file)
		more = append(more, eval.Network{Name: name, Config: c})
		return err
	}
	for _, r := range o.Rows {
		if err := add(r.Name, r.Files[0]); err != nil {
			return err
		}
	}
	if o.Model != "" {
		if err := add(o.Model, o.Model); err != nil {
			return err
		}
	}
	t, err := eval.Sizes(more)
	if err != nil {
		return err
	}
	return t.Write(o.out, o.Format)
}

// configOf is a model's configuration.
func configOf(name string) (model.Config, error) {
	return infer.Source{Model: name}.ReadConfig()
}
