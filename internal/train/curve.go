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

// series is a line of a panel.
type series struct {
	name string
	raw  bool // of a line that stands behind its smoothed form
	xy   plotter.XYs
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

// curvePanels makes the panels for which there is something to show.
func curvePanels(entries []Entry) ([]*plot.Plot, error) {
	loss, measures, entropy := curveSeries(entries)
	if len(loss.xy) == 0 {
		return nil, nil
	}
	last := float64(entries[len(entries)-1].Step)
	var panels []*plot.Plot
	for _, p := range []struct {
		title string
		lines []series
	}{
		{"loss", []series{loss, smooth(loss)}}, {"validation, PSNR in dB", measures}, {"entropy of the posterior", entropy},
	} {
		if len(p.lines) == 0 {
			continue
		}
		panel, err := newPanel(p.title, last, p.lines)
		if err != nil {
			return nil, err
		}
		panels = append(panels, panel)
	}
	panels[len(panels)-1].X.Label.Text = "step"
	return panels, nil
}

// curveSeries sorts a log into lines.
func curveSeries(entries []Entry) (loss series, measures, entropy []series) {
	loss = series{raw: true}
	byName := map[string]int{}
	add := func(list *[]series, name string, step int, y float64) {
		i, ok := byName[name]
		if !ok {
			i = len(*list)
			byName[name] = i
			*list = append(*list, series{name: name})
		}
		(*list)[i].xy = append((*list)[i].xy, plotter.XY{X: float64(step), Y: y})
	}
	for _, e := range entries {
		if e.Losses != nil {
			loss.xy = append(loss.xy, plotter.XY{X: float64(e.Step), Y: e.Loss})
		}
		for _, m := range e.Validation {
			add(&measures, m.Name, e.Step, m.Value)
		}
		for l, h := range e.Entropy {
			add(&entropy, fmt.Sprint("stage ", l+1), e.Step, h)
		}
	}
	for i, s := range entropy {
		entropy[i].xy = smooth(s).xy
	}
	return loss, measures, entropy
}

// smooth averages each value with its neighbours, a window of a fortieth of all.
func smooth(s series) series {
	reach := len(s.xy) / smoothing / 2
	out := series{name: s.name, xy: make(plotter.XYs, len(s.xy))}
	for i, p := range s.xy {
		r := min(reach, i, len(s.xy)-1-i) // at the ends the window shrinks, on both sides
		sum := 0.0
		for _, q := range s.xy[i-r : i+r+1] {
			sum += q.Y
		}
		out.xy[i] = plotter.XY{X: p.X, Y: sum / float64(2*r+1)}
	}
	return out
}

// newPanel makes a panel over steps from 0 to the last one, with room for the
// legend beside the lines.
func newPanel(title string, last float64, lines []series) (*plot.Plot, error) {
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
		line, points, err := plotter.NewLinePoints(s.xy)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", title, err)
		}
		line.Color, line.Width = curveColors[i%len(curveColors)], 1.4
		if s.raw {
			line.Color, line.Width = curveFaint, .6
		}
		points.Color, points.Shape, points.Radius = line.Color, draw.CircleGlyph{}, 1.6
		p.Add(line)
		if len(s.xy) < smoothing {
			p.Add(points)
		}
		if s.name != "" {
			p.Legend.Add(s.name, line)
		}
	}
	return p, nil
}
