package main

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/eval"
	"clusir/internal/usage"
)

type tableOptions struct {
	measuring
	output
	Number int
	Named  []string    // NAME=FILE
	Rows   []eval.Side // of Named
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
		Args:      usage.Arguments(cobra.ExactArgs(1), "name the table: clusir table N, from 1 to 9"),
		ValidArgs: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"},
		RunE:      runs(opts, runF),
	}
	usage.AddFlags(cmd, "", func(f *pflag.FlagSet) {
		f.StringArrayVar(&opts.Named, "row", nil, "`NAME=FILE`: a checkpoint, results files separated by commas, or a folder of pictures, for a row of the table (repeatable)")
		f.StringVar(&opts.Runs, "runs", "runs", "look for the rows' checkpoints in this `FOLDER` of training runs")
		f.StringVar(&opts.Results, "results", "", "write each row's results to a file in the folder `DIR`")
		f.BoolVar(&opts.Resume, "resume", false, "continue the files of --results")
		opts.addFlags(f)
	})
	usage.AddFlags(cmd, "Pictures", opts.addDataFlags, opts.addProtocolFlags)
	usage.AddFlags(cmd, networkGroup, opts.addModelFlag, opts.addNetworkFlags, opts.addEffortFlags)
	return cmd
}

func (o *tableOptions) complete(cmd *cobra.Command, args []string) (err error) {
	f := cmd.Flags()
	o.Number, err = strconv.Atoi(args[0])
	switch {
	case err != nil || o.Number < 1 || o.Number > 9:
		return usage.Errorf("table %s: the paper's are 1 to 9", args[0])
	case !f.Changed("model"):
		o.Model = "" // the table chooses
	}
	if o.Rows, err = eval.ParseRows(o.Named); err != nil {
		return err
	}
	if err := o.output.complete(f); err != nil {
		return err
	}
	return o.begin(f)
}

func (o *tableOptions) run() error {
	if o.Number == sizesTable {
		return o.runSizes()
	}
	table, err := eval.Paper(o.Number)
	if err != nil {
		return err
	}
	r := o.runner()
	r.Folder = o.Results
	sources := eval.RowSources{Rows: o.Rows, Runs: o.Runs, Model: o.Model, Default: defaultModel, Runner: r}
	if sources.Catalog, err = eval.Catalog(o.config, o.File); err != nil {
		return err
	}
	filled, err := table.Fill(o.ctx, sources)
	if err != nil {
		return err
	}
	return errors.Join(filled.Write(o.out, o.Format), filled.Failed())
}

// runSizes prints Table 7, which counts.
func (o *tableOptions) runSizes() error {
	rows := o.Rows
	if o.Model != "" {
		rows = append(rows, eval.Side{Name: o.Model, Subject: eval.Subject{Model: o.Model}})
	}
	t, err := eval.Sizes(rows)
	if err != nil {
		return err
	}
	return t.Write(o.out, o.Format)
}
