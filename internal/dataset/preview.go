package dataset

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"path/filepath"
	"slices"

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
	sheetPairs   = 4 // pairs in a row
	sheetFont    = 11
	sheetMinSide = 128 // smaller patches are enlarged to about this
)

var (
	sheetPaper = color.RGBA{24, 24, 27, 255}
	sheetInk   = color.RGBA{228, 228, 231, 255}
)

// Preview draws a contact sheet of an epoch's first samples, so many of each
// task: input beside target, below them the task, the input's PSNR, the file
// and the parameters of what was made.
func (s *Set) Preview(epoch, perTask int) (image.Image, error) {
	cells, err := s.previewCells(epoch, perTask)
	if err != nil {
		return nil, err
	}
	scale := max(1, sheetMinSide/s.opts.Patch)
	side := scale * s.opts.Patch
	cellW, cellH := 2*side+2+sheetGap, side+sheetLines*sheetLine+sheetGap
	rows := (len(cells) + sheetPairs - 1) / sheetPairs
	sheet := image.NewRGBA(image.Rect(0, 0, sheetPairs*cellW+sheetGap, rows*cellH+sheetGap))
	draw.Draw(sheet, sheet.Bounds(), image.NewUniform(sheetPaper), image.Point{}, draw.Src)
	face, err := sheetFace()
	if err != nil {
		return nil, err
	}
	defer face.Close()
	for i, c := range cells {
		at := image.Pt(sheetGap+i%sheetPairs*cellW, sheetGap+i/sheetPairs*cellH)
		drawPatch(sheet, at, c.input, s.opts.Patch, scale)
		drawPatch(sheet, at.Add(image.Pt(side+2, 0)), c.target, s.opts.Patch, scale)
		for k, line := range c.lines() {
			drawLine(sheet, face, at.Add(image.Pt(0, side+(k+1)*sheetLine-2)), cellW-sheetGap, line)
		}
	}
	return sheet, nil
}

type previewCell struct {
	input, target []float32
	info          Info
}

// made is 1 for a degradation that was made and 0 for a real pair.
func made(c previewCell) int {
	if c.info.Input == "" {
		return 1
	}
	return 0
}

// previewCells takes the first samples of each task in the epoch's order, task
// by task.
func (s *Set) previewCells(epoch, perTask int) ([]previewCell, error) {
	var labels []string
	byLabel := map[string][]int{}
	for i, k := range s.order(epoch) {
		label := s.sources[s.entries[k].source].label
		if len(byLabel[label]) < perTask {
			byLabel[label] = append(byLabel[label], i)
		}
	}
	for _, src := range s.sources {
		if len(labels) == 0 || labels[len(labels)-1] != src.label {
			labels = append(labels, src.label)
		}
	}
	var cells []previewCell
	n := 3 * s.opts.Patch * s.opts.Patch
	for _, label := range labels {
		for _, i := range byLabel[label] {
			c := previewCell{input: make([]float32, n), target: make([]float32, n)}
			var err error
			if c.info, err = s.Sample(c.input, c.target, epoch, i); err != nil {
				return nil, err
			}
			cells = append(cells, c)
		}
		byLabel[label] = nil
	}
	// Real pairs first, so that what is made stands beside its model.
	slices.SortStableFunc(cells, func(a, b previewCell) int {
		return cmp.Or(cmp.Compare(slices.Index(labels, a.info.Task), slices.Index(labels, b.info.Task)),
			cmp.Compare(made(a), made(b)))
	})
	return cells, nil
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
