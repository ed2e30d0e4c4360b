package imageio

import "image"

// fromNRGBA is a raster of img's pixels, with its alpha or without.
func fromNRGBA(img *image.NRGBA, alpha bool) *packed {
	kind := shape{w: img.Rect.Dx(), h: img.Rect.Dy(), depth: 8, alpha: alpha}
	return &packed{kind: kind, pix: img.Pix, stride: img.Stride, step: 4}
}
