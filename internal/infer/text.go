package infer

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"clusir/internal/arch"
	"clusir/internal/userfile"
	"clusir/weights"
)

// WriteModels describes the named models in detail, as text or as a line of JSON each; with
// no names, all embedded ones, as text in a line each.
func WriteModels(w io.Writer, names []string, asJSON bool) error {
	list := len(names) == 0 && !asJSON
	if len(names) == 0 {
		names = weights.Names()
	}
	var models []*Description
	for _, name := range names {
		d, err := Describe(name)
		if err != nil {
			return err
		}
		models = append(models, d)
	}
	if list {
		return writeList(w, models)
	}
	for i, d := range models {
		write := d.writeText
		if asJSON {
			write = func(w io.Writer) error { return json.NewEncoder(w).Encode(d) }
		} else if i > 0 {
			fmt.Fprintln(w)
		}
		if err := write(w); err != nil {
			return err
		}
	}
	return nil
}

func writeList(w io.Writer, models []*Description) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "MODEL\tPARAMETERS\tGMACs\tSIZE\tTRAINED FOR")
	for _, d := range models {
		fmt.Fprintf(tw, "%s\t%s\t%.2f\t%s\t%s\n", d.Name, humanize.Comma(d.Params), d.GMACs, humanize.Bytes(uint64(d.Bytes)),
			strings.Join(d.tasks(), ", "))
	}
	fmt.Fprintf(tw, "\nGMACs are those of %d×%[1]d pixels. clusir models NAME shows one model in detail.\n", costSide)
	return tw.Flush()
}

// writeText prints everything known about a model, one subject per line.
func (d *Description) writeText(w io.Writer) error {
	where := ""
	if d.Embedded {
		where = " (embedded)"
	}
	fmt.Fprintf(w, "%s%s\n", d.Name, where)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, a ...any) {
		fmt.Fprintf(tw, "  %s\t%s\n", name, fmt.Sprintf(format, a...))
	}
	if c := d.Config; c == nil {
		row("network", "the file does not say: run it with --model-config FILE")
	} else {
		row("network", "%s", parts(*c))
		row("cost", "%s parameters, %.2f GMACs at %d×%[3]d pixels", humanize.Comma(d.Params), d.GMACs, costSide)
	}
	row("file", "%s: %s", humanize.Bytes(uint64(d.Bytes)), d.contents())
	if d.recipe != nil {
		t := d.recipe.Train
		row("training", "%s steps of %d patches of %d×%[3]d pixels, learning rate %g, %s", humanize.Comma(int64(d.Step)), t.Batch,
			t.Patch, t.LR, t.Schedule)
		row("tasks", "%s", strings.Join(d.tasks(), ", "))
	} else if d.Step > 0 {
		row("training", "%s steps", humanize.Comma(int64(d.Step)))
	}
	if d.Device != "" {
		row("trained on", "%s", d.Device)
	}
	if d.Embedded {
		row("phases", "several, of which the file records one: docs/model-card.md lists them")
	}
	if d.Responses != nil {
		row("clusters", "the file says what each responded to in training: restore --explain shows it")
	}
	for _, key := range slices.Sorted(maps.Keys(d.Notes)) {
		row(userfile.OneLine(key), "%s", userfile.OneLine(d.Notes[key]))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return d.writeScores(w)
}

// parts describes what a network consists of.
func parts(c arch.Config) string {
	text := fmt.Sprintf("width %d, blocks %v %v %d, ", c.Dim, c.EncBlocks, c.DecBlocks, c.RefineBlocks)
	if c.UseMoE {
		text += fmt.Sprintf("clusters %v (%v kept), experts %d (%d kept)", c.Clusters, c.TopClusters, c.Experts, c.TopExperts)
	} else {
		text += "without clusters and experts"
	}
	if !c.UseDAFMM {
		text += ", without DAFMM"
	}
	return text
}

// tasks returns the tasks that the network was trained for, none if the file does not
// say.
func (d *Description) tasks() (names []string) {
	if d.recipe == nil {
		return nil
	}
	for _, t := range d.recipe.Tasks {
		name := t.Kind
		if len(t.Sigmas) > 0 {
			name += " σ=" + strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Sigmas), " ", "/"), "[]")
		}
		names = append(names, name)
	}
	return names
}

// contents describes the tensors in the file.
func (d *Description) contents() string {
	var parts []string
	for _, c := range d.Weights {
		parts = append(parts, fmt.Sprintf("%d tensors of %s", c.Tensors, c.DType))
	}
	if d.Resumable {
		parts = append(parts, "and the optimiser's state, to continue with --resume")
	}
	return strings.Join(parts, ", ")
}

func (d *Description) writeScores(w io.Writer) error {
	if len(d.Results) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "  benchmark\timages\tinput dB\tPSNR dB\tSSIM\t")
	for _, s := range d.Results {
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
