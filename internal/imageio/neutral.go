package imageio

import (
	"image"
	"iter"
)

// Neutral reports whether the picture's content is grey, however it is stored: red,
// green and blue are equal in every visible pixel. It reads the picture up to the first
// coloured pixel.
func (m *Image) Neutral() (bool, error) {
	if m.Grey {
		return true, nil
	}
	if v, ok := m.src.(*vp8); ok {
		return v.neutral(), nil
	}
	var rgb, alpha []float32
	for r := range m.strips() {
		var err error
		if rgb, err = m.Stored(rgb, r); err != nil {
			return false, err
		}
		if alpha, err = m.Opacity(alpha, r); err != nil {
			return false, err
		}
		if !equalChannels(rgb, alpha) {
			return false, nil
		}
	}
	return true, nil
}

// strips cuts the picture into stretches of rows, from top to bottom.
func (m *Image) strips() iter.Seq[image.Rectangle] {
	const rows = 32
	return func(yield func(image.Rectangle) bool) {
		for y := 0; y < m.H && yield(image.Rect(0, y, m.W, min(y+rows, m.H))); y += rows {
		}
	}
}

// equalChannels reports whether the visible pixels of rgb [3,n] are grey; alpha is nil
// or [n].
func equalChannels(rgb, alpha []float32) bool {
	n := len(rgb) / 3
	green, blue := rgb[n:2*n], rgb[2*n:]
	for i, red := range rgb[:n] {
		if (red != green[i] || red != blue[i]) && (alpha == nil || alpha[i] > 0) {
			return false
		}
	}
	return true
}

// Desaturate sets each channel of rgb [3,n] to the mean of the three.
func Desaturate(rgb []float32) {
	n := len(rgb) / 3
	for i := range n {
		v := (rgb[i] + rgb[n+i] + rgb[2*n+i]) / 3
		rgb[i], rgb[n+i], rgb[2*n+i] = v, v, v
	}
}
