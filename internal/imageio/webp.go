package imageio

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"slices"

	"github.com/HugoSmits86/nativewebp"
	"golang.org/x/image/webp"
)

// Flags of the VP8X chunk.
const (
	webpAnimation, webpXMP, webpEXIF, webpAlpha, webpICC = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5
)

// webpFile holds the content of a WebP's chunks.
type webpFile struct {
	kind           shape
	flags          byte      // of VP8X
	picture, alpha webpChunk // VP8 or VP8L, and ALPH
	exif, xmp, icc []byte
	meter          *meter
	end            int64 // of the RIFF
	left           []string
	more           bool // pictures after the first
}

// webpChunk is the location of a chunk.
type webpChunk struct {
	kind  string
	at, n int64 // of its data
}

// of returns the chunk's data.
func (c webpChunk) of(file File) *io.SectionReader { return io.NewSectionReader(file, c.at, c.n) }

// scanWebP reads the RIFF chunks, and only the headers of the picture's. It does not
// trust VP8X about alpha, because some writers announce alpha that is not there.
func scanWebP(file File, limits Limits) (*webpFile, error) {
	f := &webpFile{meter: limits.meter()}
	var head [12]byte
	if _, err := file.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	end := 8 + int64(binary.LittleEndian.Uint32(head[4:]))
	f.end = end + end%2
	if end > file.Size() {
		return nil, io.ErrUnexpectedEOF
	}
	for at := int64(12); at+8 <= end; {
		if _, err := file.ReadAt(head[:8], at); err != nil {
			return nil, err
		}
		c := webpChunk{string(head[:4]), at + 8, int64(binary.LittleEndian.Uint32(head[4:]))}
		if c.at+c.n > end {
			return nil, io.ErrUnexpectedEOF
		}
		if err := f.chunk(c.of(file), c); err != nil {
			return nil, err
		}
		at = c.at + c.n + c.n%2
	}
	switch {
	case f.flags&webpAnimation != 0:
		return nil, unsupported(WebP, "an animation")
	case f.picture.n == 0:
		return nil, damaged(WebP, "it holds no picture")
	case f.alpha.n > 0 && f.picture.kind == "VP8 ":
		f.kind.alpha = true
	}
	return f, nil
}

// chunk processes a chunk whose data r holds. Metadata that VP8X does not announce are
// left out, since other programs ignore them: they show the picture not turned.
func (f *webpFile) chunk(r io.Reader, c webpChunk) (err error) {
	into := map[string]*[]byte{"EXIF": &f.exif, "XMP ": &f.xmp, "ICCP": &f.icc}[c.kind]
	flag := map[string]byte{"EXIF": webpEXIF, "XMP ": webpXMP, "ICCP": webpICC}[c.kind]
	switch {
	case f.flags&flag != 0:
		if *into == nil && f.meter.take(c.n) {
			*into, err = readExactly(r, c.n)
			// Some writers put the beginning of JPEG's segment before EXIF.
			f.exif = bytes.TrimPrefix(f.exif, []byte(exifHead))
		}
	case c.kind == "VP8X" && c.n >= 1:
		var flags [1]byte
		_, err = io.ReadFull(r, flags[:])
		f.flags = flags[0]
	case c.kind == "ALPH" && f.picture.n == 0:
		f.alpha = c
	case (c.kind == "VP8 " || c.kind == "VP8L") && f.picture.n == 0 && c.n > 0:
		f.picture = c
		f.kind, err = webpShape(c.kind, r)
	case (c.kind == "VP8 " || c.kind == "VP8L") && c.n > 0:
		f.more = true
	case !slices.Contains([]string{"VP8X", "ALPH", "VP8 ", "VP8L", "ANIM", "ANMF"}, c.kind):
		f.left = appendNew(f.left, c.kind)
	}
	return err
}

// webpShape reads the header of a bit stream.
func webpShape(kind string, r io.Reader) (s shape, err error) {
	s.depth = 8
	if kind == "VP8 " {
		var b [10]byte // frame tag, start code, sides with scales: RFC 6386, 9.1
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return s, err
		}
		s.w, s.h = int(binary.LittleEndian.Uint16(b[6:])&0x3fff), int(binary.LittleEndian.Uint16(b[8:])&0x3fff)
		return s, nil
	}
	var b [5]byte // signature, sides minus one with 14 bits each, alpha_is_used
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return s, err
	}
	v := binary.LittleEndian.Uint32(b[1:])
	s.w, s.h, s.alpha = int(v&0x3fff)+1, int(v>>14&0x3fff)+1, v>>28&1 == 1
	return s, nil
}

