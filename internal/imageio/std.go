package imageio

import (
	"image"
	"image/color"
)

// setStd makes img, as a library decoded it, the picture's pixels. It has no
// copy made where the layout is one of packed's.
func (m *Image) setStd(img image.Image) error {
	p := stdRaster(img)
	if p == nil {
		return unsupported(m.Format, "pixels of type %T", img)
	}
	if !m.Alpha {
		p.alpha, p.premult = false, false
	}
	m.src = p
	return nil
}

// describe takes depth, grey and alpha over from the pixels in p.
func (i *Info) describe(p *packed) { i.Depth, i.Grey, i.Alpha = p.depth, p.colour == 1, p.alpha }

// stdRaster is img as a raster, nil if its type is not known here.
func stdRaster(img image.Image) *packed {
	switch s := img.(type) {
	case *image.Gray:
		return &packed{pix: s.Pix, stride: s.Stride, step: 1, colour: 1, depth: 8}
	case *image.Gray16:
		return &packed{pix: s.Pix, stride: s.Stride, step: 2, colour: 1, depth: 16}
	case *image.NRGBA:
		return &packed{pix: s.Pix, stride: s.Stride, step: 4, colour: 3, depth: 8, alpha: true}
	case *image.NRGBA64:
		return &packed{pix: s.Pix, stride: s.Stride, step: 8, colour: 3, depth: 16, alpha: true}
	case *image.RGBA:
		return &packed{pix: s.Pix, stride: s.Stride, step: 4, colour: 3, depth: 8, alpha: true, premult: true}
	case *image.RGBA64:
		return &packed{pix: s.Pix, stride: s.Stride, step: 8, colour: 3, depth: 16, alpha: true, premult: true}
	case *image.Paletted:
		return lookedUp(s)
	case *image.CMYK:
		return fromCMYK(s)
	}
	return nil
}

// lookedUp replaces palette indices by colours.
func lookedUp(s *image.Paletted) *packed {
	var table [256]color.NRGBA // an index outside the palette is transparent black
	opaque := true
	for i, c := range s.Palette {
		table[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
		opaque = opaque && table[i].A == 255
	}
	p := newPacked(Info{Depth: 8, Alpha: !opaque}, s.Rect.Dx(), s.Rect.Dy())
	for i, at := 0, 0; at < len(p.pix); i, at = i+1, at+p.step {
		c := table[s.Pix[i]]
		copy(p.pix[at:at+p.step], []byte{c.R, c.G, c.B, c.A})
	}
	return p
}

// fromCMYK mixes inks as a screen would, without a colour profile.
func fromCMYK(s *image.CMYK) *packed {
	p := newPacked(Info{Depth: 8}, s.Rect.Dx(), s.Rect.Dy())
	for i, at := 0, 0; at < len(p.pix); i, at = i+4, at+3 {
		p.pix[at], p.pix[at+1], p.pix[at+2] = color.CMYKToRGB(s.Pix[i], s.Pix[i+1], s.Pix[i+2], s.Pix[i+3])
	}
	return p
}
