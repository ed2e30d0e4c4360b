package eval

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"clusir/internal/dataset"
	"clusir/internal/published"
	"clusir/internal/tabular"
)

// Write prints the report in one of tabular's formats or as JSON: its splits, every image,
// or how the images were routed.
func (r *Report) Write(w io.Writer, format string, images, routing bool) error {
	switch {
	case routing:
		return tabular.Write(w, format, r.Routing(), r.routingTable)
	case images:
		return tabular.Write(w, format, r, r.imageTable)
	}
	return tabular.Write(w, format, r, r.Table)
}

// Table returns the splits with the paper's numbers for the report's setting.
func (r *Report) Table() *tabular.Table {
	t := &tabular.Table{Columns: []tabular.Column{
		{Name: "benchmark", Left: true}, {Name: "part", Left: true}, {Name: "images"},
		{Group: "input", Name: "PSNR"}, {Group: "input", Name: "SSIM"},
		{Group: r.column(), Name: "PSNR"}, {Group: r.column(), Name: "SSIM"}, {Name: "gain"},
	}}
	t.Remarks = slices.Concat([]string{r.protocol()}, r.notes(), r.faults())
	paperCells := r.paperColumns(t)
	for _, s := range r.Splits {
		cells := []tabular.Cell{tabular.Words("%s", s.Title), tabular.Words("%s", s.Label), tabular.Words("%s", s.Count())}
		cells = append(cells, s.cells()...)
		row, _ := s.published(r.Setting)
		t.Rows = append(t.Rows, tabular.Row{Cells: append(cells, paperCells(row, s.unlike())...)})
	}
	if of, average := r.averaged(); len(r.Splits) > 1 && len(of) > 0 {
		cells, row := r.meanCells(t, of, average)
		unlike := ""
		for _, s := range of {
			unlike = cmp.Or(unlike, s.unlike())
		}
		cells = append(cells, paperCells(row, unlike)...)
		t.Rows = append(t.Rows, tabular.Row{Cells: cells, Rule: true})
	}
	t.Remarks = append(t.Remarks, prefixed("missing: ", r.Missing)...)
	return t
}

// meanCells returns the cells of the mean of some splits, which say what it is the mean
// of, and the published number for it.
func (r *Report) meanCells(t *tabular.Table, of []SplitResult, average bool) (cells []tabular.Cell, row published.Row) {
	var outputs []Quality
	for _, s := range of {
		outputs = append(outputs, s.Output)
	}
	mean := meanOf(outputs)
	name := fmt.Sprintf("mean of the %d parts", len(r.Splits))
	switch {
	case average:
		name = fmt.Sprintf("mean of %s's %d parts", tableOf(r.Setting).name(), len(of))
		row, _ = published.Find(r.Setting, method, published.Average)
	case len(of) < len(r.Splits):
		name = fmt.Sprintf("mean of %d of the %d parts", len(of), len(r.Splits))
	}
	first := tabular.Words("%s", name)
	if average && len(of) < len(r.Splits) {
		var names []string
		for _, s := range of {
			names = append(names, s.Name())
		}
		first.Notes = []int{t.Note("%s", "of "+strings.Join(names, ", "))}
	}
	cells = append([]tabular.Cell{first}, make([]tabular.Cell, 7)...)
	cells[5], cells[6] = tabular.Number("%.2f", mean.PSNR), tabular.Number("%.4f", mean.SSIM)
	return cells, row
}

// cells returns the measured values: the input, the output and the gain.
func (s SplitResult) cells() []tabular.Cell {
	if s.Images == 0 {
		return none(5)
	}
	return qualities(s.Input, s.Output)
}

// none returns n cells for absent numbers.
func none(n int) []tabular.Cell { return slices.Repeat([]tabular.Cell{tabular.None()}, n) }

