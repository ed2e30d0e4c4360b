package draw

import "image"

// Planes shows pixels [3,h,w] in 0..1, rounded to 8 bits.
func Planes(x []float32, w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	n := w * h
	for i := range n {
		for c := range 3 {
			m.Pix[4*i+c] = uint8(x[c*n+i]*255 + .5)
		}
		m.Pix[4*i+3] = 255
	}
	return m
}
