package restore

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"testing"

	"clusir/internal/draw"
	"clusir/internal/infer"
	"clusir/internal/infer/infertest"
	"clusir/internal/model"
	"clusir/internal/planar"
	"clusir/internal/testnet"
)

// TestAffinitySheet draws maps of pictures of every proportion: there is room for the
// texts, and long pictures do not make sheets of unlimited length.
func TestAffinitySheet(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 900}, {900, 1}, {320, 240}, {1021, 601}, {240, 5000}} {
		W, H := size[0], size[1]
		a, small := newAffinity(image.Rect(0, 0, W, H)), newThumbnail(W, H)
		for l := range a.stages {
			a.stages[l] = make([]float32, a.h*a.w*(l+2))
			for i := range a.stages[l] {
				a.stages[l][i] = 1 / float32(l+2)
			}
		}
		small.add(slices.Repeat([]float32{.5}, 3*W*H), H, W)
		s := a.sheet(small, W, H)
		if panels, clusters := len(s.Rows[0]), len(s.Legend); panels != 1+len(a.stages) || clusters != len(a.stages)+1 {
			t.Errorf("%v: %d panels, %d clusters in the legend", size, panels, clusters)
		}
		photo := s.Rows[0][0].(draw.Picture).Image
		corner := photo.Bounds().Max.Sub(image.Pt(1+(photo.Bounds().Dx()-small.w)/2, 1)) // it may cover fewer pixels
		if got := photo.At(corner.X, corner.Y); got != (color.RGBA{128, 128, 128, 255}) {
			t.Errorf("%v: the last pixel is %v", size, got)
		}
		var file bytes.Buffer
		must(t, s.PNG(&file))
		c, err := png.DecodeConfig(&file)
		if err != nil || c.Width < 1000 || c.Height > 1000 {
			t.Errorf("%v: a sheet of %d×%d pixels, %v", size, c.Width, c.Height, err)
		}
	}
}

// TestAffinityIsWhole: two tiles fill every cell with the posterior of all clusters.
func TestAffinityIsWhole(t *testing.T) {
	n := infertest.New(t, testnet.Small(), 1)
	a := newAffinity(image.Rect(0, 0, 90, 40)) // 6×3 cells, the last not whole
	o := infer.Options{Probe: func(name string, v *model.Var) { a.observe(n, name, v) }}
	for _, x := range []span{{0, 64}, {48, 90}} {
		a.col = x.from / cell
		_, _, err := n.Restore(t.Context(), nil, planar.New(3, 40, x.len()), o)
		must(t, err)
	}
	for l, p := range a.stages {
		for i := range a.h * a.w {
			sum := float32(0)
			for _, v := range p[i*a.clusters(l):][:a.clusters(l)] {
				sum += v
			}
			if math.Abs(float64(sum)-1) > 1e-5 {
				t.Errorf("stage %d: the posterior of cell %d adds up to %g", l+1, i, sum)
			}
		}
	}
}

// TestAffinityOfNaN: posteriors that are not numbers have the colour of some cluster.
func TestAffinityOfNaN(t *testing.T) {
	a := newAffinity(image.Rect(0, 0, 1, 1))
	nan := float32(math.NaN())
	a.stages[0] = []float32{nan, nan, nan}
	if _, strength := a.colour(0, 0, 0); !math.IsNaN(float64(strength)) {
		t.Errorf("the strength is %g; want NaN", strength)
	}
}
