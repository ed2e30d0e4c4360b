package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/dustin/go-humanize/english"

	"clusir/internal/dataset"
	"clusir/internal/draw"
	"clusir/internal/eval"
	"clusir/internal/palette"
)

// chartWide is the width of charts, in points. Pages show them somewhat larger.
const chartWide = 215

// axis is a range of dB for a chart.
type axis struct{ min, max float64 }

// axisOf returns an axis for the PSNR of images, except infinite ones, with little
// margin: a benchmark's range has nothing to do with another's, or with 0.
func axisOf(images []eval.ImageResult) axis {
	a := axis{math.Inf(1), math.Inf(-1)}
	for _, i := range images {
		for _, v := range []float64{i.Input.PSNR, i.Output.PSNR} {
			if !math.IsInf(v, 0) {
				a.min, a.max = min(a.min, v), max(a.max, v)
			}
		}
	}
	if a.min > a.max {
		return axis{0, 1}
	}
	step := 1.
	if a.max-a.min > 10 {
		step = 5
	}
	return axis{step * math.Floor(a.min/step-0.1), step * math.Ceil(a.max/step+0.1)}
}

// distribution plots the PSNR of a split's images, degraded and restored, or in a
// comparison that of A and of B.
func distribution(images []eval.ImageResult, task string, compared bool) (svg template.HTML, alt string, err error) {
	var in, out []float64
	a := axisOf(images)
	for _, i := range images {
		in, out = append(in, min(i.Input.PSNR, a.max)), append(out, min(i.Output.PSNR, a.max))
	}
	names := [2]string{"input", "restored"}
	if compared {
		names = [2]string{"A", "B"}
	}
	s := draw.Sheet{Rows: [][]draw.Panel{{draw.Strip{
		Rows: []draw.StripRow{
			{Name: names[0], Colour: palette.Grey.RGB, Values: in}, {Name: names[1], Colour: dataset.Colour(task).RGB, Values: out},
		},
		X: "PSNR in dB", Min: a.min, Max: a.max, Width: chartWide,
	}}}}
	text, err := s.Inline()
	return template.HTML(text), fmt.Sprintf("PSNR of %s: median %.2f dB %s, %.2f dB %s", english.Plural(len(images), "image", ""), draw.Median(in), names[0], draw.Median(out), names[1]), err
}

// courses plots a training's curves; their titles are the page's.
func courses(curves []draw.Lines) (charts []chart, err error) {
	for _, c := range curves {
		title := c.Title
		c.Title, c.Width, c.Height = "", chartWide+30, 170
		s := draw.Sheet{Rows: [][]draw.Panel{{c}}}
		text, err := s.Inline()
		if err != nil {
			return nil, err
		}
		charts = append(charts, chart{title, template.HTML(text)})
	}
	return charts, nil
}
