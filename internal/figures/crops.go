package figures

import (
	"context"
	"fmt"
	"image"

	"gonum.org/v1/plot/vg"

	"clusir/internal/dataset"
	"clusir/internal/draw"
	"clusir/internal/metrics"
	"clusir/internal/model"
	"clusir/internal/palette"
)

// cropSide is the side of the crops in pixels, less in smaller pictures.
const cropSide = 64

// crops shows each picture with two of its details: where the network gained
// most, and where most is left to gain.
func crops(ctx context.Context, r *Request) ([]sheet, error) {
	pictures, err := r.each(ctx, func(int, string, *model.Var) {})
	if err != nil {
		return nil, err
	}
	var rows [][]draw.Panel
	for _, p := range pictures {
		rows = append(rows, cropRows(p)...)
	}
	return []sheet{{"crops", draw.Sheet{
		Title: fmt.Sprintf("Input, %s and clean image", r.Name), Rows: rows,
		Notes: []string{fmt.Sprintf("Details of up to %d×%d pixels: in orange where the squared error fell most, in blue where most of it is left.", cropSide, cropSide)},
	}}}, nil
}

// cropRows are two rows: the picture with its boxes beside the details of input,
// result and clean image.
func cropRows(p *picture) [][]draw.Panel {
	w, h := p.input.W, p.input.H
	images := []struct {
		title string
		image *image.RGBA
	}{{"Input", imageOf(p.input)}, {"Restored", draw.Planes(p.output, w, h)}, {"Clean", imageOf(p.target)}}
	gained, left := p.details()
	in, out := p.psnr()
	boxes := []draw.Box{{Rectangle: gained, Colour: palette.Orange.RGB}, {Rectangle: left, Colour: palette.SkyBlue.RGB}}
	const detail = 104
	whole := vg.Length(detail) * vg.Length(w) / vg.Length(h)
	first := []draw.Panel{
		draw.Picture{Title: titleOf(p.split) + ": " + p.name, Note: fmt.Sprintf("input %.2f dB", in), Image: images[0].image, Width: whole, Boxes: boxes},
		draw.Picture{Title: "Restored", Note: fmt.Sprintf("%.2f dB", out), Image: images[1].image, Width: whole, Boxes: boxes},
	}
	for _, box := range boxes {
		for _, m := range images {
			first = append(first, draw.Picture{
				Title: m.title, Image: m.image.SubImage(box.Rectangle), Width: detail, Pixels: true, Frame: box.Colour,
			})
		}
	}
	return [][]draw.Panel{first}
}

func (p *picture) planes(m *dataset.Image) metrics.Planes {
	return metrics.Planes{C: 3, H: m.H, W: m.W, Pix: m.Planar()}
}

// psnr are the input's and the output's.
func (p *picture) psnr() (in, out float64) {
	clean := p.planes(p.target)
	return metrics.PSNR(p.planes(p.input), clean), metrics.PSNR(metrics.Planes{C: 3, H: clean.H, W: clean.W, Pix: p.output}, clean)
}

// details finds the square in which the squared error fell most, and, apart from
// it, the one in which most is left.
func (p *picture) details() (gained, left image.Rectangle) {
	w, h := p.input.W, p.input.H
	in, clean, n := p.input.Planar(), p.target.Planar(), w*h
	gain, rest := make([]float64, n), make([]float64, n)
	for i := range in {
		before, after := float64(in[i]-clean[i]), float64(p.output[i]-clean[i])
		gain[i%n] += before*before - after*after
		rest[i%n] += after * after
	}
	side := min(cropSide, w, h)
	gained = best(gain, w, h, side, image.Rectangle{})
	left = best(rest, w, h, side, gained)
	return gained, left
}

// best is the square of the largest sum that does not meet another, if there is
// room for one.
func best(x []float64, w, h, side int, apart image.Rectangle) image.Rectangle {
	sum := make([]float64, (w+1)*(h+1)) // over all above and to the left
	for y := range h {
		for i := range w {
			sum[(y+1)*(w+1)+i+1] = x[y*w+i] + sum[y*(w+1)+i+1] + sum[(y+1)*(w+1)+i] - sum[y*(w+1)+i]
		}
	}
	found, most := image.Rect(0, 0, side, side), 0.
	first := true
	for y := 0; y+side <= h; y += 4 {
		for i := 0; i+side <= w; i += 4 {
			r := image.Rect(i, y, i+side, y+side)
			v := sum[r.Max.Y*(w+1)+r.Max.X] - sum[r.Min.Y*(w+1)+r.Max.X] - sum[r.Max.Y*(w+1)+r.Min.X] + sum[r.Min.Y*(w+1)+r.Min.X]
			if !r.Overlaps(apart) && (first || v > most) {
				found, most, first = r, v, false
			}
		}
	}
	return found
}
