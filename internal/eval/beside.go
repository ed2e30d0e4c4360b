package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"clusir/internal/published"
	"clusir/internal/tabular"
)

// Ours is a network that was measured, and its place in a table of the paper.
type Ours struct {
	Name   string
	Keys   []string // the columns that it fills; nil means all
	Report *Report
}

// record is a row of a table before it is written.
type record struct {
	name, source string
	cells        map[string]entry
	part         part
}

// part is one of the parts of a table, with rules between them.
type part int

const (
	ofPaper part = iota
	ofSurvey
	ofOurs
)

// recordOf returns the record of a method from a source, which is new if there is none.
func recordOf(records *[]record, name, source string, of part) record {
	i := slices.IndexFunc(*records, func(r record) bool { return r.name == name && r.source == source && r.part == of })
	if i < 0 {
		i = len(*records)
		*records = append(*records, record{name, source, map[string]entry{}, of})
	}
	return (*records)[i]
}

// entry is a record's cell for a key. Values without a number are NaN; so is the rank
// of an entry that is not ranked.
type entry struct {
	value, rank [2]float64 // PSNR, SSIM
	exact       bool       // print SSIM with all available digits
	note        string
}

var missing = [2]float64{math.NaN(), math.NaN()}

// beside puts our rows among the published ones. Ours with the same name share a row.
func (t *PaperTable) beside(ours []Ours) *tabular.Table {
	records := t.published()
	for _, o := range ours {
		t.fill(recordOf(&records, o.Name, o.Report.source(), ofOurs).cells, o)
	}
	for _, r := range records {
		if r.part == ofOurs {
			t.average(r.cells)
		}
	}
	out := &tabular.Table{Title: fmt.Sprintf("Table %d: %s", t.Number, t.Title)}
	out.Columns = t.columns()
	ranks := t.ranks(records)
	for i, r := range records {
		row := t.row(out, r, ranks)
		row.Rule = i > 0 && r.part != records[i-1].part
		out.Rows = append(out.Rows, row)
	}
	out.Remarks = remarks(ours)
	return out
}

const (
	oursSource    = "ours"
	pictureSource = "pictures" // another program's, measured by us
)

// source returns where a measured row comes from.
func (s Subject) source() string {
	if s.Restored != "" {
		return pictureSource
	}
	return oursSource
}

// published returns the paper's rows, and those of the survey that the paper leaves
// out.
func (t *PaperTable) published() (records []record) {
	for _, c := range published.Rows() {
		source, of := c.Venue, ofPaper
		switch {
		case c.Table == published.Survey && tableOf(c.Setting) == t:
			source, of = "survey, June 2026", ofSurvey
		case c.Table != fmt.Sprint(t.Number):
			continue
		case source == "Ours" || source == "":
			source = "paper"
		}
		recordOf(&records, c.Method, source, of).cells[c.Benchmark] = publishedEntry(c)
	}
	return records
}

func publishedEntry(c published.Row) entry {
	d := published.Doubts(c)
	e := entry{value: [2]float64{c.PSNR, c.SSIM}, rank: [2]float64{d.PSNR, d.SSIM}, exact: true, note: d.Note}
	for k, v := range e.value {
		if v == 0 { // not given
			e.value[k], e.rank[k] = math.NaN(), math.NaN()
		}
	}
	return e
}

// fill adds the measured results. Results for only some of the images, or with another
// protocol, are shown but not ranked.
func (t *PaperTable) fill(cells map[string]entry, o Ours) {
	for _, s := range o.Report.Splits {
		if s.Own || !slices.Contains(t.Keys, s.Key) || len(o.Keys) > 0 && !slices.Contains(o.Keys, s.Key) || s.Images == 0 {
			continue
		}
		e := entry{value: [2]float64{s.Output.PSNR, s.Output.SSIM}, rank: shown(s.Output.PSNR, s.Output.SSIM)}
		var notes []string
		if s.unlike() != "" {
			notes = append(notes, s.Count()+" images measured; not ranked")
		}
		if !o.Report.Protocol.asPublished() {
			notes = append(notes, "not by the protocol of the published numbers; not ranked")
		}
		if e.note = strings.Join(notes, "; "); e.note != "" {
			e.rank = missing
		}
		cells[s.Key] = e
	}
}

