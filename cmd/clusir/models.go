package main

import (
	"github.com/spf13/cobra"

	"clusir/internal/infer"
)

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
		ValidArgsFunction: modelChoice.Complete,
		RunE:              runs(opts, runF),
	}
	cmd.Flags().BoolVar(&opts.JSON, "json", false, "print a line of JSON for each model")
	return cmd
}

func (o *modelsOptions) complete(_ *cobra.Command, args []string) error {
	o.Names = args
	return nil
}

func (o *modelsOptions) run() error { return infer.WriteModels(o.out, o.Names, o.JSON) }
