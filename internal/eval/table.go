package eval

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"clusir/internal/published"
)

// WriteText prints the splits beside the paper's numbers for the given setting,
// such as "three-task", or of the first setting that has them.
func (r *Report) WriteText(w io.Writer, setting string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "benchmark\t\timages\tinput\t\tours\t\tgain\tpaper\t\t")
	fmt.Fprintln(tw, "\t\t\tPSNR\tSSIM\tPSNR\tSSIM\tdB\tPSNR\tSSIM\t")
	for _, s := range r.Splits {
		paper := paperOf(s.Key, setting)
		if s.Images == 0 {
			fmt.Fprintf(tw, "%s\t%s\t%s\t–\t–\t–\t–\t–\t%s\t%s\t\n", s.Title, s.Label, s.Count(),
				number(paper.PSNR, "%.2f"), number(paper.SSIM, "%.3f"))
			continue
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%.2f\t%.4f\t%.2f\t%.4f\t%+.2f\t%s\t%s\t\n", s.Title, s.Label, s.Count(),
			s.Input.PSNR, s.Input.SSIM, s.Output.PSNR, s.Output.SSIM, s.Output.PSNR-s.Input.PSNR,
			number(paper.PSNR, "%.2f"), number(paper.SSIM, "%.3f"))
	}
	if len(r.Splits) > 1 {
		m := r.Mean()
		fmt.Fprintf(tw, "mean\t\t\t\t\t%.2f\t%.4f\t\t\t\t\n", m.PSNR, m.SSIM)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return r.writeNotes(w)
}

// writeNotes prints how the numbers came about, and what there is none of.
func (r *Report) writeNotes(w io.Writer) error {
	var err error
	for _, line := range r.notes() {
		_, err = fmt.Fprintln(w, line)
	}
	return err
}

func (r *Report) notes() []string {
	lines := []string{"", r.Protocol.String()}
	if r.Model != "" {
		lines = append(lines, fmt.Sprintf("model %s (weights %s) on %s", r.Model, r.Weights, r.Device))
	}
	if r.Shard.N > 0 {
		lines = append(lines, fmt.Sprintf("shard %s only: put the shards together with --merge", r.Shard))
	}
	for _, s := range r.Splits {
		if s.Failed > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d of %d images failed", s.Name(), s.Failed, s.Images+s.Failed))
		}
		if len(s.Skipped) > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d files left out, the first of them %s", s.Name(), len(s.Skipped), s.Skipped[0]))
		}
	}
	for _, i := range r.Images {
		if i.Err != "" {
			lines = append(lines, fmt.Sprintf("  %s: %s", i.name(), i.Err))
		}
	}
	for _, m := range r.Missing {
		lines = append(lines, "missing: "+m)
	}
	return lines
}

// paperOf is ClusIR's published result, in the setting or in any other.
func paperOf(key, setting string) published.Row {
	for _, s := range []string{setting, "three-task", "five-task", "one-by-one", "cdd11"} {
		if row, ok := published.Find(s, "ClusIR", key); ok {
			return row
		}
	}
	return published.Row{}
}

func number(x float64, format string) string {
	if x == 0 {
		return "–"
	}
	return fmt.Sprintf(format, x)
}

// shortKind is a composition of CDD11 as the paper writes it: low_haze is l+h.
func shortKind(label string) string {
	parts := strings.Split(label, "_")
	for i, p := range parts {
		parts[i] = p[:1]
	}
	return strings.Join(parts, "+")
}

func join(lines []string) string { return strings.Join(lines, "; ") }
