package eval

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/dustin/go-humanize/english"

	"clusir/internal/tabular"
)

// differing is the number of images that a comparison lists unless it lists all.
const differing = 10

// Write prints the comparison in one of tabular's formats or as JSON: by splits, followed
// in text by the images that differ most, or image by image.
func (c *Comparison) Write(w io.Writer, format string, images bool) error {
	if images && format != "json" {
		return c.imageTable(0).Write(w, format)
	}
	if err := tabular.Write(w, format, c, c.Table); err != nil || format != "text" || len(c.Images) == 0 {
		return err
	}
	fmt.Fprintln(w)
	return c.imageTable(differing).Write(w, format)
}

// Table returns the comparison by splits.
func (c *Comparison) Table() *tabular.Table {
	t := &tabular.Table{Title: fmt.Sprintf("B = %s minus A = %s", c.B.Model, c.A.Model), Columns: []tabular.Column{
		{Name: "benchmark", Left: true}, {Name: "part", Left: true}, {Name: "images"},
		{Group: "PSNR", Name: "A"}, {Group: "PSNR", Name: "B"}, {Group: "PSNR", Name: "B − A"}, {Group: "PSNR", Name: "95 %"},
		{Group: "SSIM", Name: "A"}, {Group: "SSIM", Name: "B"}, {Group: "SSIM", Name: "B − A"}, {Group: "SSIM", Name: "95 %"},
		{Name: "B better"}, {Name: "B worse"},
	}}
	parts := 0
	for _, s := range c.Splits {
		if s.Images > 0 {
			parts++
		}
		cells := []tabular.Cell{tabular.Words("%s", s.Title), tabular.Words("%s", s.Label), tabular.Words("%s", s.count())}
		cells = append(cells, s.cells(s.Images)...)
		cells = append(cells, tabular.Number("%.0f", float64(s.Better)), tabular.Number("%.0f", float64(s.Worse)))
		t.Rows = append(t.Rows, tabular.Row{Cells: cells})
	}
	if parts > 1 {
		cells := []tabular.Cell{tabular.Words("mean of %d parts", parts), {}, {}}
		cells = append(cells, c.Mean.cells(len(c.Images))...)
		t.Rows = append(t.Rows, tabular.Row{Cells: append(cells, tabular.Cell{}, tabular.Cell{}), Rule: true})
	}
	t.Remarks = []string{
		c.protocol(),
		c.sides(),
		fmt.Sprintf("95 %%: paired bootstrap over images, %d resamples, seed %d", resamples, c.Seed),
	}
	t.Remarks = append(t.Remarks, c.leftOut()...)
	t.Remarks = append(t.Remarks, prefixed("missing: ", c.Missing)...)
	return t
}

// leftOut says which images are in no mean.
func (c *Comparison) leftOut() (lines []string) {
	for _, s := range c.Splits {
		if s.Perfect > 0 {
			lines = append(lines, fmt.Sprintf("%s: A and B both equal the clean image in %s of %d, which are in no mean", s.Name(), english.Plural(s.Perfect, "image", ""), s.Found))
		}
	}
	for _, line := range c.LeftOut {
		lines = append(lines, "left out: "+line)
	}
	return lines
}

// protocol says how both were measured.
func (c *Comparison) protocol() string {
	if c.A.Restored == "" && c.B.Restored == "" {
		return c.Protocol.String()
	}
	return c.Protocol.with("a network's output clamped and not quantised, another program's in the bits of its files")
}

// sides says whose results are compared.
func (c *Comparison) sides() string {
	side := func(s Subject) string {
		if s.Restored != "" {
			return "pictures of " + s.Restored
		}
		return fmt.Sprintf("weights %s on %s", s.Weights, s.place())
	}
	return fmt.Sprintf("A: %s; B: %s", side(c.A), side(c.B))
}

// count returns how many of the benchmark's images are compared.
func (s SplitDifference) count() string { return SplitResult{Split: s.Split, Images: s.Images}.Count() }

func (d Difference) cells(images int) (cells []tabular.Cell) {
	if images == 0 {
		return none(8)
	}
	for _, m := range []struct {
		format string
		a, b   float64
		i      Interval
	}{{"%.2f", d.A.PSNR, d.B.PSNR, d.PSNR}, {"%.4f", d.A.SSIM, d.B.SSIM, d.SSIM}} {
		signed := "%+" + m.format[1:]
		cells = append(cells, tabular.Number(m.format, m.a), tabular.Number(m.format, m.b), tabular.Number(signed, m.i.Mean), m.i.bounds(signed))
	}
	return cells
}

func (i Interval) bounds(format string) tabular.Cell {
	if i.Low == nil {
		return tabular.None()
	}
	return tabular.Words("%s to %s", tabular.Format(format, *i.Low), tabular.Format(format, *i.High))
}

// imageTable lists the images that differ most, largest difference first; limit is the
// number of images, 0 for all.
func (c *Comparison) imageTable(limit int) *tabular.Table {
	t := &tabular.Table{Columns: []tabular.Column{
		{Name: "benchmark", Left: true}, {Name: "part", Left: true}, {Name: "image", Left: true},
		{Group: "PSNR", Name: "A"}, {Group: "PSNR", Name: "B"}, {Group: "PSNR", Name: "B − A"},
		{Group: "SSIM", Name: "A"}, {Group: "SSIM", Name: "B"}, {Group: "SSIM", Name: "B − A"},
	}}
	if limit == 0 {
		t.Remarks = append([]string{c.protocol(), c.sides()}, c.leftOut()...)
	}
	images := slices.Clone(c.Images)
	slices.SortStableFunc(images, func(a, b ImageDifference) int {
		return cmp.Compare(math.Abs(b.gain()[0]), math.Abs(a.gain()[0]))
	})
	if limit > 0 && len(images) > limit {
		t.Title = fmt.Sprintf("the %d of %d images that differ most", limit, len(images))
		images = images[:limit]
	}
	for _, m := range images {
		t.Rows = append(t.Rows, tabular.Row{Cells: []tabular.Cell{
			tabular.Words("%s", m.Benchmark), tabular.Words("%s", m.Split), tabular.Words("%s", m.Image),
			tabular.Number("%.2f", m.A.PSNR), tabular.Number("%.2f", m.B.PSNR), tabular.Number("%+.2f", m.gain()[0]),
			tabular.Number("%.4f", m.A.SSIM), tabular.Number("%.4f", m.B.SSIM), tabular.Number("%+.4f", m.gain()[1]),
		}})
	}
	return t
}
