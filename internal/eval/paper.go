package eval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/dataset"
	"clusir/internal/published"
)

// PaperTable is a table of the paper, and the networks that our rows of it need.
type PaperTable struct {
	Number  int
	Title   string
	Setting string   // of the published rows
	Keys    []string // of the splits in its columns; "average" is their mean
	// Rows lists our networks that correspond to the paper's rows.
	Rows []PaperRow
	// One reports that any network makes a row: the embedded model then fills it by
	// default.
	One bool
}

// PaperRow is a row that one of our networks takes in a table.
type PaperRow struct {
	Name string
	// Row is the row for its numbers if networks share one: those of Table 3 have a
	// column each.
	Row  string
	Keys []string // the columns that it is measured for; nil means all
	// Configs names the configurations that train it.
	Configs []string
	// wrong says why a network does not match the row, "" if it does.
	wrong func(arch.Config) string
}

var (
	threeKeys = []string{"cbsd68-15", "cbsd68-25", "cbsd68-50", "sots", "rain100l", published.Average}
	fiveKeys  = []string{"cbsd68-25", "sots", "rain100l", "gopro", "lol", published.Average}
	noiseKeys = []string{"kodak24-15", "kodak24-25", "kodak24-50"}
	cddKeys   = []string{"l", "h", "r", "s", "l+h", "l+r", "l+s", "h+r", "h+s", "l+h+r", "l+h+s", published.Average}
)

// paperTables are the tables that measure; Table 7 counts, see Sizes.
var paperTables = []*PaperTable{
	{Number: 1, Title: "three tasks at once", Setting: "three-task", Keys: threeKeys, One: true,
		Rows: []PaperRow{{Name: "three-task", Configs: []string{"three-task"}}}},
	{Number: 2, Title: "five tasks at once", Setting: "five-task", Keys: fiveKeys, One: true,
		Rows: []PaperRow{{Name: "five-task", Configs: []string{"five-task"}}}},
	{Number: 3, Title: "one network for each task", Setting: "one-by-one", One: true,
		Keys: append(slices.Clone(noiseKeys), "sots", "rain100l", "gopro", "lol"),
		Rows: []PaperRow{
			oneByOne("denoise", noiseKeys...), oneByOne("dehaze", "sots"), oneByOne("derain", "rain100l"),
			oneByOne("deblur", "gopro"), oneByOne("enhance", "lol"),
		}},
	{Number: 4, Title: "the modules, one after the other", Setting: "three-task", Keys: threeKeys, Rows: []PaperRow{
		{Name: "WTB", Configs: []string{"table4-a"}, wrong: modules(false, false)},
		{Name: "WTB+PCGRM-MoE", Configs: []string{"table4-b"}, wrong: modules(true, false)},
		{Name: "WTB+PCGRM-MoE+DAFMM", Configs: []string{"table4-c", "three-task"}, wrong: modules(true, true)},
	}},
	{Number: 5, Title: "clusters of each stage", Setting: "three-task", Keys: threeKeys, Rows: []PaperRow{
		clusters([]int{3, 3, 3, 3}, "table5-3333", "three-task"),
		clusters([]int{2, 3, 4, 6}, "table5-2346"), clusters([]int{6, 4, 3, 2}, "table5-6432"),
	}},
	{Number: 6, Title: "compositions of CDD11", Setting: "cdd11", Keys: cddKeys, One: true,
		Rows: []PaperRow{{Name: "cdd11", Configs: []string{"cdd11"}}}},
	{Number: 8, Title: "sizes of the network on three tasks", Setting: "three-task", Keys: threeKeys, One: true, Rows: []PaperRow{
		size("ClusIR-T", "tiny", "tiny"), size("ClusIR-S", "small", "small"), size("ClusIR-Base", "base", "three-task"),
	}},
	{Number: 9, Title: "the prototypes' start", Setting: "three-task", Keys: threeKeys, Rows: []PaperRow{
		prototypes("orthogonal", arch.PrototypesOrthogonal, "three-task"), prototypes("random", arch.PrototypesUniform, "table9-random"),
	}},
}

