package draw

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

var red = color.RGBA{255, 0, 0, 255}

func flat(w, h int, c color.Color) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		m.Set(i%w, i/w, c)
	}
	return m
}

// block is a panel that paints its whole area.
type block struct {
	w, h vg.Length
	c    color.Color
}

func (b block) Size() (w, h vg.Length) { return b.w, b.h }
func (b block) Draw(c vgdraw.Canvas) {
	c.SetColor(b.c)
	c.Fill(c.Path())
}

func decode(t *testing.T, s *Sheet) image.Image {
	t.Helper()
	var file bytes.Buffer
	if err := s.PNG(&file); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSheetPlacesPanels counts the pixels of panels of different sizes: each is
// complete, in its column and row.
func TestSheetPlacesPanels(t *testing.T) {
	blue, green := color.RGBA{0, 0, 255, 255}, color.RGBA{0, 255, 0, 255}
	s := &Sheet{Rows: [][]Panel{{block{20, 30, red}, nil, block{10, 10, blue}}, {nil, block{40, 10, green}}}}
	w, h := s.size()
	if w != 20+40+10+2*gap+2*margin || h != 30+10+gap+2*margin {
		t.Fatalf("the sheet is %g×%g", w, h)
	}
	m := decode(t, s)
	boxes := map[color.RGBA]image.Rectangle{}
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			c := color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)
			if boxes[c].Empty() {
				boxes[c] = image.Rect(x, y, x+1, y+1)
			}
			boxes[c] = boxes[c].Union(image.Rect(x, y, x+1, y+1))
		}
	}
	for c, want := range map[color.RGBA]image.Rectangle{
		red:   image.Rect(28, 28, 68, 88),
		blue:  image.Rect(2*(margin+20+gap+40+gap), 28, 2*(margin+20+gap+40+gap+10), 48),
		green: image.Rect(2*(margin+20+gap), 2*(margin+30+gap), 2*(margin+20+gap+40), 2*(margin+30+gap+10)),
	} {
		if boxes[c] != want {
			t.Errorf("colour %v is at %v, want %v", c, boxes[c], want)
		}
	}
}

func TestPictureKeepsShapeAndBoxes(t *testing.T) {
	p := Picture{Image: flat(40, 20, color.White), Width: 80, Boxes: []Box{{image.Rect(10, 5, 30, 15), red}}}
	if w, h := p.Size(); w != 80 || h != 40 {
		t.Errorf("40×20 pixels in a width of 80 are %g×%g", w, h)
	}
	m := decode(t, &Sheet{Rows: [][]Panel{{p}}})
	// pixel (10, 5) is 20 points right of and 10 below the corner, at two pixels per
	// point
	for _, at := range []image.Point{{2 * (margin + 20), 2 * (margin + 20)}, {2 * (margin + 60), 2 * (margin + 20)}} {
		if c := color.RGBAModel.Convert(m.At(at.X, at.Y)).(color.RGBA); c != red {
			t.Errorf("at %v is %v and no box", at, c)
		}
	}
}

// TestSheetsAreWhole draws every kind of panel, as PNG and as SVG.
func TestSheetsAreWhole(t *testing.T) {
	entry := Entry{Name: "σ=15 <noise> & more", Colour: red, Mark: 7}
	scale := Scale{Max: 2}
	rising := []Point{{X: 1, Y: 2}, {X: 3, Y: 4}}
	s := &Sheet{
		Title: "Title", Legend: []Entry{entry, entry}, Notes: []string{strings.Repeat("word ", 80)},
		Rows: [][]Panel{
			{Picture{Title: "p", Note: "n", Image: flat(3, 2, red), Width: 30, Pixels: true, Frame: red}, nil},
			{Scatter{Title: "s", Side: 60, Series: []Series{{Entry: entry, Points: rising}, {Entry: entry}}},
				Lines{Title: "l", X: "x", Y: "y", Width: 90, Height: 60, Series: []Series{{Entry: entry, Points: rising}}}},
			{Heat{Title: "h", Rows: []string{"a", "b"}, Cols: []string{"1", "2", "3"}, Format: "%.1f", Cell: 20, CellWide: 20, Scale: scale, Groups: 2,
				Values: [][]float64{{0, 1, 2}, {3, math.NaN(), -1}}}, Bar{Scale: scale, Label: "b", Format: "%.2f", Width: 50}},
		},
	}
	dir := t.TempDir()
	paths, err := s.Save(dir, "sheet")
	if err != nil || len(paths) != 2 {
		t.Fatal(paths, err)
	}
	w, h := s.size()
	if b := decode(t, s).Bounds(); math.Abs(float64(b.Dx())-2*float64(w)) > 1 || math.Abs(float64(b.Dy())-2*float64(h)) > 1 {
		t.Errorf("the picture is %v, the sheet %g×%g points", b, w, h)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "sheet.svg"))
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	title := fmt.Sprintf("textLength=\"%.1f\"", titleStyle.Width("Title").Points())
	for _, want := range []string{"Title", "&lt;noise&gt;", "Arial", title} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("there is no %s in the SVG file", want)
		}
	}
	if again, _ := s.Save(t.TempDir(), "sheet"); !sameFile(t, paths[0], again[0]) || !sameFile(t, paths[1], again[1]) {
		t.Error("the same sheet gives different files")
	}
}

