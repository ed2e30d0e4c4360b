package imageio

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"

	"github.com/HugoSmits86/nativewebp"
	"golang.org/x/image/webp"
)

// Flags of the VP8X chunk.
const (
	webpAnimation, webpXMP, webpEXIF, webpAlpha, webpICC = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5
)

// webpFile is what stands in a WebP's chunks.
type webpFile struct {
	flags          byte
	alpha          bool
	exif, xmp, icc []byte
}

// scanWebP reads the RIFF chunks but for the picture's.
func scanWebP(r io.ReadSeeker) (f webpFile, err error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return f, err
	}
	var head [12]byte
	if err := readAt(r, 0, head[:]); err != nil {
		return f, err
	}
	end := 8 + int64(binary.LittleEndian.Uint32(head[4:]))
	if end > size {
		return f, io.ErrUnexpectedEOF
	}
	for at := int64(12); at+8 <= end; {
		if err := readAt(r, at, head[:8]); err != nil {
			return f, err
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		if at+8+n > end {
			return f, io.ErrUnexpectedEOF
		}
		if err := f.chunk(r, string(head[:4]), n); err != nil {
			return f, err
		}
		at += 8 + n + n%2
		if _, err := r.Seek(at, io.SeekStart); err != nil {
			return f, err
		}
	}
	return f, nil
}

func readAt(r io.ReadSeeker, at int64, b []byte) error {
	if _, err := r.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := io.ReadFull(r, b)
	return err
}

// chunk takes in a chunk whose n bytes, which are there, r is at.
func (f *webpFile) chunk(r io.Reader, kind string, n int64) error {
	into := map[string]*[]byte{"EXIF": &f.exif, "XMP ": &f.xmp, "ICCP": &f.icc}[kind]
	switch {
	case into != nil && n <= maxMetadata:
		*into = make([]byte, n)
		_, err := io.ReadFull(r, *into)
		// Some writers put the head of JPEG's segment before EXIF.
		f.exif = bytes.TrimPrefix(f.exif, []byte(exifHead))
		return err
	case kind == "VP8X" && n >= 1:
		var b [1]byte
		_, err := io.ReadFull(r, b[:])
		f.flags, f.alpha = b[0], b[0]&webpAlpha != 0
		return err
	case kind == "VP8L" && n >= 5:
		var b [5]byte
		_, err := io.ReadFull(r, b[:])
		f.alpha = f.alpha || b[4]&0x10 != 0 // alpha_is_used
		return err
	}
	return nil
}

// decodeWebP reads a WebP with golang.org/x/image/webp, but turns lossy ones'
// planes into RGB here: see vp8.
func decodeWebP(r io.ReadSeeker, limits Limits) (*Image, error) {
	f, err := scanWebP(r)
	if err != nil {
		return nil, err
	}
	if f.flags&webpAnimation != 0 {
		return nil, unsupported(WebP, "an animation")
	}
	img, err := library(WebP, r, limits, webp.DecodeConfig, webp.Decode)
	if err != nil {
		return nil, err
	}
	m := &Image{Info: Info{Format: WebP, Depth: 8, Alpha: f.alpha}}
	switch s := img.(type) {
	case *image.YCbCr:
		m.src, m.Alpha = &vp8{YCbCr: s}, false
	case *image.NYCbCrA:
		m.src, m.Alpha = &vp8{YCbCr: &s.YCbCr, alpha: s.A, alphaStride: s.AStride}, true
	default:
		if err := m.setStd(img); err != nil {
			return nil, err
		}
	}
	m.adoptICC(f.icc)
	m.turn = turnOf(f.exif, f.xmp)
	m.adopt(m.turn, f.exif, f.xmp)
	m.W, m.H = m.turn.size(img.Bounds().Dx(), img.Bounds().Dy())
	return m, nil
}

// encodeWebP writes a lossless WebP: the library has no lossy one, and a
// restored picture should not be damaged again on its way to the disk.
func encodeWebP(out io.Writer, info *Info, img *image.NRGBA) error {
	var plain bytes.Buffer // the library does not report failing writes
	if err := nativewebp.Encode(&plain, img, nil); err != nil {
		return err
	}
	picture := plain.Bytes()[12:] // after RIFF, size, WEBP
	meta := &info.Meta
	var body []byte
	if meta.ICC != nil || meta.EXIF != nil || meta.XMP != nil {
		body = appendChunk(body, "VP8X", webpExtended(info))
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

// webpExtended is the content of VP8X.
func webpExtended(info *Info) []byte {
	flags := byte(0)
	for flag, present := range map[byte]bool{webpICC: info.Meta.ICC != nil, webpEXIF: info.Meta.EXIF != nil,
		webpXMP: info.Meta.XMP != nil, webpAlpha: info.Alpha} {
		if present {
			flags |= flag
		}
	}
	w, h := info.W-1, info.H-1
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
