package report

import (
	"bytes"
	"image/color"
	"image/jpeg"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"clusir/internal/draw"
	"clusir/internal/eval"
	"clusir/internal/tabular"
)

func write(t testing.TB, p Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// elements counts a page's elements by name, and checks that those that must be closed
// are.
func elements(t *testing.T, page string) map[string]int {
	t.Helper()
	count := map[string]int{}
	var open []string
	single := []string{"meta", "img", "input", "path", "br", "link"}
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("not closed: %v", open)
			}
			return count
		case html.StartTagToken:
			name, _ := z.TagName()
			count[string(name)]++
			if !slices.Contains(single, string(name)) {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Fatalf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

func TestPage(t *testing.T) {
	r := result(8)
	falling := []draw.Point{{X: 1, Y: 2}, {X: 2, Y: 1}}
	page := write(t, Page{
		Eval: r, Gallery: gallery(t, r, 64, 48), Config: map[string]int{"dim": 16},
		Facts: []Fact{{"Machine", "a <small> one"}},
		Curves: []draw.Lines{{Title: "loss", Series: []draw.Series{
			{Entry: draw.Entry{Colour: color.Black}, Thin: true, Points: falling}, {Entry: draw.Entry{Name: "smooth", Colour: color.Black}, Points: falling},
		}}},
	})
	for _, want := range []string{
		"net&lt;1&gt;", "CBSD68", "8 of 100", "37.28" /* the paper's */, "missing: benchmark gopro", "failed: the file &lt;is&gt; damaged",
		"SSIM window 7×7 uniform", "a &lt;small&gt; one", "&#34;dim&#34;: 16", "0123456789abcdef", "aria-sort", "prefers-color-scheme", "smooth",
		"<b>Best</b>", "<b>Worst</b>", "<b>The only image</b>", "--v: 0.750",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	for _, bad := range []string{"http://", "https://", "ZgotmplZ", "NaN", "<is>", "url(", `"></th>`} {
		// The namespaces of SVG are names, not addresses that are opened.
		text := strings.NewReplacer("http://www.w3.org/2000/svg", "", "http://www.w3.org/1999/xlink", "").Replace(page)
		if strings.Contains(text, bad) {
			t.Errorf("%q is in the page", bad)
		}
	}
	count := elements(t, page)
	if count["svg"] != 3+1 || count["input"] != 3+3+1+1+1 || count["table"] != 2+2 {
		t.Errorf("elements: %v", count)
	}
	if count["img"] != 3*(3+3+1)+8+8+1 {
		t.Errorf("%d pictures", count["img"])
	}
}

func TestPageOfLittle(t *testing.T) {
	one := write(t, Page{Eval: &eval.Report{Splits: result(1).Splits[:1], Images: result(1).Images[:1]}})
	if strings.Contains(one, "1 images") || strings.Count(one, "1 image,")+strings.Count(one, "of 1 image:") != 2 {
		t.Error("a page of one image says how many there are in the plural")
	}
	merged := write(t, Page{Eval: result(2)})
	if !strings.Contains(merged, "There are no pictures here") || strings.Contains(merged, "<img") || strings.Contains(merged, "Training") {
		t.Error("a page with only results shows pictures or curves")
	}
	empty := &eval.Report{Protocol: eval.Protocol{Name: "promptir"}, Splits: []eval.SplitResult{{Split: eval.Split{Title: "none", Benchmark: "none", Expected: 5}}}}
	page := write(t, Page{Eval: empty, Gallery: NewGallery()})
	if !strings.Contains(page, "none measured") || strings.Contains(page, "NaN") {
		t.Error("a benchmark of which nothing was measured")
	}
	elements(t, page)
}

// TestPageOfManyImages limits the size of the page of a thousand images.
func TestPageOfManyImages(t *testing.T) {
	r := result(500)
	g := gallery(t, r, 481, 321)
	begin := time.Now()
	page := write(t, Page{Eval: r, Gallery: g})
	if n := len(page); n > 20<<20 || n < 2<<20 {
		t.Errorf("%d images are %d bytes", len(r.Images), n)
	}
	t.Logf("%d images: %.1f MB, written in %v", len(r.Images), float64(len(page))/1e6, time.Since(begin))
}

func TestRanked(t *testing.T) {
	r := result(8)
	for k, want := range []string{"Best cbsd682 Median cbsd685 Worst cbsd681", "Best rain100l2 Median rain100l5 Worst rain100l1", "The only image sots1"} {
		var got []string
		for _, i := range ranked(r)[k] {
			got = append(got, i.rank, i.image.Image)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("split %d: %q, want %q", k, got, want)
		}
	}
	if n := len(shown(r)); n != 7 {
		t.Errorf("%d images are shown", n)
	}
	r.Images[0].Output.PSNR = math.Inf(1)
	if best := ranked(r)[0][0].image.Index; best != 0 {
		t.Errorf("image %d gains most, and image 0 is perfect", best)
	}
}

func TestFit(t *testing.T) {
	m := photo(1400, 700, 1).RGBA()
	for _, budget := range []int{400 << 10, 60 << 10, 12 << 10} {
		file := fit(m, budget)
		c, err := jpeg.DecodeConfig(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if len(file) > budget || c.Width > largeSide || c.Width < 240 || c.Width/2 != c.Height && c.Width/2 != c.Height-1 {
			t.Errorf("in %d bytes: %d, of %d×%d", budget, len(file), c.Width, c.Height)
		}
	}
	if file := fit(m, 10); len(file) == 0 {
		t.Error("a budget too small for any picture gives none")
	}
}

// TestBefore: of a comparison, A's result stays in the place of the input.
func TestBefore(t *testing.T) {
	g := NewGallery()
	g.expect(1)
	input, a, b := photo(48, 32, 1), photo(48, 32, 2), photo(48, 32, 3)
	g.addBefore(eval.ImageResult{}, input, a, input)
	left := g.large[0].files[0]
	g.addLarge(eval.ImageResult{}, input, b, input)
	if l := g.large[0]; !bytes.Equal(l.files[0], left) || bytes.Equal(l.files[1], left) || bytes.Equal(l.files[2], left) || l.w != 48 || l.h != 32 {
		t.Errorf("%d×%d: %d bytes before, %d and %d now", l.w, l.h, len(left), len(l.files[0]), len(l.files[1]))
	}
}

func TestRouting(t *testing.T) {
	stages := routing(result(4))
	if len(stages) != 2 || len(stages[0].Rows) != 3 || !slices.Equal(stages[0].Rows[1].Weight, []float64{0.25, 0.75, 0}) {
		t.Errorf("%+v", stages)
	}
	plain := result(1)
	for i := range plain.Images {
		plain.Images[i].Experts, plain.Images[i].Posterior = nil, nil
	}
	if stages := routing(plain); stages != nil {
		t.Errorf("a network without experts: %+v", stages)
	}
}

// TestAxis: a chart's axis is close to its data.
func TestAxis(t *testing.T) {
	of := func(values ...float64) (images []eval.ImageResult) {
		for _, v := range values {
			images = append(images, eval.ImageResult{Input: eval.Quality{PSNR: v}, Output: eval.Quality{PSNR: v}})
		}
		return images
	}
	for name, tc := range map[string]struct {
		images []eval.ImageResult
		want   axis
	}{
		"far from 0": {of(24.2, 31), axis{24, 32}},
		"wide":       {of(7.9, 31), axis{5, 35}},
		"one":        {of(30), axis{29, 31}},
		"perfect":    {of(30, math.Inf(1)), axis{29, 31}},
		"none":       {nil, axis{0, 1}},
	} {
		if got := axisOf(tc.images); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// TestWithoutEmpty: a column is removed if and only if it is empty in all rows.
func TestWithoutEmpty(t *testing.T) {
	table := func(parts ...string) *tabular.Table {
		t := &tabular.Table{Columns: []tabular.Column{{Name: "benchmark"}, {Name: "part"}, {Name: "images"}}}
		for _, p := range parts {
			t.Rows = append(t.Rows, tabular.Row{Cells: []tabular.Cell{{Text: "b"}, {Text: p}, {Text: "2"}}})
		}
		t.Rows = append(t.Rows, tabular.Row{Cells: []tabular.Cell{{Text: "mean"}}})
		return t
	}
	for _, c := range []struct {
		name    string
		parts   []string
		columns int
	}{{"part", []string{"", ""}, 2}, {"part", []string{"", "σ=5"}, 3}, {"none", []string{""}, 3}, {"part", nil, 2}} {
		got := withoutEmpty(table(c.parts...), c.name)
		if len(got.Columns) != c.columns || got.Columns[c.columns-1].Name != "images" {
			t.Errorf("%s of %q: columns %v", c.name, c.parts, got.Columns)
		}
		for _, r := range got.Rows[:len(c.parts)] {
			if len(r.Cells) != c.columns || r.Cells[c.columns-1].Text != "2" {
				t.Errorf("%s of %q: cells %v", c.name, c.parts, r.Cells)
			}
		}
	}
}
