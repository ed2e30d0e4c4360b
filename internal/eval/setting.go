package eval

import (
	"fmt"
	"slices"
	"strings"

	"clusir/internal/published"
	"clusir/internal/tabular"
)

// method is the paper's name for its own network.
const method = "ClusIR"

// tableOf returns the paper's main table for a setting, nil if there is none; the
// ablations, which repeat Table 1's, come later.
func tableOf(setting string) *PaperTable {
	for _, t := range paperTables {
		if t.Setting == setting {
			return t
		}
	}
	return nil
}

// chooseSetting returns the setting whose published numbers are printed next to a
// run's: the group in names, or else that of the table with the most of the benchmarks
// and, among those, the most of their splits. Numbers of two tables never share a
// column, because they are of differently trained networks.
func chooseSetting(names string, splits []Split) string {
	var named []string
	for name := range strings.SplitSeq(strings.ToLower(names), ",") {
		if name = strings.TrimSpace(name); tableOf(name) != nil && !slices.Contains(named, name) {
			named = append(named, name)
		}
	}
	if len(named) == 1 {
		return named[0]
	}
	best, maxBenchmarks, maxSplits := "", 0, 0
	for _, t := range paperTables {
		benchmarks, n := map[string]bool{}, 0
		for _, s := range splits {
			if _, ok := s.published(t.Setting); ok {
				benchmarks[s.Benchmark] = true
				n++
			}
		}
		if b := len(benchmarks); b > maxBenchmarks || b == maxBenchmarks && n > maxSplits {
			best, maxBenchmarks, maxSplits = t.Setting, b, n
		}
	}
	return best
}

// published returns the paper's number for a split in a setting.
func (s Split) published(setting string) (published.Row, bool) {
	if s.Own {
		return published.Row{}, false
	}
	return published.Find(setting, method, s.Key)
}

// asPublished reports whether numbers of this protocol are comparable with the paper's.
func (p Protocol) asPublished() bool { return p.Name == "promptir" && !p.YChannel }

// unlike says how the measured images differ from the whole benchmark, "" if they are it.
func (s SplitResult) unlike() string {
	switch {
	case s.Images < max(s.Expected, s.Found):
		return "only a part of it was measured"
	case s.Expected > 0 && s.Images > s.Expected:
		return "more images were measured"
	}
	return ""
}

// paperColumns adds the two columns with the paper's numbers for the report's setting to
// its table, if there is one for one of the splits, and explains them below. It returns
// what makes their cells of a published number. They are empty if our protocol differs,
// and have a footnote if ours is of other images.
func (r *Report) paperColumns(t *tabular.Table) (cells func(row published.Row, unlike string) []tabular.Cell) {
	paper := tableOf(r.Setting)
	if paper == nil || !slices.ContainsFunc(r.Splits, func(s SplitResult) bool { _, ok := s.published(r.Setting); return ok }) {
		return func(published.Row, string) []tabular.Cell { return nil }
	}
	group := method + ", paper's " + paper.name()
	t.Columns = append(t.Columns, tabular.Column{Group: group, Name: "PSNR"}, tabular.Column{Group: group, Name: "SSIM"})
	t.Remarks = append(t.Remarks, fmt.Sprintf("%s: the paper's base network, %s: %s", method, paper.name(), paper.Title))
	if !r.Protocol.asPublished() {
		t.Remarks = append(t.Remarks, "not shown: they are measured with protocol promptir, on RGB")
		return func(published.Row, string) []tabular.Cell { return none(2) }
	}
	return func(row published.Row, unlike string) []tabular.Cell {
		cells := []tabular.Cell{known("%.2f", row.PSNR), known("%.3f", row.SSIM)}
		if unlike != "" && row.PSNR != 0 {
			cells[0].Notes = []int{t.Note("of the whole set; %s", unlike)}
		}
		return cells
	}
}

// known returns the cell of a published number, which is 0 if there is none.
func known(format string, x float64) tabular.Cell {
	if x == 0 {
		return tabular.None()
	}
	return tabular.Number(format, x)
}