// average adds the mean of our cells if all are present.
func (t *PaperTable) average(cells map[string]entry) {
	if !slices.Contains(t.Keys, published.Average) {
		return
	}
	var mean entry
	for _, k := range t.Keys {
		if k == published.Average {
			continue
		}
		e, ok := cells[k]
		if !ok {
			return
		}
		for i := range e.value {
			mean.value[i] += e.value[i] / float64(len(t.Keys)-1)
		}
		if math.IsNaN(e.rank[0]) {
			mean.note = "the average of cells that are not ranked"
		}
	}
	mean.rank = shown(mean.value[0], mean.value[1])
	if mean.note != "" {
		mean.rank = missing
	}
	cells[published.Average] = mean
}

// ranks returns the best and the second best number for each key, PSNR and SSIM.
func (t *PaperTable) ranks(records []record) map[string][2][]float64 {
	ranks := map[string][2][]float64{}
	for _, k := range t.Keys {
		var both [2][]float64
		for i := range both {
			var all []float64
			for _, r := range records {
				if e, ok := r.cells[k]; ok && !math.IsNaN(e.rank[i]) {
					all = append(all, e.rank[i])
				}
			}
			both[i] = topTwo(all)
		}
		ranks[k] = both
	}
	return ranks
}

func (t *PaperTable) row(out *tabular.Table, r record, ranks map[string][2][]float64) tabular.Row {
	row := tabular.Row{Cells: []tabular.Cell{tabular.Words("%s", r.name), tabular.Words("%s", r.source)}}
	for _, k := range t.Keys {
		e, ok := r.cells[k]
		if !ok {
			e = entry{value: missing, rank: missing}
		}
		for i, v := range e.value {
			c := tabular.None()
			if !math.IsNaN(v) {
				c = tabular.Number(e.format(i), v)
				c.Mark = markOf(e.rank[i], ranks[k][i])
			}
			if e.note != "" && i == 0 {
				c.Notes = []int{out.Note("%s", e.note)}
			}
			row.Cells = append(row.Cells, c)
		}
	}
	return row
}

// format returns the format of PSNR or SSIM; the paper gives some SSIM with four
// digits.
func (e entry) format(i int) string {
	switch {
	case i == 0:
		return "%.2f"
	case e.exact && math.Abs(e.value[1]-round(e.value[1], 3)) > 1e-9:
		return "%.4f"
	}
	return "%.3f"
}

// topTwo returns the largest and the second largest of some numbers, nil if all are the
// same.
func topTwo(x []float64) []float64 {
	slices.SortFunc(x, func(a, b float64) int { return cmp.Compare(b, a) })
	if x = slices.Compact(x); len(x) < 2 {
		return nil
	}
	return x[:2]
}

func markOf(rank float64, best []float64) tabular.Mark {
	switch slices.Index(best, rank) {
	case 0:
		return tabular.Best
	case 1:
		return tabular.Second
	}
	return ""
}

// shown returns PSNR and SSIM as printed, which is how they are ranked.
func shown(psnr, ssim float64) [2]float64 { return [2]float64{round(psnr, 2), round(ssim, 3)} }

func round(x float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(x*p) / p
}

func (t *PaperTable) columns() []tabular.Column {
	columns := []tabular.Column{{Name: "method", Left: true}, {Name: "source", Left: true}}
	for _, k := range t.Keys {
		title := keyTitle(k)
		columns = append(columns, tabular.Column{Group: title, Name: "PSNR"}, tabular.Column{Group: title, Name: "SSIM"})
	}
	return columns
}

var keyTitles = map[string]string{"cbsd68": "CBSD68", "kodak24": "Kodak24", "sots": "SOTS", "rain100l": "Rain100L", "gopro": "GoPro", "lol": "LOL-v1"}

// keyTitle returns a key as a column title: CBSD68 σ=15, or L+H of CDD11.
func keyTitle(key string) string {
	name, sigma, noise := strings.Cut(key, "-")
	if slices.Contains(cddKeys, key) && key != published.Average {
		name = strings.ToUpper(key)
	}
	if title := keyTitles[name]; title != "" {
		name = title
	}
	if noise {
		name += " σ=" + sigma
	}
	return name
}

// remarks says how our rows were made, without repetition.
func remarks(ours []Ours) (lines []string) {
	for _, o := range ours {
		lines = append(lines, o.Report.protocol())
	}
	for _, o := range ours {
		for _, line := range append(o.Report.notes(), o.Report.faults()...) {
			lines = append(lines, o.Name+": "+strings.TrimPrefix(line, o.Name+": "))
		}
		lines = append(lines, prefixed("missing: ", o.Report.Missing)...)
	}
	return distinct(lines)
}