// TestLinesHoldTheirLegend: the legend is below the plot, in as many lines as
// necessary, and single points are visible.
func TestLinesHoldTheirLegend(t *testing.T) {
	named := Series{Entry: Entry{Name: "some name", Colour: red}, Points: []Point{{X: 1, Y: 1}}}
	l := Lines{Width: 150, Height: 80, Series: []Series{{Entry: Entry{Colour: red}, Points: named.Points}}}
	if _, h := l.Size(); h != 80 {
		t.Errorf("%g high without names, want 80", h)
	}
	l.Series = slices.Repeat([]Series{named}, 3)
	if _, h := l.Size(); h != 80+gap+2*line(textStyle) {
		t.Errorf("%g high with three names, want two lines of them", h)
	}
	count := 0
	m := decode(t, &Sheet{Rows: [][]Panel{{l}}})
	for y := range 2 * (margin + 70) {
		for x := range m.Bounds().Dx() {
			if color.RGBAModel.Convert(m.At(x, y)).(color.RGBA) == red {
				count++
			}
		}
	}
	if count < 9 {
		t.Errorf("a line of one point paints %d pixels", count)
	}
}

// TestBarKeepsItsProportions: viewers of SVG keep an image's proportions, and would
// show a strip of another shape as a thin line.
func TestBarKeepsItsProportions(t *testing.T) {
	for _, width := range []vg.Length{60, 120, 360} {
		b := Bar{Scale: Scale{Max: 1}, Width: width}
		r := b.strip().Bounds()
		if got, want := float64(r.Dx())/float64(r.Dy()), float64(width)/barHigh; math.Abs(got/want-1) > .1 {
			t.Errorf("a bar of %g×%d has a strip of %v", width, barHigh, r)
		}
	}
}

func sameFile(t *testing.T, a, b string) bool {
	x, errX := os.ReadFile(a)
	y, errY := os.ReadFile(b)
	if err := errors.Join(errX, errY); err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}

func TestWrap(t *testing.T) {
	wide := noteStyle.Width("a few words")
	for text, want := range map[string]string{
		"":                               "",
		"a few words":                    "a few words",
		"a few words and more":           "a few words|and more",
		"incomprehensibilities are long": "incomprehensibilities|are long",
	} {
		if got := strings.Join(wrap(noteStyle, text, wide), "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	e := Entry{Name: "name"}
	if lines := wrapEntries([]Entry{e, e, e}, 2*e.width()); len(lines) != 2 || len(lines[0]) != 2 {
		t.Errorf("three entries in the width of two: %v", lines)
	}
}

func TestScale(t *testing.T) {
	s := Scale{Min: -1, Max: 1}
	last := -1.
	for _, v := range []float64{-9, -1, -0.5, 0, 0.5, 1, 9} {
		r, g, b, _ := s.at(v).RGBA()
		light := 0.299*float64(r) + 0.587*float64(g) + 0.114*float64(b)
		if light < last {
			t.Errorf("%g is darker than what is less", v)
		}
		last = light
	}
	if s.at(-9) != s.at(-1) || s.at(9) != s.at(1) {
		t.Error("values beyond the ends have another colour")
	}
	if (Scale{Min: 1, Max: 1}).at(5) == nil {
		t.Error("an empty range has no colour")
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{{0, 12500, "[0 4000 8000 12000]"}, {0, 1, "[0 0.5 1]"}, {-0.3, 0.3, "[-0.25 0 0.25]"}} {
		var labels []string
		for _, tick := range ticks(c.low, c.high) {
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		if got := fmt.Sprint(labels); got != c.want {
			t.Errorf("%g to %g: %s, want %s", c.low, c.high, got, c.want)
		}
	}
}
