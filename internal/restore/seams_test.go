//go:build seams

package restore

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clusir/internal/dataset/degrade"
	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/kernels/cpu"
	"clusir/internal/planar"
	"clusir/internal/sharedtest"
)

// seamCases are the pictures of TestSeams, mosaics of photographs: their sides and the
// side of the tiles, in pixels.
var seamCases = []struct{ w, h, tile int }{
	{1536, 1344, 512}, {1344, 1536, 384}, {1920, 1280, 512}, {2048, 1536, 768}, {1536, 2048, 256},
	{2304, 1536, 512}, {1792, 1344, 1024}, {2560, 1920, 768}, {1440, 1920, 512}, {6000, 4000, 1024},
}

// maxSeam is the limit for steps across the borders of tiles relative to other places.
const maxSeam = 1.05

// TestSeams restores pictures as a whole and in tiles, and prints
//
//	PSNR  between the two, in dB
//	step  the mean difference of neighbouring pixels across the borders of tiles
//	      over that half a tile away, the picture's own share divided out by
//	      the same quotient of the whole
//	wide  the same of the means of 32×32 pixels on either side, of the
//	      difference between tiled and whole: what an eye would see in a sky
//
// The environment chooses: SEAMS_CASES=0,3 some pictures, SEAMS_MODEL a
// checkpoint. docs/tiles.md holds a result.
func TestSeams(t *testing.T) {
	b, err := cpu.New(cpu.Options{})
	must(t, err)
	defer b.Close()
	n, err := infer.Load(infer.Source{Model: environment("SEAMS_MODEL", "nano")}, b)
	must(t, err)
	defer n.Close()
	photos, err := filepath.Glob(filepath.Join(sharedtest.Shared(t, "data/test/denoise/kodak24"), "*"))
	must(t, err)
	all := "0"
	for i := range seamCases[1:] {
		all += "," + strconv.Itoa(i+1)
	}
	chosen := strings.Split(environment("SEAMS_CASES", all), ",")
	fmt.Printf("%-10s %-6s %5s %6s %6s %6s %6s %8s\n", "picture", "input", "tile", "tiles", "PSNR", "step", "wide", "seconds")
	for i, c := range seamCases {
		if !slices.Contains(chosen, strconv.Itoa(i)) {
			continue
		}
		m := mosaic(t, photos, i, c.w, c.h)
		for _, kind := range []string{"noise", "haze"} {
			start := time.Now()
			s := measureSeams(t, n, degraded(m, kind, uint64(i)), c.tile)
			fmt.Printf("%-10s %-6s %5d %6d %6.2f %6.3f %6.3f %8.0f\n", fmt.Sprintf("%d×%d", c.w, c.h), kind, c.tile,
				s.tiles, s.psnr, s.step, s.wide, time.Since(start).Seconds())
			if s.step > maxSeam {
				t.Errorf("picture %d, %s: the step ratio is %.3f, more than %g", i, kind, s.step, maxSeam)
			}
		}
	}
}

func environment(key, otherwise string) string {
	if v := os.Getenv(key); v != "" {
		return v
	}
	return otherwise
}

// mosaic assembles photographs, starting with the one at index next.
func mosaic(t *testing.T, paths []string, next, w, h int) *degrade.Image {
	m := blank(w, h)
	const rows = 512 // of a photograph; portraits are cropped
	for y := 0; y < h; y += rows {
		for x := 0; x < w; next++ {
			info, rgb, _ := load(t, paths[next%len(paths)])
			for c := range 3 {
				for row := range min(rows, h-y) {
					copy(m.Plane(c)[(y+row)*w+x:][:min(info.W, w-x)], rgb[(c*info.H+row)*info.W:])
				}
			}
			x += info.W
		}
	}
	return m
}

func degraded(m *degrade.Image, kind string, seed uint64) *degrade.Image {
	rng := rand.New(rand.NewPCG(seed, 5))
	if kind == "haze" {
		return degrade.RandomHaze(rng).Apply(m, rng)
	}
	noisy := blank(m.W, m.H)
	for i, v := range m.Pix {
		noisy.Pix[i] = v + 25./255*float32(rng.NormFloat64())
	}
	return noisy.Clamp()
}

type seamResult struct {
	tiles            int
	psnr, step, wide float64
}

func measureSeams(t *testing.T, n *infer.Network, m *degrade.Image, side int) (r seamResult) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.tif")
	info := imageio.Info{Format: imageio.TIFF, W: m.W, H: m.H, Depth: 16}
	must(t, imageio.WriteFile(in, info, imageio.Options{}, func(w *imageio.Writer) error { return w.Rows(m.Pix, nil) }))
	restored := func(tile int) []float32 {
		out := filepath.Join(dir, "out.tif")
		r.tiles = one(t, n, Job{In: in, Out: out, Format: imageio.TIFF}, Options{Choices: Choices{Tile: tile}}).Tiles
		_, rgb, _ := load(t, out)
		return rgb
	}
	whole, tiled := restored(TileWhole), restored(side)
	x, y := newGrid(m.W, side, overlap(side)), newGrid(m.H, side, overlap(side))
	ratio := func(img []float32, reach int) float64 {
		at := func(shift int) float64 { return meanStep(img, m.W, m.H, borders(x, shift), borders(y, shift), reach) }
		return at(0) / at(x.stride/2)
	}
	r.step = ratio(tiled, 1) / ratio(whole, 1)
	mse := 0.0
	for i, v := range whole {
		tiled[i] -= v
		mse += float64(tiled[i]) * float64(tiled[i])
	}
	r.psnr = -10 * math.Log10(mse/float64(len(whole)))
	r.wide = ratio(tiled, 32)
	return r
}

// borders returns the middles of a side's overlaps, shifted.
func borders(g grid, shift int) (at []int) {
	for _, s := range g.spans[1:] {
		at = append(at, s.from+g.overlap/2-shift)
	}
	return at
}

// meanStep returns the mean absolute difference across the given columns and rows of an
// image [3,h,w] between the means of reach×reach pixels on either side.
func meanStep(img []float32, w, h int, columns, rows []int, reach int) float64 {
	sum, count := 0.0, 0
	// across compares at one position; lines run along the border.
	across := func(plane []float32, at, from, stride, line int) {
		d := 0.0
		for l := range reach {
			for k := range reach {
				d += float64(plane[(from+l)*line+(at+k)*stride] - plane[(from+l)*line+(at-1-k)*stride])
			}
		}
		sum += math.Abs(d) / float64(reach*reach)
		count++
	}
	for c := range 3 {
		plane := img[c*h*w : (c+1)*h*w]
		for _, x := range columns {
			for y := 0; y+reach <= h && x >= reach && x+reach <= w; y += reach {
				across(plane, x, y, 1, w)
			}
		}
		for _, y := range rows {
			for x := 0; x+reach <= w && y >= reach && y+reach <= h; x += reach {
				across(plane, y, x, w, 1)
			}
		}
	}
	return sum / float64(count)
}

// blank returns a black image that is a whole photograph.
func blank(w, h int) *degrade.Image {
	return &degrade.Image{Image: planar.New(3, h, w), FullW: w, FullH: h}
}
