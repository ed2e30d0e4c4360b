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
		fmt.Fprintf(tw, "%s\t%s\t%s\t%.2f\t%.4f\t%.2f\t%.4f\t%+.2f\t%s\t%s\t\n", s.Title, s.Split, s.Count(),
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

func (r *Report) writeNotes(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n", r.Protocol)
	for _, s := range r.Splits {
		if s.Failed > 0 {
			fmt.Fprintf(w, "%s %s: %d images failed\n", s.Title, s.Split, s.Failed)
		}
	}
	for _, i := range r.Images {
		if i.Err != "" {
			fmt.Fprintf(w, "  %s\n", i.Err)
		}
	}
	var err error
	for _, m := range r.Missing {
		_, err = fmt.Fprintf(w, "missing: %s\n", m)
	}
	return err
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
