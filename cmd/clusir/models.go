package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"clusir/internal/config"
	"clusir/internal/infer"
	"clusir/weights"
)

// modelsOptions are those of `clusir models`.
type modelsOptions struct {
	out   io.Writer
	Names []string
	JSON  bool
}

func newModelsCmd(runF func(*modelsOptions) error) *cobra.Command {
	opts := &modelsOptions{}
	cmd := &cobra.Command{
		Use:   "models [NAME|FILE]...",
		Short: "List the embedded models, or say what a model's file holds",
		Long: `List the models that are part of this program. With names or checkpoint files,
say of each what the file says of itself: the network's shape and cost, how it
was trained, and what it reached on benchmarks.`,
		Example: `  clusir models
  clusir models nano
  clusir models runs/five-task/best.safetensors --json`,
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.out, opts.Names = cmd.OutOrStdout(), args
			if runF != nil {
				return runF(opts)
			}
			return runModels(opts)
		},
	}
	cmd.Flags().BoolVar(&opts.JSON, "json", false, "print a line of JSON for each model")
	return cmd
}

func runModels(o *modelsOptions) error {
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
		return listModels(o.out, found)
	default:
		for i, d := range found {
			if i > 0 {
				fmt.Fprintln(o.out)
			}
			if err := describeModel(o.out, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// listModels prints a line for each model.
func listModels(out io.Writer, models []*infer.Description) error {
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "MODEL\tPARAMETERS\tGMACs\tSIZE\tTRAINED FOR")
	for _, d := range models {
		r, err := recipeOf(d)
		if err != nil {
			return err
		}
		fmt.Fprintf(tw, "%s\t%s\t%.2f\t%s\t%s\n", d.Name, humanize.Comma(d.Params), d.GMACs, humanize.Bytes(uint64(d.Bytes)),
			strings.Join(r.kinds(), ", "))
	}
	fmt.Fprintln(tw, "\nGMACs are those of 128×128 pixels. clusir models NAME says more of one.")
	return tw.Flush()
}

// recipe is a training's settings; of models that do not say, the zero value.
type recipe struct {
	config.Config
	known bool
}

func recipeOf(d *infer.Description) (r recipe, err error) {
	if len(d.Recipe) == 0 {
		return r, nil
	}
	c, err := config.ParseRecipe(string(d.Recipe))
	if err != nil {
		return r, fmt.Errorf("model %s: %w", d.Name, err)
	}
	return recipe{*c, true}, nil
}

// kinds are the tasks that take part in the training.
func (r recipe) kinds() (kinds []string) {
	for _, t := range r.Tasks {
		kind := t.Kind
		if len(t.Sigmas) > 0 {
			kind += " σ=" + strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Sigmas), " ", "/"), "[]")
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

// describeModel prints all that is known of a model, a subject a line.
func describeModel(out io.Writer, d *infer.Description) error {
	r, err := recipeOf(d)
	if err != nil {
		return err
	}
	where := ""
	if d.Embedded {
		where = " (embedded)"
	}
	fmt.Fprintf(out, "%s%s\n", d.Name, where)
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, a ...any) {
		fmt.Fprintf(tw, "  %s\t"+format+"\n", append([]any{name}, a...)...)
	}
	if c := d.Config; c == nil {
		row("network", "the file does not say: run it with --model-config FILE")
	} else {
		row("network", "width %d, blocks %v %v %d, clusters %v (%v kept), experts %d (%d kept)", c.Dim, c.EncBlocks, c.DecBlocks,
			c.RefineBlocks, c.Clusters, c.TopClusters, c.Experts, c.TopExperts)
		row("cost", "%s parameters, %.2f GMACs at 128×128 pixels", humanize.Comma(d.Params), d.GMACs)
	}
	row("file", "%s: %s", humanize.Bytes(uint64(d.Bytes)), contents(d))
	if r.known {
		t := r.Train
		row("training", "%s steps of %d patches of %d×%d pixels, learning rate %g, %s", humanize.Comma(int64(d.Step)), t.Batch,
			t.Patch, t.Patch, t.LR, t.Schedule)
		row("tasks", "%s", strings.Join(r.kinds(), ", "))
	} else if d.Step > 0 {
		row("training", "%s steps", humanize.Comma(int64(d.Step)))
	}
	if d.Device != "" {
		row("trained on", "%s", d.Device)
	}
	if d.Answers != nil {
		row("clusters", "the file tells what each answered to in training: restore --explain shows it")
	}
	for _, key := range slices.Sorted(maps.Keys(d.Notes)) {
		row(key, "%s", d.Notes[key])
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return printScores(out, d.Results)
}

// contents words what tensors a file holds.
func contents(d *infer.Description) string {
	var parts []string
	for _, c := range d.Weights {
		parts = append(parts, fmt.Sprintf("%d tensors of %s", c.Tensors, c.DType))
	}
	if d.Resumable {
		parts = append(parts, "and the optimiser's state, to go on with --resume")
	}
	return strings.Join(parts, ", ")
}

func printScores(out io.Writer, scores []infer.Score) error {
	if len(scores) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "  benchmark\timages\tinput dB\tPSNR dB\tSSIM\t")
	for _, s := range scores {
		images, ssim := fmt.Sprint(s.Images), "–"
		if s.Expected > s.Images {
			images = fmt.Sprintf("%d of %d", s.Images, s.Expected)
		}
		if s.SSIM > 0 {
			ssim = fmt.Sprintf("%.4f", s.SSIM)
		}
		fmt.Fprintf(tw, "  %s\t%s\t%.2f\t%.2f\t%s\t\n", s.Benchmark, images, s.Input, s.PSNR, ssim)
	}
	return tw.Flush()
}
