package restore

import (
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/bmp"

	"clusir/internal/imageio"
	"clusir/internal/infer/infertest"
	"clusir/internal/testnet"
)

// greyPictures writes a picture whose visible pixels are grey in every way that files
// can store one.
func greyPictures(t *testing.T, dir string) (paths []string) {
	t.Helper()
	const w, h = 150, 140
	planes, _ := paint(imageio.Info{W: w, H: h, Depth: 16, Grey: true})
	for name, info := range map[string]imageio.Info{
		"grey8.png": {Depth: 8, Grey: true}, "grey16.png": {Depth: 16, Grey: true},
		"rgb8.png": {Depth: 8}, "rgb16.png": {Depth: 16}, "la.png": {Depth: 8, Grey: true, Alpha: true},
		"hidden.png": {Depth: 8, Alpha: true}, "grey8.tif": {Depth: 8, Grey: true}, "rgb16.tif": {Depth: 16},
		"rgba8.tif": {Depth: 8, Alpha: true}, "grey.jpg": {Depth: 8, Grey: true}, "neutral.jpg": {Depth: 8},
		"rgb.webp": {Depth: 8}, "rgba.webp": {Depth: 8, Alpha: true}, "rgb.bmp": {Depth: 8},
	} {
		format, err := imageio.FormatOf(name)
		must(t, err)
		info.W, info.H, info.Format = w, h, format
		alpha := make([]float32, w*h)
		rgb := append([]float32{}, planes...)
		for i := range alpha {
			if alpha[i] = 1; i%w < 40 {
				alpha[i], rgb[i] = 0, 1 // red under alpha 0
			}
		}
		if !info.Alpha || info.Grey {
			rgb = planes
		}
		paths = append(paths, filepath.Join(dir, name))
		must(t, write(paths[len(paths)-1], info, rgb, alpha))
	}
	palette := image.NewGray(image.Rect(0, 0, w, h)) // which a BMP stores with a palette
	subsampled := image.NewYCbCr(palette.Rect, image.YCbCrSubsampleRatio420)
	for i := range palette.Pix {
		palette.SetGray(i%w, i/w, color.Gray{uint8(planes[i]*255 + 0.5)})
	}
	copy(subsampled.Y, palette.Pix)
	for i := range subsampled.Cb {
		subsampled.Cb[i], subsampled.Cr[i] = 128, 128
	}
	for name, encode := range map[string]func(io.Writer) error{
		"palette.bmp":    func(w io.Writer) error { return bmp.Encode(w, palette) },
		"subsampled.jpg": func(w io.Writer) error { return jpeg.Encode(w, subsampled, nil) },
	} {
		f, err := os.Create(filepath.Join(dir, name))
		must(t, err)
		must(t, encode(f))
		must(t, f.Close())
		paths = append(paths, f.Name())
	}
	return paths
}

// TestGreyStaysGrey: pictures with grey content are returned with equal channels in
// every format, whole and in tiles, although the network colours them.
func TestGreyStaysGrey(t *testing.T) {
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 1), t.TempDir()
	for _, in := range greyPictures(t, dir) {
		for _, f := range imageio.Formats {
			for _, side := range []int{TileWhole, 128} {
				out := filepath.Join(dir, "out", filepath.Base(in)+f.Ext())
				one(t, n, Job{In: in, Out: out, Format: f}, Options{Choices: Choices{Tile: side}})
				if d := colour(t, out); d != 0 {
					t.Errorf("%s as %v, tiles of %d: channels differ by up to %g", filepath.Base(in), f, side, d)
				}
			}
		}
	}
	in := save(t, dir, "colour.png", imageio.Info{W: 64, H: 64})
	out := filepath.Join(dir, "out.png")
	one(t, n, Job{In: in, Out: out, Format: imageio.PNG}, Options{})
	if colour(t, out) == 0 {
		t.Error("a coloured picture became grey")
	}
}

// colour returns the largest difference between the channels of a picture's visible
// pixels.
func colour(t *testing.T, path string) (largest float32) {
	t.Helper()
	_, rgb, alpha := load(t, path)
	n := len(rgb) / 3
	for i := range n {
		if alpha == nil || alpha[i] > 0 {
			r, g, b := rgb[i], rgb[n+i], rgb[2*n+i]
			largest = max(largest, max(r, g, b)-min(r, g, b))
		}
	}
	return largest
}
