package imageio

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"

	"github.com/klauspost/compress/zlib"
)

// pngWriter writes a PNG without interlacing. It chooses the filter of each row by the
// smallest sum of absolute differences, as the specification suggests (12.7). Compression is
// a third-party package's, up to 17 times as fast as the standard library's for files that
// are 1 to 5 % larger.
type pngWriter struct {
	out      io.Writer
	z        *zlib.Writer
	idat     *bufio.Writer // before an idatWriter
	step     int
	prev     []byte
	filtered [5][]byte // a filter byte and the row filtered by it
}

func newPNGWriter(out io.Writer, info *Info, _ Options) (rowWriter, error) {
	kind := byte(pngRGB)
	switch {
	case info.Grey && info.Alpha:
		kind = pngGreyAlpha
	case info.Grey:
		kind = pngGrey
	case info.Alpha:
		kind = pngRGBA
	}
	header := binary.BigEndian.AppendUint32(nil, uint32(info.W))
	header = binary.BigEndian.AppendUint32(header, uint32(info.H))
	header = append(header, byte(info.Depth), kind, 0, 0, 0)
	if _, err := io.WriteString(out, "\x89PNG\r\n\x1a\n"); err != nil {
		return nil, err
	}
	chunks := append([]segment{{"IHDR", header}}, pngMetadata(&info.Meta)...)
	for _, c := range chunks {
		if err := writeChunk(out, c.kind, c.data); err != nil {
			return nil, err
		}
	}
	w := &pngWriter{out: out, idat: bufio.NewWriterSize(idatWriter{out}, 1<<16), step: info.shape().pixelBytes()}
	w.z = zlib.NewWriter(w.idat)
	w.prev = make([]byte, info.W*w.step)
	for filter := range w.filtered {
		w.filtered[filter] = make([]byte, 1+len(w.prev))
		w.filtered[filter][0] = byte(filter)
	}
	return w, nil
}

// pngMetadata returns m as chunks, all of which may precede the pixels.
func pngMetadata(m *Metadata) (chunks []segment) {
	for _, s := range m.ownTo(PNG) {
		// A profile takes precedence, and sRGB must not accompany it (11.3.2.3).
		if s.kind != "sRGB" || m.ICC == nil {
			chunks = append(chunks, s)
		}
	}
	if m.ICC != nil {
		chunks = append(chunks, segment{"iCCP", append([]byte("ICC profile\x00\x00"), deflate(m.ICC)...)})
	}
	if data := pngResolution(m.Resolution); data != nil {
		chunks = append(chunks, segment{"pHYs", data})
	}
	if m.EXIF != nil {
		chunks = append(chunks, segment{"eXIf", m.EXIF})
	}
	if m.XMP != nil {
		// Not compressed, with neither language nor translated keyword.
		chunks = append(chunks, segment{"iTXt", append([]byte(xmpKeyword+"\x00\x00\x00\x00\x00"), m.XMP...)})
	}
	return chunks
}

// pngResolution returns the content of pHYs (section 11.3.4.3), nil if there is none.
func pngResolution(r Resolution) []byte {
	x, y, ok := r.whole(1, perMetre, math.MaxInt32)
	unit := byte(1)
	if !ok {
		x, y = r.shape(math.MaxInt32)
		unit = 0
	}
	if !ok && x == y {
		return nil
	}
	return append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, x), y), unit)
}

func writeChunk(out io.Writer, kind string, data []byte) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(b, kind...)
	sum := crc32.Update(crc32.ChecksumIEEE(b[4:]), crc32.IEEETable, data)
	for _, part := range [][]byte{b, data, binary.BigEndian.AppendUint32(nil, sum)} {
		if _, err := out.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func (w *pngWriter) row(pix []byte) error {
	if _, err := w.z.Write(w.filter(pix)); err != nil {
		return err
	}
	copy(w.prev, pix)
	return nil
}

// filter applies all filters to a row and returns the best result, preceded by its
// number.
func (w *pngWriter) filter(row []byte) []byte {
	none, sub, up, avg, pth := w.filtered[0][1:], w.filtered[1][1:], w.filtered[2][1:], w.filtered[3][1:], w.filtered[4][1:]
	prev := w.prev[:len(row)]
	copy(none, row)
	for i, v := range row {
		var left, upleft uint8
		if i >= w.step {
			left, upleft = row[i-w.step], prev[i-w.step]
		}
		sub[i] = v - left
		up[i] = v - prev[i]
		avg[i] = v - uint8((int(left)+int(prev[i]))/2)
		pth[i] = v - paeth(left, prev[i], upleft)
	}
	best, smallest := w.filtered[0], magnitude(none)
	for _, f := range w.filtered[1:] {
		if m := magnitude(f[1:]); m < smallest {
			best, smallest = f, m
		}
	}
	return best
}

// magnitude returns the sum of |v| over signed bytes.
func magnitude(row []byte) (sum int) {
	for _, v := range row {
		sum += abs(int(int8(v)))
	}
	return sum
}

func (w *pngWriter) close() error {
	if err := w.z.Close(); err != nil {
		return err
	}
	if err := w.idat.Flush(); err != nil {
		return err
	}
	return writeChunk(w.out, "IEND", nil)
}

// idatWriter makes a chunk of every piece of the compressed stream.
type idatWriter struct{ out io.Writer }

func (d idatWriter) Write(p []byte) (int, error) { return len(p), writeChunk(d.out, "IDAT", p) }
