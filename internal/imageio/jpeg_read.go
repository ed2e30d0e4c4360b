package imageio

import "bufio"

func openJPEG(file File, limits Limits) (o opened, err error) {
	d := newJPEGDecoder(bufio.NewReaderSize(from(file, 0), 1<<16))
	d.meter = limits.meter()
	if err := d.start(); err != nil {
		return o, err
	}
	return opened{shape: d.shape(), turn: turnOf(d.exif, d.xmp), metadata: d.meter.used, bytes: d.bytes(), decode: d.picture}, nil
}

// picture decodes the picture. Its planes stay subsampled: see chroma.
func (d *jpegDecoder) picture() (*Image, error) {
	if err := d.decode(); err != nil {
		return nil, err
	}
	m := newImage(JPEG, newChroma(d), turnOf(d.exif, d.xmp))
	m.Behind.look(d.in)
	m.Behind.GainMap = m.Behind.Picture && (m.Behind.GainMap || d.gainMap || announcesGainMap(d.xmp))
	m.Meta.own, m.Meta.ownOf, m.Meta.Resolution = d.own, JPEG, d.resolution
	if len(d.comps) == 4 {
		m.Notes = append(m.Notes, inksNote)
	} else {
		m.adoptICC(d.profile())
	}
	m.adopt(m.turn, d.exif, d.xmp)
	m.Notes = append(m.Notes, d.meter.notes()...)
	m.leave("segment", d.left)
	return m, nil
}

const inksNote = "CMYK was turned into RGB without its colour profile"
