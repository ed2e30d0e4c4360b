// Package report writes the results of an evaluation as one self-contained page of
// HTML, which needs no network, no library and no other file.
package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/dustin/go-humanize/english"

	"clusir/internal/atomicfile"
	"clusir/internal/draw"
	"clusir/internal/eval"
	"clusir/internal/tabular"
	"clusir/internal/userfile"
)

// Page is the content of a report.
type Page struct {
	Eval *eval.Report
	// Comparison, if set, reports that Eval is a comparison's report, with A's results
	// in place of the inputs.
	Comparison *eval.Comparison
	// Gallery has the pictures; nil for a page without.
	Gallery *Gallery
	// Curves are those of a training, of any size, if its log is available.
	Curves []draw.Lines
	Facts  []Fact // about the machine and the settings
	Config any    // of the network, shown as JSON; nil for none
}

// Fact is a line of the page's last part.
type Fact struct{ Name, Value string }

// Machine lists what the times depend on.
func Machine(version string) []Fact {
	return []Fact{
		{Name: "Machine", Value: fmt.Sprintf("%s/%s, %d processors", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())},
		{Name: "Program", Value: fmt.Sprintf("clusir %s, %s", version, runtime.Version())},
		{Name: "Date", Value: time.Now().Format("2 January 2006")},
	}
}

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"db": decibel, "ssim": func(v float64) string { return fmt.Sprintf("%.4f", v) },
	"gain": gain, "gainDB": func(v float64) string {
		if math.IsInf(v, 0) {
			return gain(v)
		}
		return gain(v) + "\u00a0dB"
	},
	"plural": func(n int) string { return english.Plural(n, "image", "") },
	"key":    func(v float64) string { return fmt.Sprintf("%.6g", min(max(v, -1e6), 1e6)) }, // to sort by; infinity becomes a large number
	"spare":  spare,
	"marker": func(i int) string { return tabular.Cell{Notes: []int{i + 1}}.Marks() },
}).Parse(pageHTML))

// view is the template's data.
type view struct {
	Page
	CSS     template.CSS
	JS      template.JS
	Summary *tabular.Table
	// Before and After name what the page compares.
	Before, After string
	Splits        []splitView
	Images        []imageView
	Routing       []stageView
	Courses       []chart
	Settings      string // Config as JSON
	Thumbs, Timed bool   // of any image
}

type chart struct {
	Title string
	SVG   template.HTML
}

// splitView is a benchmark, or a part of one.
type splitView struct {
	eval.SplitResult
	ID    string
	Chart template.HTML
	Alt   string // description of the chart
	Shots []shotView
}

// shotView is an image that the page shows large.
type shotView struct {
	Rank                 string
	Image                eval.ImageResult
	Gain                 float64
	Input, Output, Clean template.URL
	W, H                 int
}

// imageView is a row of the table of images.
type imageView struct {
	eval.ImageResult
	Title string // of the split
	Thumb template.URL
	Large bool // its pictures are in the page
	Gain  float64
}

// Save writes the page to a file, which replaces only another page.
func (p Page) Save(path string) error {
	if err := onlyPages(path); err != nil {
		return err
	}
	return atomicfile.Write(path, p.write)
}

var pages = atomicfile.Format{Name: "page of HTML", Start: "<!DOCTYPE html>"}

// onlyPages refuses a file that is no page, such as one of the results that are shown.
func onlyPages(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() > 0 && !pages.Is(path) {
		return fmt.Errorf("--report %s: the file is no page, and would be lost: choose another name", path)
	}
	return nil
}

