package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"clusir/internal/checkpoint"
	"clusir/internal/train"
)

// exportOptions are those of `clusir export`.
type exportOptions struct {
	out       io.Writer
	In, Out   string
	Half      bool
	Overwrite bool
	Metadata  map[string]string
}

func newExportCmd(runF func(*exportOptions) error) *cobra.Command {
	opts := &exportOptions{}
	cmd := &cobra.Command{
		Use:   "export CHECKPOINT OUT",
		Short: "Write a training checkpoint's weights alone",
		Long: `Write the weights of a training checkpoint without the optimiser's state: the
averaged ones where the run kept an average (train.ema).`,
		Example: `  clusir export runs/five-task/last.safetensors mine.safetensors --half --note name=mine`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.out, opts.In, opts.Out = cmd.OutOrStdout(), args[0], args[1]
			if runF != nil {
				return runF(opts)
			}
			return runExport(opts)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&opts.Half, "half", false, "store float16, half the size")
	f.BoolVar(&opts.Overwrite, "overwrite", false, "replace OUT if it exists")
	f.StringToStringVar(&opts.Metadata, "note", nil, "add `KEY=VALUE` to the file's metadata")
	return cmd
}

func runExport(o *exportOptions) error {
	if _, err := os.Stat(o.Out); err == nil && !o.Overwrite {
		return fmt.Errorf("%s exists: choose another name, or replace it with --overwrite", o.Out)
	}
	dtype := checkpoint.F32
	if o.Half {
		dtype = checkpoint.F16
	}
	if err := train.Export(o.In, o.Out, dtype, o.Metadata); err != nil {
		return err
	}
	info, err := os.Stat(o.Out)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s: %.1f MB\n", o.Out, float64(info.Size())/1e6)
	return nil
}
