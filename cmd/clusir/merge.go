package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/eval"
	"clusir/internal/restore"
	"clusir/internal/usage"
)

type mergeOptions struct {
	streams
	reporting
	Files     []string
	Overwrite bool
}

func newMergeCmd(runF func(*mergeOptions) error) *cobra.Command {
	opts := &mergeOptions{}
	cmd := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Show the results of a measurement or restoration, or join its shards",
		Long: `Show the results that clusir eval --results wrote, of a whole run or of all its
shards. The report equals that of a run in one piece, to the bit.

For the files of clusir restore --results, it shows how many pictures each shard
restored and which ones failed.`,
		Example: `  clusir merge gopro-*.jsonl
  clusir merge all.jsonl --images --format csv`,
		Args: usage.Arguments(cobra.MinimumNArgs(1), "name the results files: clusir merge FILE..."),
		RunE: runs(opts, runF),
	}
	usage.AddFlags(cmd, "", func(f *pflag.FlagSet) {
		opts.addFlags(f)
		f.BoolVar(&opts.Overwrite, "overwrite", false, "replace the file of --report if it exists")
	})
	return cmd
}

func (o *mergeOptions) complete(cmd *cobra.Command, args []string) error {
	o.Files = args
	return o.reporting.complete(cmd.Flags(), o.Overwrite)
}

func (o *mergeOptions) run() error {
	if restore.IsResults(o.Files[0]) {
		return o.mergeRestored()
	}
	r, err := eval.Merge(o.Files...)
	if err != nil {
		return err
	}
	return o.show(o.out, r, func() error { return o.pageOf(r).Save(o.Page) })
}

func (o *mergeOptions) mergeRestored() error {
	if o.Page != "" || o.Routing {
		return usage.Errorf("--report and --routing are for results of clusir eval, but %s has those of clusir restore: leave them out", o.Files[0])
	}
	m, err := restore.MergeResults(o.Files...)
	if err != nil {
		return err
	}
	return errors.Join(m.Write(o.out, o.Format, o.Images), m.Failed())
}
