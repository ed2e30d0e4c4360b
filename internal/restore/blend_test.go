package restore

import (
	"image"
	"testing"

	"clusir/internal/imageio"
)

// TestBlendRebuilds cuts a picture into tiles and blends them unchanged, which gives
// the picture.
func TestBlendRebuilds(t *testing.T) {
	for _, size := range [][2]int{{1, 700}, {300, 1}, {300, 257}, {513, 400}} {
		H, W := size[0], size[1]
		m, err := imageio.Open(save(t, t.TempDir(), "in.png", imageio.Info{W: W, H: H, Depth: 16}), imageio.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		want, err := m.Tile(nil, m.Bounds())
		if err != nil {
			t.Fatal(err)
		}
		l := layout{x: newGrid(W, 128, overlap(128)), y: newGrid(H, 128, overlap(128))}
		blend := newBlend(l, W)
		got := make([]float32, 0, len(want))
		planes := [3][]float32{}
		for j, y := range l.y.spans {
			blend.begin(j)
			b := &band{}
			if err := b.read(m, j, image.Rect(0, y.from, W, y.to)); err != nil {
				t.Fatal(err)
			}
			for i, x := range l.x.spans {
				blend.add(cut(b, y.len(), W, x).rgb, j, i)
			}
			for c := range planes {
				planes[c] = append(planes[c], rows(nil, blend.rgb[c*y.len()*W:], 1, y.len(), W, 0, l.y.final(j)-y.from)...)
			}
		}
		for _, p := range planes {
			got = append(got, p...)
		}
		if d := farthest(t, got, want); d > 1e-6 {
			t.Errorf("%d×%d: off by %g", W, H, d)
		}
	}
}