// stream returns a file of only the picture's chunks, as the library needs it.
func (f *webpFile) stream(file File) io.Reader {
	var parts []io.Reader
	total := int64(4)
	add := func(c webpChunk) {
		head := binary.LittleEndian.AppendUint32([]byte(c.kind), uint32(c.n))
		parts = append(parts, bytes.NewReader(head), c.of(file), bytes.NewReader(make([]byte, c.n%2)))
		total += 8 + c.n + c.n%2
	}
	if f.kind.alpha && f.alpha.n > 0 {
		parts = append(parts, bytes.NewReader(appendChunk(nil, "VP8X", webpExtended(webpAlpha, f.kind.w, f.kind.h))))
		total += 18
		add(f.alpha)
	}
	add(f.picture)
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(total))
	return io.MultiReader(append([]io.Reader{bytes.NewReader(append(head, "WEBP"...))}, parts...)...)
}

func openWebP(file File, limits Limits) (o opened, err error) {
	f, err := scanWebP(file, limits)
	if err != nil {
		return o, err
	}
	return opened{shape: f.kind, turn: turnOf(f.exif, f.xmp), metadata: f.meter.used,
		bytes:  int64(f.kind.w) * int64(f.kind.h) * 4, // by the library
		decode: func() (*Image, error) { return f.decode(file) }}, nil
}

// decode reads the picture with golang.org/x/image/webp, but converts the planes of
// lossy ones to RGB here: see vp8.
func (f *webpFile) decode(file File) (*Image, error) {
	img, err := webp.Decode(bufio.NewReaderSize(f.stream(file), 1<<16))
	if err != nil {
		return nil, dataError(WebP, err)
	}
	var src raster
	switch s := img.(type) {
	case *image.YCbCr:
		src = &vp8{YCbCr: s}
	case *image.NYCbCrA:
		src = &vp8{YCbCr: &s.YCbCr, alpha: s.A, alphaStride: s.AStride}
	case *image.NRGBA:
		kind := shape{w: s.Rect.Dx(), h: s.Rect.Dy(), depth: 8, alpha: f.kind.alpha}
		src = &packed{kind: kind, pix: s.Pix, stride: s.Stride, step: 4}
	}
	if src == nil || src.shape() != f.kind {
		return nil, damaged(WebP, "its pixels are not what its header says")
	}
	m := newImage(WebP, src, turnOf(f.exif, f.xmp))
	m.adoptICC(f.icc)
	m.adopt(m.turn, f.exif, f.xmp)
	m.Notes = append(m.Notes, f.meter.notes()...)
	m.leave("chunk", f.left)
	m.Behind.Picture = f.more
	m.Behind.look(from(file, f.end))
	return m, nil
}

// encodeWebP writes a lossless WebP: the library has no lossy encoder, and a restored
// picture should not be degraded again when it is saved.
func encodeWebP(out io.Writer, info *Info, img *image.NRGBA) error {
	var plain bytes.Buffer // the library does not report failing writes
	if err := nativewebp.Encode(&plain, img, nil); err != nil {
		return err
	}
	picture := plain.Bytes()[12:] // after RIFF, size, WEBP
	meta := &info.Meta
	var body []byte
	if meta.ICC != nil || meta.EXIF != nil || meta.XMP != nil {
		body = appendChunk(body, "VP8X", webpExtended(webpFlags(info), info.W, info.H))
		body = appendChunk(body, "ICCP", meta.ICC)
	}
	body = append(body, picture...)
	body = appendChunk(body, "EXIF", meta.EXIF)
	body = appendChunk(body, "XMP ", meta.XMP)
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(body)))
	if _, err := out.Write(append(head, "WEBP"...)); err != nil {
		return err
	}
	_, err := out.Write(body)
	return err
}

// webpFlags returns the flags of VP8X for what info carries.
func webpFlags(info *Info) (flags byte) {
	for flag, present := range map[byte]bool{webpICC: info.Meta.ICC != nil, webpEXIF: info.Meta.EXIF != nil,
		webpXMP: info.Meta.XMP != nil, webpAlpha: info.Alpha} {
		if present {
			flags |= flag
		}
	}
	return flags
}

// webpExtended returns the content of VP8X.
func webpExtended(flags byte, w, h int) []byte {
	w, h = w-1, h-1
	return []byte{flags, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)}
}

// appendChunk appends a RIFF chunk, unless data is nil.
func appendChunk(b []byte, kind string, data []byte) []byte {
	if data == nil {
		return b
	}
	b = binary.LittleEndian.AppendUint32(append(b, kind...), uint32(len(data)))
	b = append(b, data...)
	return append(b, make([]byte, len(data)%2)...)
}