func qualities(in, out Quality) []tabular.Cell {
	gain := tabular.Number("%+.2f", out.PSNR-in.PSNR)
	if math.IsInf(in.PSNR, 1) { // a clean input has nothing to gain
		gain = tabular.None()
	}
	return []tabular.Cell{
		tabular.Number("%.2f", in.PSNR), tabular.Number("%.4f", in.SSIM),
		tabular.Number("%.2f", out.PSNR), tabular.Number("%.4f", out.SSIM), gain,
	}
}

func (r *Report) imageTable() *tabular.Table {
	t := &tabular.Table{Columns: []tabular.Column{
		{Name: "benchmark", Left: true}, {Name: "part", Left: true}, {Name: "image", Left: true}, {Name: "size"},
		{Group: "input", Name: "PSNR"}, {Group: "input", Name: "SSIM"},
		{Group: r.column(), Name: "PSNR"}, {Group: r.column(), Name: "SSIM"}, {Name: "gain"}, {Name: "ms"}, {Name: "error", Left: true},
	}, Remarks: append([]string{r.protocol()}, r.notes()...)}
	for _, i := range r.Images {
		cells := []tabular.Cell{tabular.Words("%s", i.Benchmark), tabular.Words("%s", i.Split), tabular.Words("%s", i.Image), i.size()}
		if i.Err == "" {
			cells = append(cells, qualities(i.Input, i.Output)...)
			ms := tabular.Number("%.0f", i.MS)
			if i.Picture != nil {
				ms = tabular.None()
			}
			cells = append(cells, ms, tabular.Cell{})
		} else {
			cells = append(cells, none(6)...)
			failed := tabular.Words("failed")
			failed.Notes = []int{t.Note("%s", i.Err)} // a sentence would make the table too wide
			cells = append(cells, failed)
		}
		t.Rows = append(t.Rows, tabular.Row{Cells: cells})
	}
	return t
}

// size returns the cell of an image's size, which is not known of one that was not read.
func (i ImageResult) size() tabular.Cell {
	if i.W == 0 || i.H == 0 {
		return tabular.None()
	}
	return tabular.Words("%d×%d", i.W, i.H)
}

func (r *Report) notes() (lines []string) {
	if who := r.who(); who != "" {
		lines = append(lines, who)
	}
	if r.Shard.N > 0 {
		lines = append(lines, fmt.Sprintf("shard %s only: put the shards together with clusir merge", r.Shard))
	}
	if r.Limit > 0 {
		lines = append(lines, fmt.Sprintf("a part only: the first %s of each part (--limit %d)", english.Plural(r.Limit, "image", ""), r.Limit))
	}
	for _, s := range r.Splits {
		if s.Task == dataset.Clean && s.Images > 0 {
			mean, largest := r.shifts(s)
			lines = append(lines, fmt.Sprintf("%s: the mean of a channel shifts by %.4f on average and by %.4f at most, of a range of 1", s.Name(), mean, largest))
		}
		if s.Failed > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d of %d images failed", s.Name(), s.Failed, s.Images+s.Failed))
		}
		if len(s.Skipped) > 0 {
			lines = append(lines, fmt.Sprintf("%s: files left out: %d, the first %s", s.Name(), len(s.Skipped), s.Skipped[0]))
		}
	}
	return lines
}

func prefixed(prefix string, lines []string) (out []string) {
	for _, line := range lines {
		out = append(out, prefix+line)
	}
	return out
}

// shifts returns the mean and the largest shift of a split's images.
func (r *Report) shifts(s SplitResult) (mean, largest float64) {
	for _, i := range r.Images {
		if i.Benchmark == s.Benchmark && i.Split == s.Label && i.Err == "" {
			mean, largest = mean+i.Shift/float64(s.Images), max(largest, i.Shift)
		}
	}
	return mean, largest
}

// shortKind returns a composition of CDD11 as the paper writes it: low_haze is l+h.
func shortKind(label string) string {
	parts := strings.Split(label, "_")
	for i, p := range parts {
		parts[i] = p[:1]
	}
	return strings.Join(parts, "+")
}
