package imageio

import (
	"image"
	"image/jpeg"
	"io"
	"strings"
)

// decodeJPEG reads a JPEG with image/jpeg, but turns its planes into RGB here:
// see chroma.
func decodeJPEG(r io.ReadSeeker, limits Limits) (*Image, error) {
	head, err := scanJPEG(r)
	if err != nil {
		return nil, err
	}
	if err := head.check(); err != nil {
		return nil, err
	}
	img, err := library(JPEG, r, limits, jpeg.DecodeConfig, jpeg.Decode)
	if err != nil {
		return nil, cutJPEG(err)
	}
	m := &Image{Info: Info{Format: JPEG, Depth: 8}}
	_, cmyk := img.(*image.CMYK)
	if planes, ok := img.(*image.YCbCr); ok {
		m.src = newChroma(planes)
	} else if err := m.setStd(img); err != nil {
		return nil, err
	}
	_, m.Grey = img.(*image.Gray)
	m.Meta.own, m.Meta.ownOf, m.Meta.DPI = head.own, JPEG, head.dpi
	if cmyk {
		m.Notes = append(m.Notes, "CMYK was turned into RGB without its colour profile")
	} else {
		m.adoptICC(head.profile())
	}
	m.turn = turnOf(head.exif, head.xmp)
	m.adopt(m.turn, head.exif, head.xmp)
	m.W, m.H = m.turn.size(img.Bounds().Dx(), img.Bounds().Dy())
	return m, nil
}

// check names the variants that image/jpeg does not read.
func (h *jpegHead) check() error {
	switch {
	case h.sof >= 0xc9:
		return unsupported(JPEG, "arithmetic coding")
	case h.sof == 0xc3:
		return unsupported(JPEG, "lossless coding")
	case h.sof > 0xc3:
		return unsupported(JPEG, "hierarchical coding")
	case h.sof == 0 || len(h.frame) < 6 || len(h.frame) < 6+3*int(h.frame[5]):
		return damaged(JPEG, "it has no frame header")
	case h.frame[0] != 8:
		return unsupported(JPEG, "%d bits a sample", h.frame[0])
	}
	return nil
}

// cutJPEG makes the error by which image/jpeg says that a scan ended early what
// it is for other formats.
func cutJPEG(err error) error {
	if strings.Contains(err.Error(), "short Huffman data") {
		return io.ErrUnexpectedEOF
	}
	return err
}