// Paper returns a table by number.
func Paper(number int) (*PaperTable, error) {
	for _, t := range paperTables {
		if t.Number == number {
			return t, nil
		}
	}
	return nil, fmt.Errorf("table %d: the paper's are 1 to 9", number)
}

func oneByOne(task string, keys ...string) PaperRow {
	return PaperRow{Name: task, Row: "one-by-one", Keys: keys, Configs: []string{"one-by-one-" + task}}
}

func modules(moe, dafmm bool) func(arch.Config) string {
	return func(c arch.Config) string {
		if c.UseMoE != moe || c.UseDAFMM != dafmm {
			return fmt.Sprintf("its use_moe is %t and its use_dafmm %t, not %t and %t", c.UseMoE, c.UseDAFMM, moe, dafmm)
		}
		return ""
	}
}

func clusters(n []int, configs ...string) PaperRow {
	name := "clusters [" + strings.Trim(strings.ReplaceAll(fmt.Sprint(n), " ", ","), "[]") + "]"
	return PaperRow{Name: name, Configs: configs, wrong: func(c arch.Config) string {
		if !slices.Equal(c.Clusters, n) {
			return fmt.Sprintf("its clusters are %v", c.Clusters)
		}
		return ""
	}}
}

func size(name, variant, config string) PaperRow {
	dim := arch.Variants()[variant].Dim
	return PaperRow{Name: name, Configs: []string{config}, wrong: func(c arch.Config) string {
		if c.Dim != dim {
			return fmt.Sprintf("its dim is %d, not the %d of %s", c.Dim, dim, variant)
		}
		return ""
	}}
}

func prototypes(name, start, config string) PaperRow {
	return PaperRow{Name: "prototypes " + name, Configs: []string{config}, wrong: func(c arch.Config) string {
		if c.PrototypeInit != start {
			return fmt.Sprintf("its prototype_init is %s, not %s", c.PrototypeInit, start)
		}
		return ""
	}}
}

// name is the table's name outside of its own title.
func (t *PaperTable) name() string { return fmt.Sprint("Table ", t.Number) }

// find returns the row with a name, ignoring case.
func (t *PaperTable) find(name string) (PaperRow, bool) {
	for _, r := range t.Rows {
		if strings.EqualFold(r.Name, name) {
			return r, true
		}
	}
	return PaperRow{}, false
}

// title returns the title of its row.
func (r PaperRow) title() string { return cmp.Or(r.Row, r.Name) }

// check returns an error if a network does not match the row.
func (r PaperRow) check(c arch.Config) error {
	if r.wrong == nil {
		return nil
	}
	if what := r.wrong(c); what != "" {
		return fmt.Errorf("the network is not one for the row %q: %s", r.Name, what)
	}
	return nil
}

// benchmarks returns the benchmarks of a row, with its noise levels.
func (t *PaperTable) benchmarks(c *dataset.Catalog, r PaperRow) ([]*dataset.Benchmark, error) {
	keys := r.Keys
	if len(keys) == 0 {
		keys = t.Keys
	}
	if t.Setting == "cdd11" {
		return c.Resolve("cdd11")
	}
	var names []string
	for _, k := range keys {
		if k == published.Average {
			continue
		}
		name, _, _ := strings.Cut(k, "-")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	found, err := c.Resolve(strings.Join(names, ","))
	if err != nil {
		return nil, err
	}
	for i, b := range found {
		own := *b
		own.Sigmas = slices.DeleteFunc(slices.Clone(b.Sigmas), func(s float64) bool {
			return !slices.Contains(keys, fmt.Sprintf("%s-%g", b.Name, s))
		})
		found[i] = &own
	}
	return found, nil
}
