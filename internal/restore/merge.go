package restore

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"clusir/internal/shard"
	"clusir/internal/tabular"
)

// Merged holds the results of all shards of a run, or of a whole one.
type Merged struct {
	ResultsHeader
	Parts []ShardResult `json:"parts"`
	// Records are those of all pictures, by name.
	Records []Record `json:"records"`
}

// ShardResult sums up a shard.
type ShardResult struct {
	Shard    shard.Shard `json:"shard,omitzero"`
	Device   string      `json:"device"`
	Restored int         `json:"restored"`
	Skipped  int         `json:"skipped"`
	Failed   int         `json:"failed"`
	Pixels   int64       `json:"pixels"`
	Seconds  float64     `json:"compute_s"`
}

// MergeResults combines the results files of all shards of a run. A missing or
// unfinished shard is an error.
func MergeResults(paths ...string) (*Merged, error) {
	m := &Merged{}
	seen := map[shard.Shard]string{}
	for i, path := range paths {
		var h reading
		if err := resultsFormat.Read(path, h.take); err != nil {
			return nil, err
		}
		if h.Format == "" {
			return nil, fmt.Errorf("%s: %w", path, errNoResults)
		}
		if i == 0 {
			m.ResultsHeader = h.ResultsHeader
		}
		other, twice := seen[h.Shard]
		switch {
		case h.Names != m.Names || h.Model != m.Model:
			return nil, fmt.Errorf("%s does not go with %s: it is of other pictures or of another model", path, paths[0])
		case h.Shard.N != m.Shard.N:
			return nil, fmt.Errorf("%s does not go with %s: it is of %s, the other of %s", path, paths[0], h.Shard.Words(), m.Shard.Words())
		case twice:
			return nil, fmt.Errorf("%s and %s are of one shard: leave one out", other, path)
		case len(h.records) < h.Part:
			return nil, fmt.Errorf("%s is not finished: it has %d of %d pictures; continue with clusir restore --skip-existing", path, len(h.records), h.Part)
		}
		seen[h.Shard] = path
		m.add(h)
	}
	for k := 1; k <= m.Shard.N; k++ {
		if s := (shard.Shard{K: k, N: m.Shard.N}); seen[s] == "" {
			return nil, fmt.Errorf("the results of shard %s are not among the files: restore it with --shard %s", s, s)
		}
	}
	m.Shard, m.Part = shard.Shard{}, m.Pictures
	return m, nil
}

func (m *Merged) add(h reading) {
	s := ShardResult{Shard: h.Shard, Device: h.Device}
	for _, name := range slices.Sorted(maps.Keys(h.records)) {
		r := h.records[name]
		switch {
		case r.Error != "":
			s.Failed++
		case r.Skipped:
			s.Skipped++
		default:
			s.Restored++
			s.Pixels += int64(r.Width) * int64(r.Height)
			s.Seconds += r.Compute / 1e3
		}
		m.Records = append(m.Records, r)
	}
	s.Seconds = math.Round(1e6*s.Seconds) / 1e6
	m.Parts = append(m.Parts, s)
}

// Failed returns an error that sums up the pictures without a result, nil if there are
// none.
func (m *Merged) Failed() error {
	faults := m.faults()
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d pictures could not be restored; the first: %s", len(faults), m.Pictures, faults[0])
}

// faults lists why pictures have no result.
func (m *Merged) faults() (errs []string) {
	for _, r := range m.Records {
		if r.Error != "" {
			errs = append(errs, r.Error)
		}
	}
	return errs
}

// Write prints the results in one of tabular's formats or as JSON: by shards, or picture
// by picture.
func (m *Merged) Write(w io.Writer, format string, pictures bool) error {
	if pictures {
		return tabular.Write(w, format, m, m.pictureTable)
	}
	return tabular.Write(w, format, m, m.table)
}

// table returns a row for each shard and one for all.
func (m *Merged) table() *tabular.Table {
	t := &tabular.Table{Columns: []tabular.Column{
		{Name: "shard", Left: true}, {Name: "device", Left: true}, {Name: "restored"}, {Name: "skipped"}, {Name: "failed"}, {Name: "megapixels"}, {Name: "computed, s"},
	}}
	all := ShardResult{}
	for _, s := range m.Parts {
		all.Restored, all.Skipped, all.Failed = all.Restored+s.Restored, all.Skipped+s.Skipped, all.Failed+s.Failed
		all.Pixels, all.Seconds = all.Pixels+s.Pixels, all.Seconds+s.Seconds
		t.Rows = append(t.Rows, tabular.Row{Cells: s.cells(s.Shard.String())})
	}
	if len(m.Parts) > 1 {
		t.Rows = append(t.Rows, tabular.Row{Cells: all.cells("all"), Rule: true})
	}
	t.Remarks = append([]string{"model " + m.Model}, m.faults()...)
	return t
}

func (s ShardResult) cells(name string) []tabular.Cell {
	return []tabular.Cell{
		tabular.Words("%s", name), tabular.Words("%s", s.Device), tabular.Words("%d", s.Restored), tabular.Words("%d", s.Skipped), tabular.Words("%d", s.Failed),
		tabular.Number("%.1f", float64(s.Pixels)/1e6), tabular.Number("%.1f", s.Seconds),
	}
}

func (m *Merged) pictureTable() *tabular.Table {
	t := &tabular.Table{Columns: []tabular.Column{
		{Name: "picture", Left: true}, {Name: "result", Left: true}, {Name: "size"}, {Name: "ms"}, {Name: "error", Left: true},
	}}
	for _, r := range m.Records {
		size, ms := tabular.None(), tabular.None()
		if r.Error == "" && !r.Skipped {
			size, ms = tabular.Words("%d×%d", r.Width, r.Height), tabular.Number("%.0f", r.Compute)
		}
		t.Rows = append(t.Rows, tabular.Row{Cells: []tabular.Cell{tabular.Words("%s", r.Name), tabular.Words("%s", r.Output), size, ms, tabular.Words("%s", r.Error)}})
	}
	return t
}
