package train

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"clusir/internal/atomicfile"
	"clusir/internal/dataset"
	"clusir/internal/draw"
	"clusir/internal/palette"
)

// curveName is the plot of a run's course, in its folder.
const curveName = dataset.RunCurve

// The curve's dimensions, in points; smoothing is over a twelfth of the lines.
const (
	curveWidth  = 560
	panelHeight = 180
	smoothing   = 12
)

// writeCurve plots the course of the run in a folder from its log, to curve.png in that
// folder: the loss, the validation measures and the entropy of the posteriors, as far
// as they were logged. The log of a finished run may have been removed.
func writeCurve(dir string) error {
	entries, err := ReadLog(filepath.Join(dir, logName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var sheet draw.Sheet
	for _, c := range Courses(entries) {
		c.Width, c.Height = curveWidth, panelHeight
		sheet.Rows = append(sheet.Rows, []draw.Panel{c})
	}
	if len(sheet.Rows) == 0 {
		return nil
	}
	return atomicfile.Write(filepath.Join(dir, curveName), sheet.PNG)
}

// Courses returns what a log shows over its steps as panels of undecided size: the
// loss, the validation measures and the entropy of the posteriors, as far as they were
// logged; none if there is no loss.
func Courses(entries []Entry) (courses []draw.Lines) {
	loss, measures, entropy := curveSeries(entries)
	if len(loss.Points) == 0 {
		return nil
	}
	smoothed := smooth(loss)
	loss.Colour, loss.Thin = palette.Grey.RGB, true
	for _, c := range []struct {
		title string
		lines []draw.Series
	}{
		{"loss", []draw.Series{loss, smoothed}}, {"validation, PSNR in dB", measures}, {"entropy of the posterior", entropy},
	} {
		if len(c.lines) > 0 {
			courses = append(courses, draw.Lines{Title: c.title, X: "step", Series: c.lines})
		}
	}
	return courses
}

// curveSeries sorts a log into lines.
func curveSeries(entries []Entry) (loss draw.Series, measures, entropy []draw.Series) {
	loss.Colour = palette.Series[0].RGB
	byName := map[string]int{}
	add := func(list *[]draw.Series, name string, step int, y float64) {
		i, ok := byName[name]
		if !ok {
			i = len(*list)
			byName[name] = i
			*list = append(*list, draw.Series{Entry: draw.Entry{Name: name, Colour: palette.Series[i%len(palette.Series)].RGB}})
		}
		(*list)[i].Points = append((*list)[i].Points, draw.Point{X: float64(step), Y: y})
	}
	for _, e := range entries {
		if e.Terms != nil {
			loss.Points = append(loss.Points, draw.Point{X: float64(e.Step), Y: e.Loss})
		}
		for _, m := range e.Validation {
			add(&measures, m.Name, e.Step, m.Value)
		}
		for l, h := range e.Entropy {
			add(&entropy, fmt.Sprint("stage ", l+1), e.Step, h)
		}
	}
	for i, s := range entropy {
		entropy[i] = smooth(s)
	}
	return loss, measures, entropy
}

// smooth averages each value over a window of a twelfth of all values, cut off at the
// ends.
func smooth(s draw.Series) draw.Series {
	reach := len(s.Points) / smoothing / 2
	points := make([]draw.Point, len(s.Points))
	for i, p := range s.Points {
		near := s.Points[max(i-reach, 0):min(i+reach+1, len(s.Points))]
		sum := 0.0
		for _, q := range near {
			sum += q.Y
		}
		points[i] = draw.Point{X: p.X, Y: sum / float64(len(near))}
	}
	s.Points = points
	return s
}
