package imageio

import (
	"bytes"
	"io"
	"slices"
	"strconv"
)

// tiffHead is the directory of a TIFF's picture.
type tiffHead struct {
	ifd
	behind Behind
	known  map[uint16][]byte
	meter  *meter
}

func readTIFFHead(r io.ReaderAt, limits Limits) (*tiffHead, error) {
	t, first, err := directories(r)
	if err != nil {
		return nil, err
	}
	h := &tiffHead{ifd: ifd{tiffFile: t}, meter: limits.meter()}
	if h, err = h.below(first); err != nil {
		return nil, err
	}
	pages, behind := t.pages(first)
	page := max(limits.Page, 1) - 1
	if page > 0 && page >= len(pages) {
		return nil, damaged(TIFF, "it has no page %d", limits.Page)
	}
	if len(pages) > 0 && pages[page] != first { // a later page, or one after a preview
		if what := h.raw(); what != "" {
			return nil, rawFile(what)
		}
		if h, err = h.below(pages[page]); err != nil {
			return nil, err
		}
	}
	h.behind = behind
	return h, nil
}

// below returns another directory of the same file.
func (h *tiffHead) below(at int64) (*tiffHead, error) {
	d, err := h.directory(at)
	return &tiffHead{ifd: d, known: map[uint16][]byte{}, meter: h.meter}, err
}

// data returns a tag's bytes, nil if it is missing or cannot be read.
func (h *tiffHead) data(tag uint16) []byte {
	f, ok := h.find(tag)
	if !ok {
		return nil
	}
	b, known := h.known[tag]
	if !known && h.meter.take(f.size()) {
		b, _ = h.bytes(f)
	}
	h.known[tag] = b
	return b
}

func openTIFF(file File, limits Limits) (o opened, err error) {
	h, err := readTIFFHead(file, limits)
	if err != nil {
		return o, err
	}
	p, err := h.page(limits)
	if err != nil {
		return o, err
	}
	return opened{shape: p.shape, turn: p.turn(), metadata: p.described(), streams: p.streams(), pages: p.behind.Pages + 1,
		bytes:  p.bytes() + int64(p.bandBytes()) + p.jpegBytes(),
		decode: func() (*Image, error) { return p.decode(limits) }}, nil
}

func (p *tiffPage) decode(limits Limits) (*Image, error) {
	src, err := streamed(p.shape, limits, p.streams(), func() (rowReader, error) { return newTIFFRows(p), nil })
	if err != nil {
		return nil, err
	}
	m := newImage(TIFF, src, p.turn())
	m.Notes = append(m.Notes, p.notes()...)
	m.Behind = p.behind
	p.metadata(m)
	m.Notes = append(m.Notes, p.meter.notes()...)
	return m, nil
}

// streams reports whether rows can be decoded while they are used.
func (p *tiffPage) streams() bool { return p.turn() <= 2 && !p.tiled && p.compression != tiffJPEG }

// described returns the memory that metadata take: all fields that are not numbers.
func (h *tiffHead) described() (n int64) {
	for _, f := range h.fields {
		n += f.size()
	}
	return min(n, h.meter.limit)
}

// turn returns the orientation in the directory, or in XMP if the directory has none.
func (h *tiffHead) turn() orientation {
	if turn, found := h.ifd.turn(); found {
		return turn
	}
	return turnOf(nil, h.data(tagXMP))
}

// metadata takes over the directory's metadata.
func (h *tiffHead) metadata(m *Image) {
	budget := h.meter.room()
	d, err := h.tree(&budget, 0, func(tag uint16) bool { return slices.Contains(descriptive, tag) })
	if err != nil {
		m.Notes = append(m.Notes, "damaged EXIF fields were dropped")
	}
	if h.value(tagPhotometric, 0) != tiffInks {
		m.adoptICC(h.data(tagICC))
	}
	m.Meta.Resolution = h.resolution()
	m.adopt(m.turn, exifFrom(d, m.turn), h.data(tagXMP))
	h.own(&m.Info)
}

// own takes over the fields that only a TIFF can carry, and names those that are left
// out.
func (h *tiffHead) own(i *Info) {
	i.Meta.ownOf = TIFF
	var left []string
	for _, f := range h.fields {
		first, _ := h.find(f.tag)
		switch {
		case f != first || ofPixels(f.tag) || slices.Contains(descriptive, f.tag):
		case tiffOwn[f.tag] == "":
			left = append(left, strconv.Itoa(int(f.tag)))
		default:
			data := bytes.Clone(h.data(f.tag))
			if data == nil || f.kind > typeIFD {
				left = append(left, strconv.Itoa(int(f.tag)))
				continue
			}
			e := entry{tag: f.tag, kind: f.kind, count: f.count, data: data}
			if slices.Contains(asTheyStand, f.tag) {
				e = raw(f.tag, data)
			}
			h.bigEndian(e)
			i.Meta.ownTags = append(i.Meta.ownTags, e)
		}
	}
	i.leave("TIFF field", left)
}
