package eval

import (
	"fmt"
	"slices"
	"strings"

	"clusir/internal/published"
	"clusir/internal/tabular"
)

// method is what the paper calls its own network.
const method = "ClusIR"

// settingTables are the paper's main tables, in the order in which they are
// looked through. Each has a setting of its own; the ablations repeat Table 1's.
func settingTables() (tables []*PaperTable) {
	for _, t := range paperTables {
		if !slices.ContainsFunc(tables, func(o *PaperTable) bool { return o.Setting == t.Setting }) {
			tables = append(tables, t)
		}
	}
	return tables
}

// tableOf is the paper's table of a setting, nil if there is none.
func tableOf(setting string) *PaperTable {
	for _, t := range settingTables() {
		if t.Setting == setting {
			return t
		}
	}
	return nil
}

// chooseSetting is the setting whose published numbers are printed next to a run's: the
// one that names holds as a group, or else that of the table that knows the
// most of the benchmarks, and of these the most of their splits. Numbers of two
// tables never stand in one column: they are of differently trained networks.
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
	best, mostBenchmarks, mostSplits := "", 0, 0
	for _, t := range settingTables() {
		benchmarks, n := map[string]bool{}, 0
		for _, s := range splits {
			if _, ok := s.published(t.Setting); ok {
				benchmarks[s.Benchmark] = true
				n++
			}
		}
		if b := len(benchmarks); b > mostBenchmarks || b == mostBenchmarks && n > mostSplits {
			best, mostBenchmarks, mostSplits = t.Setting, b, n
		}
	}
	return best
}

// published is the paper's number for a split in a setting.
func (s Split) published(setting string) (published.Row, bool) {
	if s.Own {
		return published.Row{}, false
	}
	return published.Find(setting, method, s.Key)
}

// asPublished tells whether numbers of this protocol can be compared with the paper's.
func (p Protocol) asPublished() bool { return p.Name == "promptir" && !p.YChannel }

// Partial tells whether some of the benchmark's images were not measured.
func (s SplitResult) Partial() bool { return s.Images < max(s.Expected, s.Found) }

// besides fills the paper's two columns of a report's table.
type besides struct {
	*tabular.Table
	report *Report
	paper  *PaperTable // nil for none
}

// paperColumns adds the columns of the report's setting if it has a number for
// one of the splits, and says below what they are.
func (r *Report) paperColumns(t *tabular.Table) besides {
	b := besides{Table: t, report: r}
	paper := tableOf(r.Setting)
	if paper == nil || !slices.ContainsFunc(r.Splits, func(s SplitResult) bool { _, ok := s.published(r.Setting); return ok }) {
		return b
	}
	b.paper = paper
	group := method + ", paper's " + paper.name()
	t.Columns = append(t.Columns, tabular.Column{Group: group, Name: "PSNR"}, tabular.Column{Group: group, Name: "SSIM"})
	t.Remarks = append(t.Remarks, fmt.Sprintf("%s: the paper's base network, %s: %s", method, paper.name(), paper.Title))
	if !r.Protocol.asPublished() {
		t.Remarks = append(t.Remarks, "none of them stands here: they are by protocol promptir, on RGB")
	}
	return b
}

// cells are the two of a published number, which is not shown if it is of
// another protocol, and has a footnote if ours is of fewer images.
func (b besides) cells(row published.Row, partial bool) []tabular.Cell {
	switch {
	case b.paper == nil:
		return nil
	case !b.report.Protocol.asPublished():
		row = published.Row{}
	}
	cells := []tabular.Cell{known("%.2f", row.PSNR), known("%.3f", row.SSIM)}
	if partial && row.PSNR != 0 {
		cells[0].Notes = []int{b.Note("of the whole set; only a part of it was measured")}
	}
	return cells
}

// known is a cell of a published number, which is 0 where there is none.
func known(format string, x float64) tabular.Cell {
	if x == 0 {
		return tabular.None()
	}
	return tabular.Number(format, x)
}
