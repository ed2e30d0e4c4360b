package train

import (
	"fmt"
	"image/color"
	"io"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"clusir/internal/atomicfile"
)

// curveName is the picture of a run's course, in its folder.
const curveName = "curve.png"

// The measures of the curve; smoothing is over a fortieth of the lines.
const (
	curveWidth  = 8 * vg.Inch
	panelHeight = 2.6 * vg.Inch
	curveDPI    = 110
	legendRoom  = 1.2
	smoothing   = 40
)

// curveColors are those of Okabe and Ito, which colour-blind people can tell apart.
var curveColors = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255},
	color.RGBA{230, 159, 0, 255}, color.RGBA{86, 180, 233, 255}, color.RGBA{0, 0, 0, 255},
}

var curveFaint = color.RGBA{190, 205, 220, 255}

// Course is a panel of a run's curve: lines over steps.
type Course struct {
	Title string
	Lines []Line
}

// Line is a line of a course.
type Line struct {
	Name string
	Raw  bool // it stands behind its smoothed form
	XY   plotter.XYs
}

// Curve draws the course of the run in a folder, from its log, to curve.png
// there: the loss, what validations found and the entropy of the posteriors, as
// far as they were logged.
func Curve(dir string) error {
	entries, err := ReadLog(filepath.Join(dir, logName))
	if err != nil {
		return err
	}
	panels, err := curvePanels(entries)
	if err != nil || len(panels) == 0 {
		return err
	}
	grid := make([][]*plot.Plot, len(panels))
	for i, p := range panels {
		grid[i] = []*plot.Plot{p}
	}
	img := vgimg.NewWith(vgimg.UseWH(curveWidth, vg.Length(len(panels))*panelHeight), vgimg.UseDPI(curveDPI))
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadX: 6, PadY: 10, PadTop: 8, PadBottom: 8, PadLeft: 8, PadRight: 14}
	canvases := plot.Align(grid, tiles, draw.New(img))
	for i, p := range panels {
		p.Draw(canvases[i][0])
	}
	return atomicfile.Write(filepath.Join(dir, curveName), func(w io.Writer) error {
		_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(w)
		return err
	})
}

// Courses are what a log shows: the loss, what validations found and the entropy
// of the posteriors, as far as they were logged; none if there is no loss.
func Courses(entries []Entry) (courses []Course) {
	loss, measures, entropy := curveSeries(entries)
	if len(loss.XY) == 0 {
		return nil
	}
	for _, c := range []Course{
		{"loss", []Line{loss, smooth(loss)}}, {"validation, PSNR in dB", measures}, {"entropy of the posterior", entropy},
	} {
		if len(c.Lines) > 0 {
			courses = append(courses, c)
		}
	}
	return courses
}

// curvePanels makes the panels for which there is something to show.
func curvePanels(entries []Entry) (panels []*plot.Plot, err error) {
	for _, c := range Courses(entries) {
		panel, err := newPanel(c.Title, float64(entries[len(entries)-1].Step), c.Lines)
		if err != nil {
			return nil, err
		}
		panels = append(panels, panel)
	}
	if len(panels) > 0 {
		panels[len(panels)-1].X.Label.Text = "step"
	}
	return panels, nil
}

// curveSeries sorts a log into lines.
func curveSeries(entries []Entry) (loss Line, measures, entropy []Line) {
	loss = Line{Raw: true}
	byName := map[string]int{}
	add := func(list *[]Line, name string, step int, y float64) {
		i, ok := byName[name]
		if !ok {
			i = len(*list)
			byName[name] = i
			*list = append(*list, Line{Name: name})
		}
		(*list)[i].XY = append((*list)[i].XY, plotter.XY{X: float64(step), Y: y})
	}
	for _, e := range entries {
		if e.Losses != nil {
			loss.XY = append(loss.XY, plotter.XY{X: float64(e.Step), Y: e.Loss})
		}
		for _, m := range e.Validation {
			add(&measures, m.Name, e.Step, m.Value)
		}
		for l, h := range e.Entropy {
			add(&entropy, fmt.Sprint("stage ", l+1), e.Step, h)
		}
	}
	for i, s := range entropy {
		entropy[i].XY = smooth(s).XY
	}
	return loss, measures, entropy
}

// smooth averages each value with its neighbours, a window of a fortieth of all.
func smooth(s Line) Line {
	reach := len(s.XY) / smoothing / 2
	out := Line{Name: s.Name, XY: make(plotter.XYs, len(s.XY))}
	for i, p := range s.XY {
		r := min(reach, i, len(s.XY)-1-i) // at the ends the window shrinks, on both sides
		sum := 0.0
		for _, q := range s.XY[i-r : i+r+1] {
			sum += q.Y
		}
		out.XY[i] = plotter.XY{X: p.X, Y: sum / float64(2*r+1)}
	}
	return out
}

// newPanel makes a panel over steps from 0 to the last one, with room for the
// legend beside the lines.
func newPanel(title string, last float64, lines []Line) (*plot.Plot, error) {
	p := plot.New()
	p.Y.Label.Text = title
	for _, style := range []*text.Style{
		&p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle,
	} {
		style.Font.Variant = "Sans"
	}
	p.X.Min, p.X.Max = 0, last*legendRoom
	p.Add(plotter.NewGrid())
	p.Legend.Top = true
	for i, s := range lines {
		line, points, err := plotter.NewLinePoints(s.XY)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", title, err)
		}
		line.Color, line.Width = curveColors[i%len(curveColors)], 1.4
		if s.Raw {
			line.Color, line.Width = curveFaint, .6
		}
		points.Color, points.Shape, points.Radius = line.Color, draw.CircleGlyph{}, 1.6
		p.Add(line)
		if len(s.XY) < smoothing {
			p.Add(points)
		}
		if s.Name != "" {
			p.Legend.Add(s.Name, line)
		}
	}
	return p, nil
}
