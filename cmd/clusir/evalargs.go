package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/config"
	"clusir/internal/eval"
	"clusir/internal/tabular"
)

// row is a --row: the files are a checkpoint, or results.
type row struct {
	Name  string
	Files []string
}

// complete reads the arguments and the flags that are not plain values.
func (o *evalOptions) complete(cmd *cobra.Command, args []string) (err error) {
	f := cmd.Flags()
	if err := goTogether(f); err != nil {
		return err
	}
	if err := o.arguments(cmd, args); err != nil {
		return err
	}
	if o.Jobs < 1 {
		return usage("--jobs %d: give the number of images to measure side by side, such as 4", o.Jobs)
	}
	if o.MaxMemory, err = parseMemory(f.Lookup("max-memory").Value.String()); err != nil {
		return err
	}
	if f.Changed("json") {
		if f.Changed("format") {
			return usage("--json is --format json: leave one out")
		}
		o.Format = "json"
	}
	if !slices.Contains(tabular.Formats, o.Format) {
		return usage("--format %s: choose %s", o.Format, strings.Join(tabular.Formats, ", "))
	}
	if o.Rows, err = parseRows(f.GetStringArray("row")); err != nil {
		return err
	}
	if text := f.Lookup("shard").Value.String(); text != "" {
		if o.Shard, err = eval.ParseShard(text); err != nil {
			return usageError{err}
		}
	}
	if !f.Changed("model") && o.Table != 0 {
		o.Model = "" // the table chooses
	}
	if err := o.completePage(); err != nil {
		return err
	}
	o.config, err = config.LoadUntrained(f)
	return err
}

// arguments tells what to do, and that it is one thing.
func (o *evalOptions) arguments(cmd *cobra.Command, args []string) error {
	f := cmd.Flags()
	merge, compare := f.Changed("merge"), f.Changed("compare")
	switch {
	case f.Changed("figure"):
		return o.completeFigure(f, args)
	case merge && len(args) == 0:
		return usage("name the results files to merge: clusir eval --merge FILE...")
	case merge:
		o.Merge = args
	case compare && len(args) != 2:
		return usage("name the two models, or two results files, to compare: clusir eval --compare A B")
	case compare:
		o.Compare = args
	case len(args) > 0:
		return usage("unknown argument %q: name benchmarks with --benchmark, results files with --merge", args[0])
	case f.Changed("table") && (o.Table < 1 || o.Table > 9):
		return usage("--table %d: the paper's are 1 to 9", o.Table)
	case o.Table != 0 && o.Benchmark != "":
		return usage("--table %d says which benchmarks it takes: leave out --benchmark", o.Table)
	case o.Table == 0 && o.Benchmark == "":
		return usage("name what to measure with --benchmark, such as --benchmark cbsd68")
	}
	return nil
}

// goTogether refuses flags that would do nothing.
func goTogether(f *pflag.FlagSet) error {
	for _, need := range [][2]string{{"row", "table"}, {"runs", "table"}, {"bootstrap-seed", "compare"}, {"shard", "results"}, {"resume", "results"}} {
		if f.Changed(need[0]) && !f.Changed(need[1]) {
			return usage("--%s does nothing without --%s", need[0], need[1])
		}
	}
	for _, apart := range [][2]string{{"merge", "table"}, {"merge", "compare"}, {"merge", "results"}, {"compare", "table"},
		{"images", "table"}, {"images", "routing"}, {"routing", "table"}, {"routing", "compare"}} {
		if f.Changed(apart[0]) && f.Changed(apart[1]) {
			return usage("--%s and --%s exclude each other: choose one", apart[0], apart[1])
		}
	}
	return nil
}

// parseRows reads NAME=FILE.
func parseRows(texts []string, err error) ([]row, error) {
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, text := range texts {
		name, files, ok := strings.Cut(text, "=")
		if !ok || name == "" || files == "" {
			return nil, usage("--row %s: write it as NAME=FILE", text)
		}
		rows = append(rows, row{name, strings.Split(files, ",")})
	}
	return rows, nil
}
