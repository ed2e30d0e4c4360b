package eval

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/dataset"
	"clusir/internal/published"
	"clusir/internal/shard"
	"clusir/internal/tabular"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a table's text with a file of testdata.
func golden(t *testing.T, name string, table *tabular.Table) {
	t.Helper()
	var b bytes.Buffer
	if err := table.Write(&b, "text"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || b.String() != string(want) {
		t.Errorf("%s (%v):\n%s\nwant\n%s\n(go test -update writes it anew)", path, err, &b, want)
	}
}

// madeUp returns a report in which every split of a table is complete except those in
// short, with invented numbers.
func madeUp(t *PaperTable, psnr, ssim float64, short ...string) *Report {
	r := &Report{Protocol: Protocol{Name: "promptir"}, Subject: Subject{Model: "m.safetensors", Weights: "0123", Device: "cpu"}}
	for i, k := range t.Keys {
		if k == published.Average {
			continue
		}
		s := SplitResult{Split: Split{Benchmark: "b", Title: "T", Key: k, Expected: 20, Found: 20}, Images: 20}
		s.Output = Quality{psnr + float64(i)/7, ssim - float64(i)/1000}
		for _, key := range short {
			if key == k {
				s.Images = 7
			}
		}
		r.Splits = append(r.Splits, s)
	}
	return r
}

func TestPaperTables(t *testing.T) {
	for _, table := range paperTables {
		ours := []Ours{{Name: "mine", Report: madeUp(table, 33, 0.93)}}
		switch table.Number {
		case 1: // a partial split, and another protocol
			ours[0].Report = madeUp(table, 33, 0.93, "sots")
			ours[0].Report.Missing = []string{"benchmark x: get it there"}
			other := madeUp(table, 50, 0.99)
			other.Protocol = Protocol{Name: "gaussian", YChannel: true, Seed: 3}
			ours = append(ours, Ours{Name: "luma", Report: other})
		case 3: // five networks in one row, two of them present
			ours = nil
			for _, r := range table.Rows[:2] {
				ours = append(ours, Ours{Name: r.title(), Keys: r.Keys, Report: madeUp(table, 34.5, 0.98)})
			}
		case 4:
			ours = nil
		}
		golden(t, fmt.Sprintf("table%d", table.Number), table.beside(ours))
	}
	sizes, err := Sizes([]Side{{Name: "mine", Subject: Subject{Model: "nano"}}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "table7", sizes)
}

// TestRowsAreThePapers checks the names of rows with their own network against the
// paper's.
func TestRowsAreThePapers(t *testing.T) {
	for _, table := range paperTables {
		for _, r := range table.Rows {
			_, inTable := published.Find(table.Setting, r.Name, published.Average)
			if own := table.Number >= 4 && table.Number != 6; own && !inTable {
				t.Errorf("table %d: the paper has no row %q", table.Number, r.Name)
			}
			for _, c := range r.Configs {
				if _, err := os.Stat(filepath.Join("../../configs", c+".yaml")); err != nil {
					t.Errorf("table %d, row %s: %v", table.Number, r.Name, err)
				}
			}
			if found, ok := table.find(strings.ToUpper(r.Name)); !ok || found.Name != r.Name {
				t.Errorf("%q is not found", r.Name)
			}
		}
	}
	for _, n := range []int{0, 7, 10} {
		if _, err := Paper(n); err == nil {
			t.Errorf("table %d is one that measures", n)
		}
	}
}

// TestEachColumnIsMeasured opens the benchmarks of each table: their splits must be its
// columns.
func TestEachColumnIsMeasured(t *testing.T) {
	catalog := dataset.Standard()
	for _, table := range paperTables {
		benchmarks, err := table.benchmarks(catalog, PaperRow{})
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, b := range benchmarks {
			for _, s := range b.Sigmas {
				keys = append(keys, key(&dataset.Split{Benchmark: b, Sigma: s}))
			}
			for _, k := range b.Kinds {
				keys = append(keys, key(&dataset.Split{Benchmark: b, Label: k}))
			}
			if len(b.Sigmas)+len(b.Kinds) == 0 {
				keys = append(keys, key(&dataset.Split{Benchmark: b}))
			}
		}
		want := strings.Join(table.Keys, " ")
		if got := strings.Join(keys, " "); got != strings.TrimSuffix(want, " "+published.Average) {
			t.Errorf("table %d measures %s for its columns %s", table.Number, got, want)
		}
	}
	table, err := Paper(3)
	if err != nil {
		t.Fatal(err)
	}
	row, _ := table.find("dehaze")
	own, err := table.benchmarks(catalog, row)
	if err != nil || len(own) != 1 || own[0].Name != "sots" {
		t.Errorf("the network for haze is measured on %v, %v", own, err)
	}
	if all, err := catalog.Resolve("cbsd68"); err != nil || len(all[0].Sigmas) != 3 {
		t.Errorf("choosing noise levels changed the catalog: %v, %v", all[0].Sigmas, err)
	}
}

func TestRowChecks(t *testing.T) {
	base := arch.Base()
	for _, c := range []struct {
		table  int
		row    string
		change func(*arch.Config)
		want   string
	}{
		{4, "WTB", func(*arch.Config) {}, "use_moe is true"},
		{4, "WTB", func(c *arch.Config) { c.UseMoE, c.UseDAFMM = false, false }, ""},
		{4, "WTB+PCGRM-MoE", func(c *arch.Config) { c.UseDAFMM = false }, ""},
		{4, "WTB+PCGRM-MoE+DAFMM", func(*arch.Config) {}, ""},
		{5, "clusters [2,3,4,6]", func(*arch.Config) {}, "its clusters are [3 3 3 3]"},
		{5, "clusters [3,3,3,3]", func(*arch.Config) {}, ""},
		{9, "prototypes random", func(*arch.Config) {}, "prototype_init is orthogonal"},
		{9, "prototypes random", func(c *arch.Config) { c.PrototypeInit = arch.PrototypesUniform }, ""},
		{8, "ClusIR-T", func(*arch.Config) {}, "its dim is 48, not the 16 of tiny"},
		{8, "ClusIR-Base", func(*arch.Config) {}, ""},
	} {
		table, err := Paper(c.table)
		if err != nil {
			t.Fatal(err)
		}
		row, ok := table.find(c.row)
		if !ok {
			t.Errorf("no row %q", c.row)
			continue
		}
		config := base
		c.change(&config)
		if err := row.check(config); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.row, err, c.want)
		}
	}
}

// TestRankedAsPrinted: differences that no digit shows are none.
func TestRankedAsPrinted(t *testing.T) {
	if got := shown(30.004, 0.9004); got != shown(29.996, 0.8996) || got == shown(30.006, 0.9006) {
		t.Errorf("30.004 dB and 0.9004 are ranked as %v", got)
	}
}

func TestReportTable(t *testing.T) {
	table, err := Paper(2)
	if err != nil {
		t.Fatal(err)
	}
	r := madeUp(table, 30, 0.9, "lol")
	r.Setting = "five-task"
	r.Splits[0].Label = "σ=25"
	r.Splits[1].Images, r.Splits[1].Failed, r.Splits[1].Skipped = 0, 20, []string{"a.txt: no image"}
	r.Shard = shard.Shard{K: 1, N: 2}
	r.Images = []ImageResult{
		{Benchmark: "cbsd68", Split: "σ=25", Image: "a", W: 48, H: 32, Input: Quality{20, 0.5}, Output: Quality{30, 0.9}, MS: 12},
		{Benchmark: "sots", Image: "b", W: 48, H: 32, Err: "b.png is damaged"},
	}
	golden(t, "report", r.Table())
	golden(t, "images", r.imageTable())
}
