package restore

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"testing"
)

// TestAffinitySheet draws maps of pictures of every proportion: there is room for the
// texts, and long pictures do not make sheets of unlimited length.
func TestAffinitySheet(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 900}, {900, 1}, {320, 240}, {240, 5000}} {
		W, H := size[0], size[1]
		a, small := newAffinity(image.Rect(0, 0, W, H)), newThumbnail(W, H)
		for l := range a.stages {
			a.stages[l] = make([]float32, a.h*a.w*(l+2))
			for i := range a.stages[l] {
				a.stages[l][i] = 1 / float32(l+2)
			}
		}
		small.add(make([]float32, 3*W*H), H, W)
		s := a.sheet(small, W, H)
		if panels, clusters := len(s.Rows[0]), len(s.Legend); panels != 1+len(a.stages) || clusters != len(a.stages)+1 {
			t.Errorf("%v: %d panels, %d clusters in the legend", size, panels, clusters)
		}
		var file bytes.Buffer
		must(t, s.PNG(&file))
		c, err := png.DecodeConfig(&file)
		if err != nil || c.Width < 1000 || c.Height > 1000 {
			t.Errorf("%v: a sheet of %d×%d pixels, %v", size, c.Width, c.Height, err)
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
