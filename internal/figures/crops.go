package figures

import (
	"context"
	"fmt"
	"image"
	"math"

	"gonum.org/v1/plot/vg"

	"clusir/internal/draw"
	"clusir/internal/infer"
	"clusir/internal/metrics"
	"clusir/internal/model"
	"clusir/internal/palette"
	"clusir/internal/planar"
)

// cropSide is the side of the crops in pixels; smaller pictures have smaller ones.
const cropSide = 64

// crops shows each picture with two details: where the network gained most, and where
// most is left to gain.
func crops(ctx context.Context, r *Request) ([]sheet, error) {
	pictures, err := r.each(ctx, func(int, string, *model.Var) {})
	if err != nil {
		return nil, err
	}
	var rows [][]draw.Panel
	for _, p := range pictures {
		if r.Other != nil {
			if p.other, _, err = r.Other.Restore(ctx, nil, p.input.Planar(), infer.Options{}); err != nil {
				return nil, err
			}
			p.other.Clamp()
		}
		rows = append(rows, r.cropRow(p))
	}
	names := r.Name
	if r.Other != nil {
		names += ", " + r.OtherName
	}
	return []sheet{{Crops, draw.Sheet{
		Title: fmt.Sprintf("Input, %s and clean image", names), Rows: rows,
		Notes: []string{fmt.Sprintf("Details of up to %d×%d pixels: in orange where the squared error fell most, in blue where most of it is left.", cropSide, cropSide)},
	}}}, nil
}

// version is one version of a picture in a row of crops.
type version struct {
	title string
	db    float64 // NaN for the clean one
	image *image.RGBA
}

// versions returns the input, the networks' results, and the clean image.
func (r *Request) versions(p *picture) []version {
	clean := p.target.Planar()
	restored := func(title string, m planar.Image) version { return version{title, metrics.PSNR(m, clean), m.RGBA()} }
	out := []version{{"Input", metrics.PSNR(p.input.Planar(), clean), p.input.RGBA()}}
	if p.other.Pix == nil {
		out = append(out, restored("Restored", p.output))
	} else {
		out = append(out, restored(r.Name, p.output), restored(r.OtherName, p.other))
	}
	return append(out, version{"Clean", math.NaN(), p.target.RGBA()})
}

// cropRow returns a row: the whole pictures with their boxes, then the details of all
// versions.
func (r *Request) cropRow(p *picture) (row []draw.Panel) {
	versions := r.versions(p)
	gained, left := p.details()
	boxes := []draw.Box{{Rectangle: gained, Colour: palette.Orange.RGB}, {Rectangle: left, Colour: palette.SkyBlue.RGB}}
	const detail = 104
	whole := vg.Length(detail) * vg.Length(p.input.W) / vg.Length(p.input.H)
	for i, v := range versions[:len(versions)-1] {
		title, note := v.title, fmt.Sprintf("%.2f dB", v.db)
		if i == 0 {
			title, note = titleOf(p.split)+": "+p.name, "input "+note
		}
		row = append(row, draw.Picture{Title: title, Note: note, Image: v.image, Width: whole, Boxes: boxes})
	}
	for _, box := range boxes {
		for _, v := range versions {
			row = append(row, draw.Picture{Title: v.title, Image: v.image.SubImage(box.Rectangle), Width: detail, Pixels: true, Frame: box.Colour})
		}
	}
	return row
}

// details finds the square in which the squared error fell most and, apart from it, the
// one in which most is left.
func (p *picture) details() (gained, left image.Rectangle) {
	w, h := p.input.W, p.input.H
	in, clean, n := p.input.Planar().Pix, p.target.Planar().Pix, w*h
	gain, rest := make([]float64, n), make([]float64, n)
	for i := range in {
		before, after := float64(in[i]-clean[i]), float64(p.output.Pix[i]-clean[i])
		gain[i%n] += before*before - after*after
		rest[i%n] += after * after
	}
	side := min(cropSide, w, h)
	gained = best(gain, w, h, side, image.Rectangle{})
	left = best(rest, w, h, side, gained)
	return gained, left
}

// best returns the square with the largest sum that does not overlap apart, if there is
// room for one.
func best(x []float64, w, h, side int, apart image.Rectangle) image.Rectangle {
	sum := make([]float64, (w+1)*(h+1)) // over all values above and to the left
	for y := range h {
		for i := range w {
			sum[(y+1)*(w+1)+i+1] = x[y*w+i] + sum[y*(w+1)+i+1] + sum[(y+1)*(w+1)+i] - sum[y*(w+1)+i]
		}
	}
	found, best := image.Rect(0, 0, side, side), math.Inf(-1)
	for y := 0; y+side <= h; y += 4 {
		for i := 0; i+side <= w; i += 4 {
			r := image.Rect(i, y, i+side, y+side)
			v := sum[r.Max.Y*(w+1)+r.Max.X] - sum[r.Min.Y*(w+1)+r.Max.X] - sum[r.Max.Y*(w+1)+r.Min.X] + sum[r.Min.Y*(w+1)+r.Min.X]
			if !r.Overlaps(apart) && v > best {
				found, best = r, v
			}
		}
	}
	return found
}
