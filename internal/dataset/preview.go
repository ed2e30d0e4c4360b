package dataset

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"path/filepath"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// The measures of the contact sheet, in pixels.
const (
	sheetGap     = 8
	sheetLine    = 14 // height of a line of text
	sheetLines   = 3
	sheetFont    = 11
	sheetMinSide = 144 // smaller patches are enlarged to this or more: the parameters need the room
)

var (
	sheetPaper = color.RGBA{24, 24, 27, 255}
	sheetInk   = color.RGBA{228, 228, 231, 255}
)

// Preview draws a contact sheet of an epoch's samples: for each task a row of
// real pairs and, below it, a row of those that are made, so many of each: input
// beside target, under them the task, the input's PSNR, the file and the
// parameters of what was made.
func (s *Set) Preview(epoch, perRow int) (image.Image, error) {
	rows, err := s.previewRows(epoch, perRow)
	if err != nil {
		return nil, err
	}
	scale := (sheetMinSide + s.opts.Patch - 1) / s.opts.Patch
	side := scale * s.opts.Patch
	cellW, cellH := 2*side+2+sheetGap, side+sheetLines*sheetLine+sheetGap
	sheet := image.NewRGBA(image.Rect(0, 0, perRow*cellW+sheetGap, len(rows)*cellH+sheetGap))
	draw.Draw(sheet, sheet.Bounds(), image.NewUniform(sheetPaper), image.Point{}, draw.Src)
	face, err := sheetFace()
	if err != nil {
		return nil, err
	}
	defer face.Close()
	for y, row := range rows {
		for x, c := range row {
			at := image.Pt(sheetGap+x*cellW, sheetGap+y*cellH)
			drawPatch(sheet, at, c.input, s.opts.Patch, scale)
			drawPatch(sheet, at.Add(image.Pt(side+2, 0)), c.target, s.opts.Patch, scale)
			for k, line := range c.lines() {
				drawLine(sheet, face, at.Add(image.Pt(0, side+(k+1)*sheetLine-2)), cellW-sheetGap, line)
			}
		}
	}
	return sheet, nil
}

type previewCell struct {
	input, target []float32
	info          Info
}

// previewRows takes the first samples of each source in the epoch's order: the
// sources stand task by task, real pairs before what is made.
func (s *Set) previewRows(epoch, perRow int) ([][]previewCell, error) {
	bySource := make([][]int, len(s.sources))
	for i, k := range s.order(epoch) {
		if at := &bySource[s.entries[k].source]; len(*at) < perRow {
			*at = append(*at, i)
		}
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

func (c previewCell) lines() [sheetLines]string {
	sum := 0.
	for i, v := range c.input {
		d := float64(v) - float64(c.target[i])
		sum += d * d
	}
	name := "real: " + filepath.Base(c.info.Input)
	if c.info.Input == "" {
		name = "of " + filepath.Base(c.info.Target)
	}
	return [...]string{
		fmt.Sprintf("%s  %.1f dB", c.info.Task, -10*math.Log10(sum/float64(len(c.input)))), name, c.info.Params,
	}
}

func drawPatch(sheet *image.RGBA, at image.Point, pix []float32, p, scale int) {
	for y := range p * scale {
		for x := range p * scale {
			i := y/scale*p + x/scale
			sheet.SetRGBA(at.X+x, at.Y+y, color.RGBA{level(pix[i]), level(pix[p*p+i]), level(pix[2*p*p+i]), 255})
		}
	}
}

func level(v float32) uint8 { return uint8(min(max(v, 0), 1)*255 + .5) }

func sheetFace() (font.Face, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: sheetFont, DPI: 72, Hinting: font.HintingFull})
}

// drawLine writes text from at on, cut off at a width.
func drawLine(sheet *image.RGBA, face font.Face, at image.Point, width int, text string) {
	clip := sheet.SubImage(image.Rect(at.X, at.Y-sheetLine, at.X+width, at.Y+sheetLine)).(*image.RGBA)
	d := font.Drawer{Dst: clip, Src: image.NewUniform(sheetInk), Face: face, Dot: fixed.P(at.X, at.Y)}
	d.DrawString(text)
}
