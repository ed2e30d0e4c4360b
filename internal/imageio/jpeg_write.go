package imageio

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// jpegWriter writes a baseline JPEG row by row. image/jpeg needs the whole picture and
// writes only 4:2:0, which would discard half of a restored picture's colour; here
// every component has full size.
type jpegWriter struct {
	out        io.Writer
	w, n       int      // width and components
	band       []uint8  // up to eight rows of interleaved samples
	held       int      // rows in band
	planes     [][]int8 // the band's components, centred on 0, w rounded up to whole blocks
	scale      [2][64]float32
	huffman    [4][256]huffmanCode
	dc         [3]int
	bitBuf     uint64
	bitCount   uint
	scan       []byte // entropy-coded bytes to be written
	blocksWide int
}

const defaultQuality = 95

func newJPEGWriter(out io.Writer, info *Info, o Options) (rowWriter, error) {
	quality := cmp.Or(o.Quality, defaultQuality)
	if quality < 1 || quality > 100 {
		return nil, fmt.Errorf("JPEG quality %d: use 1 to 100", o.Quality)
	}
	w := &jpegWriter{out: out, w: info.W, n: info.shape().samples(), blocksWide: (info.W + 7) / 8}
	w.band = make([]uint8, 8*w.w*w.n)
	for range w.n {
		w.planes = append(w.planes, make([]int8, 8*8*w.blocksWide))
	}
	for i := range w.huffman {
		w.huffman[i] = huffmanSpecs[i].codes()
	}
	return w, w.head(info, quality)
}

// head writes everything before the scan's data.
func (w *jpegWriter) head(info *Info, quality int) error {
	tables := min(w.n, 2)
	if _, err := w.out.Write([]byte{0xff, markerSOI}); err != nil {
		return err
	}
	segments := jpegMetadata(&info.Meta)
	for t := range tables {
		q := quantTable(t, quality)
		data := []byte{byte(t)}
		for _, natural := range zigzag {
			data = append(data, q[natural])
		}
		w.scale[t] = quantScale(q)
		segments = append(segments, segment{"\xdb", data})
	}
	frame := []byte{8, byte(info.H >> 8), byte(info.H), byte(info.W >> 8), byte(info.W), byte(w.n)}
	scan := []byte{byte(w.n)}
	for c := range w.n {
		table := byte(min(c, 1))
		frame = append(frame, byte(c+1), 0x11, table)
		scan = append(scan, byte(c+1), table<<4|table)
	}
	segments = append(segments, segment{"\xc0", frame})
	for _, s := range huffmanSpecs[:2*tables] {
		data := append([]byte{s.class<<4 | s.id}, s.counts[:]...)
		segments = append(segments, segment{"\xc4", append(data, s.values...)})
	}
	segments = append(segments, segment{string([]byte{markerSOS}), append(scan, 0, 63, 0)})
	for _, s := range segments {
		size := len(s.data) + 2
		if _, err := w.out.Write([]byte{0xff, s.kind[0], byte(size >> 8), byte(size)}); err != nil {
			return err
		}
		if _, err := w.out.Write(s.data); err != nil {
			return err
		}
	}
	return nil
}

func (w *jpegWriter) row(pix []byte) error {
	stride := w.w * w.n
	copy(w.band[w.held*stride:(w.held+1)*stride], pix)
	if w.held++; w.held == 8 {
		return w.encodeBand()
	}
	return nil
}

func (w *jpegWriter) close() error {
	if w.held > 0 {
		if err := w.encodeBand(); err != nil {
			return err
		}
	}
	w.put(0x7f, 7) // fills the last byte with ones
	w.scan = append(w.scan, 0xff, markerEOI)
	_, err := w.out.Write(w.scan)
	return err
}

// encodeBand encodes the rows held, repeating the last one to make eight.
func (w *jpegWriter) encodeBand() error {
	stride := w.w * w.n
	for ; w.held < 8; w.held++ {
		copy(w.band[w.held*stride:(w.held+1)*stride], w.band[(w.held-1)*stride:])
	}
	w.held = 0
	w.split()
	var block [64]float32
	for x := range w.blocksWide {
		for c, plane := range w.planes {
			for y := range 8 {
				for i, v := range plane[8*(y*w.blocksWide+x):][:8] {
					block[8*y+i] = float32(v)
				}
			}
			forwardDCT(&block)
			w.encodeBlock(c, &block)
		}
	}
	_, err := w.out.Write(w.scan)
	w.scan = w.scan[:0]
	return err
}

// split converts the band to planes of YCbCr (JFIF's, 16-bit fixed point as in libjpeg)
// or grey, minus 128, with the last column repeated.
func (w *jpegWriter) split() {
	const half = 1 << 15
	wide := 8 * w.blocksWide
	for y := range 8 {
		row := w.band[y*w.w*w.n:]
		for x := range wide {
			px, at := row[min(x, w.w-1)*w.n:], y*wide+x
			if w.n == 1 {
				w.planes[0][at] = int8(int(px[0]) - 128)
				continue
			}
			r, g, b := int(px[0]), int(px[1]), int(px[2])
			w.planes[0][at] = int8((19595*r+38470*g+7471*b+half)>>16 - 128)
			w.planes[1][at] = int8((-11059*r - 21709*g + 32768*b + half - 1) >> 16)
			w.planes[2][at] = int8((32768*r - 27439*g - 5329*b + half - 1) >> 16)
		}
	}
}

// encodeBlock quantises and codes one block of component c, by F.1.2.
func (w *jpegWriter) encodeBlock(c int, block *[64]float32) {
	table := min(c, 1)
	scale, dcCodes, acCodes := &w.scale[table], &w.huffman[2*table], &w.huffman[2*table+1]
	quantised := func(natural uint8) int {
		v := block[natural] * scale[natural]
		return int(math.Floor(float64(v) + 0.5))
	}
	dc := quantised(0)
	w.code(dcCodes, 0, dc-w.dc[c])
	w.dc[c] = dc
	run := 0
	for _, natural := range zigzag[1:] {
		v := quantised(natural)
		if v == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			w.put(acCodes[0xf0].bits, acCodes[0xf0].size)
		}
		w.code(acCodes, run, v)
		run = 0
	}
	if run > 0 {
		w.put(acCodes[0].bits, acCodes[0].size)
	}
}

// code writes a run of zeros and the value after it.
func (w *jpegWriter) code(codes *[256]huffmanCode, run, v int) {
	size := bits.Len(uint(abs(v)))
	code := codes[run<<4|size]
	w.put(code.bits, code.size)
	if v < 0 {
		v-- // negative values are sent as their ones' complement
	}
	w.put(uint32(v)&(1<<size-1), uint8(size))
}

// put appends the low size bits of v to the scan, with a zero after each 0xff.
func (w *jpegWriter) put(v uint32, size uint8) {
	w.bitBuf = w.bitBuf<<size | uint64(v)
	for w.bitCount += uint(size); w.bitCount >= 8; w.bitCount -= 8 {
		b := byte(w.bitBuf >> (w.bitCount - 8))
		w.scan = append(w.scan, b)
		if b == 0xff {
			w.scan = append(w.scan, 0)
		}
	}
}
