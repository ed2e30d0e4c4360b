package eval

import (
	"fmt"
	"slices"
	"strings"

	"clusir/internal/published"
	"clusir/internal/tabular"
)

// Table sets the splits beside the paper's numbers for a setting, such as
// "three-task", or of the first setting that has them.
func (r *Report) Table(setting string) *tabular.Table {
	t := &tabular.Table{Columns: []tabular.Column{
		{Name: "benchmark", Left: true}, {Name: "part", Left: true}, {Name: "images"},
		{Group: "input", Name: "PSNR"}, {Group: "input", Name: "SSIM"},
		{Group: "ours", Name: "PSNR"}, {Group: "ours", Name: "SSIM"}, {Name: "gain"},
	}}
	beside := slices.ContainsFunc(r.Splits, func(s SplitResult) bool { return paperOf(s.Key, setting).PSNR != 0 })
	if beside {
		t.Columns = append(t.Columns, tabular.Column{Group: "ClusIR, paper", Name: "PSNR"}, tabular.Column{Group: "ClusIR, paper", Name: "SSIM"})
	}
	for _, s := range r.Splits {
		cells := []tabular.Cell{tabular.Words("%s", s.Title), tabular.Words("%s", s.Label), tabular.Words("%s", s.Count())}
		cells = append(cells, s.cells()...)
		if beside {
			paper := paperOf(s.Key, setting)
			cells = append(cells, known("%.2f", paper.PSNR), known("%.3f", paper.SSIM))
		}
		t.Rows = append(t.Rows, tabular.Row{Cells: cells})
	}
	if len(r.Splits) > 1 {
		m := r.Mean()
		cells := make([]tabular.Cell, len(t.Columns))
		cells[0], cells[5], cells[6] = tabular.Words("mean"), tabular.Number("%.2f", m.PSNR), tabular.Number("%.4f", m.SSIM)
		t.Rows = append(t.Rows, tabular.Row{Cells: cells, Rule: true})
	}
	t.Remarks = append([]string{r.Protocol.String()}, r.notes()...)
	for _, m := range r.Missing {
		t.Remarks = append(t.Remarks, "missing: "+m)
	}
	return t
}

// cells are what was measured: the input, the output and the gain.
func (s SplitResult) cells() []tabular.Cell {
	if s.Images == 0 {
		return []tabular.Cell{tabular.None(), tabular.None(), tabular.None(), tabular.None(), tabular.None()}
	}
	return qualities(s.Input, s.Output)
}

func qualities(in, out Quality) []tabular.Cell {
	return []tabular.Cell{
		tabular.Number("%.2f", in.PSNR), tabular.Number("%.4f", in.SSIM),
		tabular.Number("%.2f", out.PSNR), tabular.Number("%.4f", out.SSIM), tabular.Number("%+.2f", out.PSNR-in.PSNR),
	}
}

// ImageTable lists every image.
func (r *Report) ImageTable() *tabular.Table {
	t := &tabular.Table{Columns: []tabular.Column{
		{Name: "benchmark", Left: true}, {Name: "part", Left: true}, {Name: "image", Left: true}, {Name: "size"},
		{Group: "input", Name: "PSNR"}, {Group: "input", Name: "SSIM"},
		{Group: "ours", Name: "PSNR"}, {Group: "ours", Name: "SSIM"}, {Name: "gain"}, {Name: "ms"}, {Name: "error", Left: true},
	}}
	for _, i := range r.Images {
		cells := []tabular.Cell{tabular.Words("%s", i.Benchmark), tabular.Words("%s", i.Split), tabular.Words("%s", i.Image), tabular.Words("%d×%d", i.W, i.H)}
		if i.Err == "" {
			cells = append(cells, qualities(i.Input, i.Output)...)
			cells = append(cells, tabular.Number("%.0f", i.MS), tabular.Cell{})
		} else {
			for range 6 {
				cells = append(cells, tabular.None())
			}
			cells = append(cells, tabular.Words("%s", i.Err))
		}
		t.Rows = append(t.Rows, tabular.Row{Cells: cells})
	}
	return t
}

// notes say what was measured beside the protocol, and what failed.
func (r *Report) notes() (lines []string) {
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
			lines = append(lines, fmt.Sprintf("%s: files left out: %d, the first %s", s.Name(), len(s.Skipped), s.Skipped[0]))
		}
	}
	for _, i := range r.Images {
		if i.Err != "" {
			lines = append(lines, fmt.Sprintf("%s: %s", i.name(), i.Err))
		}
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

// known is a cell of a published number, which is 0 where there is none.
func known(format string, x float64) tabular.Cell {
	if x == 0 {
		return tabular.None()
	}
	return tabular.Number(format, x)
}

// shortKind is a composition of CDD11 as the paper writes it: low_haze is l+h.
func shortKind(label string) string {
	parts := strings.Split(label, "_")
	for i, p := range parts {
		parts[i] = p[:1]
	}
	return strings.Join(parts, "+")
}