// MayWrite fails early if a page could not be written to a file at the end.
func MayWrite(path string, overwrite bool) error {
	if err := userfile.Folder(filepath.Dir(path), "reports"); err != nil {
		return fmt.Errorf("--report %s: %w", path, err)
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil // a device takes everything that is written
	}
	if err := userfile.MayWrite(path, overwrite); err != nil {
		return err
	}
	if err := onlyPages(path); err != nil {
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil { // a link is followed
		path = target
	}
	if err := atomicfile.Try(path); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	return nil
}

func (p Page) write(w io.Writer) error {
	v := view{Page: p, CSS: template.CSS(pageCSS), JS: template.JS(pageJS), Summary: p.Eval.Table(), Before: "input", After: "restored"}
	if p.Gallery == nil { // v keeps nil: the template asks whether there are pictures
		p.Gallery = NewGallery()
	}
	if c := p.Comparison; c != nil {
		v.Summary, v.Before, v.After = c.Table(), "A", "B"
	}
	v.Summary = withoutEmpty(v.Summary, "part")
	v.Routing = routing(p.Eval)
	var err error
	if v.Splits, err = p.splits(); err != nil {
		return err
	}
	if v.Courses, err = courses(p.Curves); err != nil {
		return err
	}
	if p.Config != nil {
		text, err := json.MarshalIndent(p.Config, "", "  ")
		if err != nil {
			return err
		}
		v.Settings = string(text)
	}
	v.Images = p.images()
	for _, i := range v.Images {
		v.Thumbs, v.Timed = v.Thumbs || i.Thumb != "", v.Timed || i.MS > 0
	}
	return pageTemplate.Execute(w, v)
}

// spare reports whether a column of the summary is left out on narrow screens, to keep
// the results visible: the number of images and the input's SSIM.
func spare(c tabular.Column) bool {
	return c.Name == "images" || c.Group == "input" && c.Name == "SSIM"
}

// withoutEmpty removes the named column if it is empty in all rows.
func withoutEmpty(t *tabular.Table, name string) *tabular.Table {
	at := slices.IndexFunc(t.Columns, func(c tabular.Column) bool { return c.Name == name })
	filled := func(r tabular.Row) bool { return at < len(r.Cells) && r.Cells[at].Text != "" }
	if at < 0 || slices.ContainsFunc(t.Rows, filled) {
		return t
	}
	out := *t
	out.Columns = slices.Delete(slices.Clone(t.Columns), at, at+1)
	out.Rows = slices.Clone(t.Rows)
	for i, r := range out.Rows {
		if at < len(r.Cells) {
			out.Rows[i].Cells = slices.Delete(slices.Clone(r.Cells), at, at+1)
		}
	}
	return &out
}

func (p Page) splits() (views []splitView, err error) {
	ranked := ranked(p.Eval)
	for k, s := range p.Eval.Splits {
		v := splitView{SplitResult: s, ID: fmt.Sprint("split-", k)}
		if s.Images > 0 {
			images := imagesOf(p.Eval, s)
			if v.Chart, v.Alt, err = distribution(images, s.Task, p.Comparison != nil); err != nil {
				return nil, err
			}
			v.Shots = p.Gallery.shots(ranked[k])
		}
		views = append(views, v)
	}
	return views, nil
}

func (p Page) images() (views []imageView) {
	titles, large := map[[2]string]string{}, shown(p.Eval)
	for _, s := range p.Eval.Splits {
		titles[[2]string{s.Benchmark, s.Label}] = s.Name()
	}
	for _, i := range p.Eval.Images {
		_, kept := p.Gallery.large[i.Index]
		views = append(views, imageView{
			ImageResult: i, Title: titles[[2]string{i.Benchmark, i.Split}], Thumb: dataURL(p.Gallery.thumbs[i.Index]), Large: large[i.Index] && kept, Gain: gainOf(i),
		})
	}
	return views
}

// imagesOf returns the measured images of a split.
func imagesOf(r *eval.Report, s eval.SplitResult) (images []eval.ImageResult) {
	for _, i := range r.Images {
		if i.Benchmark == s.Benchmark && i.Split == s.Label && i.Err == "" {
			images = append(images, i)
		}
	}
	return images
}

func gainOf(i eval.ImageResult) float64 {
	if math.IsInf(i.Output.PSNR, 1) && math.IsInf(i.Input.PSNR, 1) {
		return 0
	}
	return i.Output.PSNR - i.Input.PSNR
}

// gain formats a gain; a clean input has nothing to gain.
func gain(v float64) string {
	switch {
	case math.IsInf(v, -1):
		return "–"
	case math.IsInf(v, 1):
		return "∞"
	}
	return tabular.Format("%+.2f", v)
}

func decibel(v float64) string {
	if math.IsInf(v, 1) {
		return "∞"
	}
	return fmt.Sprintf("%.2f", v)
}
