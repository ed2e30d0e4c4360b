package figures

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"slices"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/dataset"
	"clusir/internal/draw"
	"clusir/internal/model"
	"clusir/internal/palette"

	xdraw "golang.org/x/image/draw"
)

// likeness holds a stage's cosines between each pixel and each prototype.
type likeness struct {
	h, w, n int
	cosines []float32 // [h·w,n]
}

// observe compares the result v [1,C,H,W] of stage l of the encoder, which is its
// router's input, with the stage's prototypes.
func (r *Request) observe(l int, v *model.Var) likeness {
	C, h, w := v.Shape[1], v.Shape[2], v.Shape[3]
	tape := r.Net.Tape()
	pixels := r.Net.Means(v, 1)
	cosines := tape.Block(func() *model.Var { return r.Net.Model.Cosines(tape, l, tape.Input(pixels, h*w, C)) })
	return likeness{h, w, cosines.Shape[1], tape.Fetch(cosines)}
}

// of returns the cosines to one prototype.
func (m likeness) of(prototype int) []float64 {
	out := make([]float64, m.h*m.w)
	for i := range out {
		out[i] = float64(m.cosines[i*m.n+prototype])
	}
	return out
}

// affinity shows where in a picture the features resemble each prototype, one sheet per
// picture.
func affinity(ctx context.Context, r *Request) ([]sheet, error) {
	maps := make([][arch.Stages]likeness, len(r.Splits))
	pictures, err := r.each(ctx, func(p int, name string, v *model.Var) {
		for l := range arch.Stages {
			if name == fmt.Sprint("encoder.", l) {
				maps[p][l] = r.observe(l, v)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	var sheets []sheet
	for i, p := range pictures {
		sheets = append(sheets, sheet{affinityFile(p.split), affinitySheet(r, p, maps[i])})
	}
	return sheets, nil
}

const affinityName = "affinity"

// affinityFile returns the name of a split's sheet: "affinity-cbsd68-25".
func affinityFile(s *dataset.Split) string {
	return strings.TrimSuffix(affinityName+"-"+s.Benchmark.Name+"-"+strings.TrimPrefix(s.Label, "σ="), "-")
}

const panelWide = 158

func affinitySheet(r *Request, p *picture, maps [arch.Stages]likeness) draw.Sheet {
	photo, result := p.input.RGBA(), p.output.RGBA()
	column := []draw.Panel{
		draw.Picture{Title: titleOf(p.split) + ": " + p.name, Image: photo, Width: panelWide},
		draw.Picture{Title: "Restored", Image: result, Width: panelWide},
		strongest(p, maps[arch.Stages-1]),
	}
	rows := make([][]draw.Panel, max(len(column), slices.Max(r.Net.Model.Config.Clusters[:])))
	for i := range rows {
		rows[i] = make([]draw.Panel, 1+arch.Stages)
	}
	for i, panel := range column {
		rows[i][0] = panel
	}
	for l, m := range maps {
		for c := range m.n {
			scale := usual(m.of(c))
			small := scale.Image(m.of(c), m.w, m.h)
			rows[c][l+1] = draw.Picture{
				Title: fmt.Sprintf("Stage %d, prototype %d", l+1, c+1), Width: panelWide,
				Note:  fmt.Sprintf("%+.2f to %+.2f", scale.Min, scale.Max),
				Image: over(enlarged(small, result, xdraw.BiLinear), result, 0.72),
			}
		}
	}
	return draw.Sheet{
		Title: fmt.Sprintf("Where the features are like each prototype, %s", r.Name), Rows: rows,
		Notes: []string{"Cosine between the router's embedding of each pixel of a stage and the stage's prototypes, resized to the picture and laid over the result in grey: " +
			"from violet, the least, to yellow, the most, with the range of each map below it. Most like: the prototype of the largest cosine."},
	}
}

// strongest shows, for each pixel of a stage, the prototype that it resembles most.
func strongest(p *picture, m likeness) draw.Panel {
	out := image.NewRGBA(image.Rect(0, 0, m.w, m.h))
	for i := range m.h * m.w {
		best, row := 0, m.cosines[i*m.n:][:m.n]
		for c := range row {
			if row[c] > row[best] {
				best = c
			}
		}
		out.Set(i%m.w, i/m.w, palette.Cluster(best).RGB)
	}
	note := ""
	for c := range m.n {
		note += fmt.Sprintf("%d %s  ", c+1, palette.Cluster(c).Name)
	}
	result := p.output.RGBA()
	big := enlarged(out, result, xdraw.NearestNeighbor)
	return draw.Picture{Title: "Most like, stage 4", Note: note, Image: over(big, result, 0.72), Width: panelWide}
}

// enlarged resizes a map to the size of a picture.
func enlarged(m, to *image.RGBA, by xdraw.Scaler) *image.RGBA {
	out := image.NewRGBA(to.Bounds())
	by.Scale(out, out.Bounds(), m, m.Bounds(), xdraw.Src, nil)
	return out
}

// over shows a map of colours over a grey picture: the map with a strength in 0..1,
// lighter where the picture is.
func over(m *image.RGBA, photo image.Image, strength float64) *image.RGBA {
	b := photo.Bounds()
	out := image.NewRGBA(b)
	for y := range b.Dy() {
		for x := range b.Dx() {
			g := float64(color.GrayModel.Convert(photo.At(b.Min.X+x, b.Min.Y+y)).(color.Gray).Y)
			c := m.RGBAAt(x, y)
			mix := func(v uint8) uint8 { return uint8(strength*float64(v)*(0.45+0.55*g/255) + (1-strength)*g + .5) }
			out.SetRGBA(x, y, color.RGBA{mix(c.R), mix(c.G), mix(c.B), 255})
		}
	}
	return out
}
