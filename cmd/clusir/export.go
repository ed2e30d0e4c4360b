package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"clusir/internal/infer"
	"clusir/internal/train"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

type exportOptions struct {
	streams
	In, Out     string
	ModelConfig string
	Half        bool
	Results     string
	Overwrite   bool
	Notes       []string // KEY=VALUE
	Metadata    map[string]string
}

func newExportCmd(runF func(*exportOptions) error) *cobra.Command {
	opts := &exportOptions{}
	cmd := &cobra.Command{
		Use:   "export MODEL OUT",
		Short: "Write only the weights of a training checkpoint",
		Long: `Write the weights of a training checkpoint, or of an embedded model, without the
optimiser's state: the averaged ones if the run kept an average (train.ema).
--results adds their results, which clusir models then shows. --model-config adds
the network's configuration to weights from another program, which then no longer
need that flag.`,
		Example: `  clusir export runs/five-task/last.safetensors mine.safetensors --half --note name=mine
  clusir eval --benchmark five-task --data data --model mine.safetensors --json > report.json
  clusir export nano nano.safetensors
  clusir export mine.safetensors measured.safetensors --half --results report.json`,
		Args:              usage.Arguments(cobra.ExactArgs(2), "name the model and the file to write: clusir export MODEL OUT"),
		ValidArgsFunction: modelChoice.Complete,
		RunE:              runs(opts, runF),
	}
	f := cmd.Flags()
	f.StringVar(&opts.ModelConfig, "model-config", "", "YAML or JSON `FILE` of the model's configuration, for a checkpoint without one")
	f.BoolVar(&opts.Half, "half", false, "store float16, half the size")
	f.BoolVar(&opts.Overwrite, "overwrite", false, "replace OUT if it exists")
	f.StringVar(&opts.Results, "results", "", "add the results in `FILE`, the output of clusir eval --json")
	f.StringArrayVar(&opts.Notes, "note", nil, "add `KEY=VALUE` to the file's metadata (repeatable)")
	return cmd
}

func (o *exportOptions) complete(_ *cobra.Command, args []string) error {
	o.In, o.Out, o.Metadata = args[0], args[1], map[string]string{}
	for _, note := range o.Notes {
		key, value, ok := strings.Cut(note, "=")
		switch {
		case !ok || key == "":
			return usage.Errorf("--note %s: must be KEY=VALUE", note)
		case slices.Contains(infer.OwnKeys, key):
			return usage.Errorf("--note %s: clusir writes %s itself: choose another key", note, key)
		}
		if _, twice := o.Metadata[key]; twice {
			return usage.Errorf("--note %s is given twice: keep one of the two", key)
		}
		o.Metadata[key] = value
	}
	return usage.NoStream("OUT", o.Out)
}

func (o *exportOptions) run() error {
	if err := userfile.MayWrite(o.Out, o.Overwrite); err != nil {
		return err
	}
	if in, err := os.Stat(o.In); err == nil {
		if out, err := os.Stat(o.Out); err == nil && os.SameFile(in, out) {
			return fmt.Errorf("%s: an export onto the checkpoint itself would lose what --resume needs: name another OUT", o.Out)
		}
	}
	f, c, err := infer.Source{Model: o.In, Config: o.ModelConfig}.Open()
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := train.Export(f, c, train.Exported{Out: o.Out, Half: o.Half, Results: o.Results, Metadata: o.Metadata})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "%s: %.1f MB\n", o.Out, float64(size)/1e6)
	return err
}
