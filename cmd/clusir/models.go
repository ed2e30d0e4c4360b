package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"clusir/internal/infer"
	"clusir/weights"
)

// modelsOptions are the options of `clusir models`.
type modelsOptions struct {
	streams
	Names []string
	JSON  bool
}

func newModelsCmd(runF func(*modelsOptions) error) *cobra.Command {
	opts := &modelsOptions{}
	cmd := &cobra.Command{
		Use:   "models [NAME|FILE]...",
		Short: "List the embedded models, or describe a model's file",
		Long: `List the models that are built into this program. With names or checkpoint files,
describe each one from its metadata: the network's shape and cost, how it was
trained, and its results on benchmarks.`,
		Example: `  clusir models
  clusir models nano
  clusir models runs/five-task/best.safetensors --json`,
		ValidArgsFunction: completeModels,
		RunE:              runs(opts, runF),
	}
	cmd.Flags().BoolVar(&opts.JSON, "json", false, "print a line of JSON for each model")
	return cmd
}

func (o *modelsOptions) complete(_ *cobra.Command, args []string) error {
	o.Names = args
	return nil
}

func (o *modelsOptions) run() error {
	names := o.Names
	if len(names) == 0 {
		names = weights.Names()
	}
	var found []*infer.Description
	for _, name := range names {
		d, err := infer.Describe(name)
		if err != nil {
			return err
		}
		found = append(found, d)
	}
	switch {
	case o.JSON:
		for _, d := range found {
			if err := json.NewEncoder(o.out).Encode(d); err != nil {
				return err
			}
		}
	case len(o.Names) == 0:
		return infer.WriteList(o.out, found)
	default:
		for i, d := range found {
			if i > 0 {
				fmt.Fprintln(o.out)
			}
			if err := d.WriteText(o.out); err != nil {
				return err
			}
		}
	}
	return nil
}
