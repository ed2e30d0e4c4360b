package eval

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"clusir/internal/tabular"
)

// WriteRanking ranks methods and prints the ranking in one of tabular's formats or as
// JSON. Images without a result are an error, too.
func WriteRanking(w io.Writer, format string, reports []*Report, seed uint64) error {
	k, err := rankReports(reports, seed)
	if err != nil {
		return err
	}
	return errors.Join(tabular.Write(w, format, k, k.table), Failed(reports))
}

// table returns a row for each method, with the best of each column marked.
func (k *Ranking) table() *tabular.Table {
	t := &tabular.Table{Columns: []tabular.Column{{Name: "method", Left: true}}}
	groups := make([]string, len(k.Splits))
	for i, s := range k.Splits {
		groups[i] = fmt.Sprintf("%s, %s", s.Name(), k.counts[i])
	}
	if len(groups) > 1 {
		groups = append(groups, fmt.Sprintf("mean of %d parts", len(k.Splits)))
	}
	for _, g := range groups {
		t.Columns = append(t.Columns, tabular.Column{Group: g, Name: "PSNR"}, tabular.Column{Group: g, Name: "SSIM"})
	}
	t.Columns = append(t.Columns, tabular.Column{Name: "rank"}, tabular.Column{Name: "best"}, tabular.Column{Name: "PSNR less the best"}, tabular.Column{Name: "95 %"})
	t.Rows = append(t.Rows, tabular.Row{Cells: append(k.qualities("input", k.input, meanOf(k.input)), tabular.Cell{}, tabular.Cell{}, tabular.Cell{}, tabular.Cell{})})
	for i, m := range k.Methods {
		cells := k.qualities(m.Model, m.Splits, m.Mean)
		behind := none(2)
		if m.Behind != nil {
			behind = []tabular.Cell{tabular.Number("%+.2f", m.Behind.Mean), m.Behind.bounds("%+.2f")}
		}
		cells = append(cells, tabular.Number("%.2f", m.Rank), tabular.Number("%.0f", float64(m.Best)))
		t.Rows = append(t.Rows, tabular.Row{Cells: append(cells, behind...), Rule: i == 0})
	}
	k.mark(t)
	t.Remarks = k.remarks()
	return t
}

// qualities returns the cells of a row up to the mean.
func (k *Ranking) qualities(name string, splits []Quality, mean Quality) []tabular.Cell {
	cells := []tabular.Cell{tabular.Words("%s", name)}
	if len(splits) > 1 {
		splits = append(slices.Clone(splits), mean)
	}
	for _, q := range splits {
		cells = append(cells, tabular.Number("%.2f", q.PSNR), tabular.Number("%.4f", q.SSIM))
	}
	return cells
}

// mark marks the best and the second best method of each column of numbers, as printed:
// the highest value, or the lowest rank.
func (k *Ranking) mark(t *tabular.Table) {
	for c := 1; c < len(t.Columns)-3; c++ {
		value := func(r tabular.Row) float64 {
			v, _ := strconv.ParseFloat(r.Cells[c].Text, 64) // every cell of these columns is a number
			if t.Columns[c].Name == "rank" {
				return -v
			}
			return v
		}
		var values []float64
		for _, r := range t.Rows[1:] {
			values = append(values, value(r))
		}
		best := topTwo(values)
		for _, r := range t.Rows[1:] {
			r.Cells[c].Mark = markOf(value(r), best)
		}
	}
}

func (k *Ranking) remarks() (lines []string) {
	lines = append(lines, k.Protocol.with("a network's output clamped and not quantised, another program's in the bits of its files"))
	for _, m := range k.Methods {
		lines = append(lines, m.who)
	}
	lines = append(lines,
		fmt.Sprintf("rank: by PSNR on an image, the mean over %d; best: images on which no other is better", k.Images),
		fmt.Sprintf("Friedman's test over the ranks: χ² = %.2f, p = %.2g", k.Friedman, k.P),
		fmt.Sprintf("95 %%: paired bootstrap over images, %d resamples, seed %d", resamples, k.Seed))
	lines = append(lines, prefixed("left out: ", k.LeftOut)...)
	return append(lines, prefixed("missing: ", k.Missing)...)
}
