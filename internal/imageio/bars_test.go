package imageio

import (
	"image"
	"testing"
)

// TestBars: bars are found where there are any, and nothing else is taken for them.
func TestBars(t *testing.T) {
	const W, H = 240, 200
	whole, film := image.Rect(0, 0, W, H), image.Rect(0, 40, W, 150)
	frame := image.Rect(30, 20, 211, 180)
	round := func(x, y int) bool { return (x-120)*(x-120)+(y-100)*(y-100) < 90*90 }
	for name, c := range map[string]struct {
		bar    func(x, y int) bool // pixels that have one colour
		colour float32
		want   image.Rectangle
	}{
		"none":              {func(x, y int) bool { return false }, 0, whole},
		"film":              {func(x, y int) bool { return y < 40 || y >= 150 }, 0, film},
		"white film":        {func(x, y int) bool { return y < 40 || y >= 150 }, 1, film},
		"beside":            {func(x, y int) bool { return x < 30 || x >= 211 }, 0.25, image.Rect(30, 0, 211, H)},
		"frame":             {func(x, y int) bool { return !image.Pt(x, y).In(frame) }, 0, frame},
		"above":             {func(x, y int) bool { return y < 8 }, 0, image.Rect(0, 8, W, H)},
		"left":              {func(x, y int) bool { return x < 100 }, 0, image.Rect(100, 0, W, H)},
		"a line":            {func(x, y int) bool { return y < 7 }, 0, whole},
		"a line beside it":  {func(x, y int) bool { return y < 20 || x >= W-7 }, 0, image.Rect(0, 20, W, H)},
		"a blurred edge":    {func(x, y int) bool { return y < 40 || y < 56 && x%10 > 0 }, 0, image.Rect(0, 40, W, H)},
		"one colour":        {func(x, y int) bool { return true }, 0.5, image.Rectangle{}},
		"an object":         {func(x, y int) bool { return !round(x, y) }, 1, whole},
		"a stamp":           {func(x, y int) bool { return x < 90 || x > 150 || y < 90 || y > 150 }, 0, whole},
		"a line across":     {func(x, y int) bool { return y != 100 }, 0, whole},
		"a clipped night":   {func(x, y int) bool { return y < 60 || (x+y)%5 < 3 && y < 100 }, 0, whole},
		"a bar that is not": {func(x, y int) bool { return y < 40 && x != 50 }, 0, whole},
	} {
		m := sceneOf(Info{W: W, H: H, Depth: 16})
		rgb, err := m.Stored(nil, whole)
		if err != nil {
			t.Fatal(err)
		}
		for i := range W * H {
			for p := 0; p < 3 && c.bar(i%W, i/W); p++ {
				rgb[p*W*H+i] = c.colour
			}
		}
		m.SetTile(whole, rgb, nil)
		inside, colour, err := m.Bars()
		if err != nil || inside != c.want {
			t.Errorf("%s: the inside is %v, want %v, %v", name, inside, c.want, err)
		}
		if rgb, _ = m.Stored(nil, whole); inside != whole && colour != [3]float32{rgb[0], rgb[W*H], rgb[2*W*H]} {
			t.Errorf("%s: bars of %v", name, colour)
		}
	}
}
