package imageio

import "image"

// fromNRGBA returns a raster of img's pixels, with or without alpha.
func fromNRGBA(img *image.NRGBA, alpha bool) *packed {
	kind := shape{w: img.Rect.Dx(), h: img.Rect.Dy(), depth: 8, alpha: alpha}
	return &packed{kind: kind, pix: img.Pix, stride: img.Stride, step: 4}
}
