package dataset

import (
	"fmt"
	"image"
	stddraw "image/draw"
	"math"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/vg"

	"clusir/internal/draw"
	"clusir/internal/planar"
	"clusir/internal/sysmem"
)

// sheetMinSide is the smallest side of a patch on the sheet, in pixels: smaller patches
// are enlarged to at least this, since the parameters need the room.
const sheetMinSide = 144

// Preview draws a sheet of an epoch's samples: for each task, a row of real pairs and a
// row of synthetic ones below it, perRow each. Input and target are side by side, with
// the task and the input's PSNR above them, and the file and the parameters of the
// degradation below.
func (s *Set) Preview(epoch, perRow int) (*draw.Sheet, error) {
	rows, err := s.previewRows(epoch, perRow)
	if err != nil {
		return nil, err
	}
	sheet := &draw.Sheet{Title: "Training samples: the input on the left of each pair, the target on the right; above them the input's PSNR"}
	var params strings.Builder
	for _, row := range rows {
		var panels []draw.Panel
		for _, c := range row {
			panels = append(panels, c.panel(s.opts.Patch))
			params.WriteString(" " + c.info.Params)
		}
		sheet.Rows = append(sheet.Rows, panels)
	}
	if notes := explained(params.String()); notes != "" {
		sheet.Notes = []string{notes}
	}
	return sheet, nil
}

// explained returns the meanings of the symbols in params.
func explained(params string) string {
	var notes []string
	explain := func(symbols []symbol) {
		for _, s := range symbols {
			if strings.Contains(params, " "+s.sign) || strings.Contains(params, "("+s.sign) {
				notes = append(notes, s.meaning)
			}
		}
	}
	for _, k := range kinds {
		explain(k.symbols)
	}
	explain(variations)
	if len(notes) == 0 {
		return ""
	}
	return strings.Join(notes, "; ") + "."
}

type previewCell struct {
	input, target []float32
	info          Info
}

// previewRows returns the first samples of each source in the epoch's order: sources
// are ordered by task, real pairs before synthetic ones.
func (s *Set) previewRows(epoch, perRow int) ([][]previewCell, error) {
	bySource := make([][]int, len(s.sources))
	for i, k := range s.order(epoch) {
		if at := &bySource[s.entries[k].source]; len(*at) < perRow {
			*at = append(*at, i)
		}
	}
	cells := 0
	for _, samples := range bySource {
		cells += len(samples)
	}
	if err := s.previewFits(cells); err != nil {
		return nil, err
	}
	var rows [][]previewCell
	n := 3 * s.opts.Patch * s.opts.Patch
	for _, samples := range bySource {
		var row []previewCell
		for _, i := range samples {
			c := previewCell{input: make([]float32, n), target: make([]float32, n)}
			var err error
			if c.info, err = s.Sample(c.input, c.target, epoch, i); err != nil {
				return nil, err
			}
			row = append(row, c)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// previewBytes estimates the memory for drawing cells samples of p×p pixels: the floats
// of both patches, what is drawn of them, and their place on the sheet, plus what
// measurements show in addition.
func previewBytes(cells, p int) int64 {
	side := int64(previewScale(p) * p)
	const floats, drawn, program = 2 * 3 * 4, 2 * 2 * 4, 96 << 20
	return program + int64(cells)*(floats*int64(p)*int64(p)+drawn*side*side)*5/3
}

// previewFits refuses a sheet that does not fit in memory before anything is allocated.
func (s *Set) previewFits(cells int) error {
	free, p := s.opts.Memory, s.opts.Patch
	need := previewBytes(cells, p)
	if free <= 0 || need <= free {
		return nil
	}
	const step = 16 // see Options.check
	remedy := "preview fewer tasks"
	if n := sysmem.Largest(1, p/step, func(k int) bool { return previewBytes(cells, k*step) <= free }); n > 0 {
		remedy = fmt.Sprintf("train.patch: %d fits", n*step)
	}
	return fmt.Errorf("drawing %d samples of %d×%d takes about %s of memory, and %s are free: %s",
		cells, p, p, humanize.IBytes(uint64(need)), humanize.IBytes(uint64(free)), remedy)
}

// previewScale is how many times each pixel of a p×p patch is repeated on the sheet.
func previewScale(p int) int { return (sheetMinSide + p - 1) / p }

// panel draws a sample of patches of p×p pixels.
func (c previewCell) panel(p int) draw.Panel {
	const line = 2
	side := previewScale(p) * p
	pair := image.NewRGBA(image.Rect(0, 0, 2*side+line, side))
	stddraw.Draw(pair, pair.Rect, image.White, image.Point{}, stddraw.Src)
	for i, pix := range [][]float32{c.input, c.target} {
		at := image.Rect(0, 0, side, side).Add(image.Pt(i*(side+line), 0))
		xdraw.NearestNeighbor.Scale(pair, at, planar.Image{C: 3, H: p, W: p, Pix: pix}.RGBA(), image.Rect(0, 0, p, p), xdraw.Src, nil)
	}
	name := "real: " + filepath.Base(c.info.Input)
	if c.info.Input == "" {
		name = "of " + filepath.Base(c.info.Target)
	}
	const pixelsAPoint = 2 // as sheets are drawn
	return draw.Picture{
		Title: c.info.Task + "   " + c.fidelity(), Note: name + "\n" + c.info.Params,
		Image: pair, Width: vg.Length(pair.Rect.Dx()) / pixelsAPoint, Pixels: true,
	}
}

// fidelity returns the input's PSNR in words.
func (c previewCell) fidelity() string {
	sum := 0.
	for i, v := range c.input {
		d := float64(v) - float64(c.target[i])
		sum += d * d
	}
	if sum == 0 {
		return "both the same"
	}
	return fmt.Sprintf("%.1f dB", -10*math.Log10(sum/float64(len(c.input))))
}
