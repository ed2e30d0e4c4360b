package main

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/infer"
	"clusir/internal/tabular"
)

// tableOptions are the options of `clusir table`.
type tableOptions struct {
	measuring
	output
	Number int
	Rows   []eval.Row
	Runs   string
}

// sizesTable is the paper's table that counts instead of measuring.
const sizesTable = 7

func newTableCmd(runF func(*tableOptions) error) *cobra.Command {
	opts := &tableOptions{}
	cmd := &cobra.Command{
		Use:   "table N",
		Short: "Print our rows among those of one of the paper's tables",
		Long: `Measure the rows of table N of the paper, 1 to 9, and print them among the published
ones. A row that needs a network of its own is looked for in the folder of training
runs, or named with --row NAME=FILE: a checkpoint, results files separated by commas,
or a folder of pictures that another program restored (see clusir eval --help).
--results is a folder for a file of each row.`,
		Example: `  clusir table 2 --data data --format markdown
  clusir table 8 --data data --row ClusIR-T=tiny.safetensors --row ClusIR-S=small.safetensors
  clusir table 3 --data data --row DnCNN=out/dncnn
  clusir table 7`,
		Args: exactly(1, "name the table: clusir table N, from 1 to 9"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.complete(cmd, args[0]); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			if opts.Number == sizesTable {
				return opts.runSizes()
			}
			return opts.run()
		},
	}
	addFlags(cmd, "", func(f *pflag.FlagSet) {
		f.StringArray("row", nil, "`NAME=FILE`: a checkpoint, results files separated by commas, or a folder of pictures, for a row of the table (repeatable)")
		f.StringVar(&opts.Runs, "runs", "runs", "look for the rows' checkpoints in this `FOLDER` of training runs")
		f.StringVar(&opts.Results, "results", "", "write each row's results to a file in the folder `DIR`")
		f.BoolVar(&opts.Resume, "resume", false, "continue the files of --results")
		opts.addFlags(f)
	})
	addFlags(cmd, "Pictures", opts.addDataFlags, opts.addProtocolFlags)
	addFlags(cmd, networkGroup, opts.addModelFlag, opts.addNetworkFlags, opts.addEffortFlags)
	return cmd
}

func (o *tableOptions) complete(cmd *cobra.Command, number string) (err error) {
	f := cmd.Flags()
	o.Number, err = strconv.Atoi(number)
	switch {
	case err != nil || o.Number < 1 || o.Number > 9:
		return usage("table %s: the paper's are 1 to 9", number)
	case !f.Changed("model"):
		o.Model = "" // the table chooses
	}
	if o.Rows, err = parseRows(f.GetStringArray("row")); err != nil {
		return err
	}
	if err := o.output.complete(f); err != nil {
		return err
	}
	return o.begin(cmd)
}

func (o *tableOptions) run() error {
	table, err := eval.Paper(o.Number)
	if err != nil {
		return err
	}
	sources := eval.RowSources{Rows: o.Rows, Runs: o.Runs, Model: o.Model, Default: defaultModel, Measure: o.measureRow}
	if sources.Catalog, err = o.catalog(); err != nil && !eval.OnlyResults(o.Rows) {
		return err
	}
	filled, err := table.Fill(sources)
	if err != nil {
		return err
	}
	err = o.write(o.out, filled, func() *tabular.Table { return filled.Table })
	return errors.Join(err, filled.Failed())
}

func (o *tableOptions) measureRow(source string, row eval.PaperRow, benchmarks []*dataset.Benchmark) (*eval.Report, error) {
	results, err := o.resultsOf(row.Name)
	if err != nil {
		return nil, err
	}
	if isFolder(source) {
		return o.measureRestored(eval.Subject{Model: row.Name, Restored: source}, eval.Options{Benchmarks: benchmarks, Results: results})
	}
	return o.measure(source, eval.Options{Benchmarks: benchmarks, Results: results}, row.Check)
}

// runSizes prints Table 7, which counts.
func (o *tableOptions) runSizes() error {
	rows := o.Rows
	if o.Model != "" {
		rows = append(rows, eval.Row{Name: o.Model, Files: []string{o.Model}})
	}
	var more []eval.Network
	for _, r := range rows {
		if isFolder(r.Files[0]) {
			return usage("--row %s=%s: table 7 counts the cost of networks, not of folders: leave it out", r.Name, r.Files[0])
		}
		c, err := infer.Source{Model: r.Files[0]}.ReadConfig()
		if err != nil {
			return err
		}
		more = append(more, eval.Network{Name: r.Name, Config: c})
	}
	t, err := eval.Sizes(more)
	if err != nil {
		return err
	}
	return t.Write(o.out, o.Format)
}
