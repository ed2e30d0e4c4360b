package imageio

import (
	"bufio"
	"fmt"
	"io"

	"clusir/internal/atomicfile"
)

// Options are the settings for writing a picture. The zero value has defaults.
type Options struct {
	// Quality of a JPEG, 1 to 100; 0 means 95. Chroma is never subsampled.
	Quality int

	start int64 // of a page of a TIFF that is not the first
	more  bool  // pages follow
}

// rowWriter encodes rows in packed's form.
type rowWriter interface {
	row(pix []byte) error
	close() error
}

// Writer encodes a picture row by row, from the first to the last.
type Writer struct {
	info Info
	out  *bufio.Writer
	enc  rowWriter
	row  []byte
	done int // rows
}

// NewWriter starts a picture like info on w, in the format info.Format, which must be
// able to hold it: see Fit.
func NewWriter(w io.Writer, info Info, o Options) (*Writer, error) {
	info, lost := Fit(info, info.Format)
	if len(lost) > 0 {
		return nil, fmt.Errorf("a %s cannot hold the picture: %s", info.Format, lost[0])
	}
	if err := info.Format.CheckSize(info.W, info.H); err != nil {
		return nil, err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	enc, err := rowOf(info.Format).encode(out, &info, o)
	if err != nil {
		return nil, err
	}
	return &Writer{info: info, out: out, enc: enc, row: make([]byte, info.W*info.shape().pixelBytes())}, nil
}

// CheckSize refuses a picture of w×h pixels that is too large for the format.
func (f Format) CheckSize(w, h int) error {
	if maxSide := rowOf(f).maxSide; w <= 0 || h <= 0 || max(w, h) > maxSide {
		return fmt.Errorf("a %s of %d×%d is not possible, sides are from 1 to %d: write another format", f, w, h, maxSide)
	}
	return nil
}

// Rows writes the next rows: rgb [3,n,W] and, if the picture has alpha, alpha [n,W],
// clamped and rounded. A grey picture takes the channels' mean.
func (w *Writer) Rows(rgb, alpha []float32) error {
	n := len(rgb) / (3 * w.info.W)
	if len(rgb) != 3*n*w.info.W || w.done+n > w.info.H || (w.info.Alpha && len(alpha) != n*w.info.W) {
		panic(fmt.Sprintf("imageio: %d and %d values are no rows of a picture %d×%d with %d rows written",
			len(rgb), len(alpha), w.info.W, w.info.H, w.done))
	}
	for y := range n {
		quantize(w.row, &w.info, rgb, alpha, y*w.info.W, n*w.info.W)
		if err := w.enc.row(w.row); err != nil {
			return err
		}
	}
	w.done += n
	return nil
}

// Close ends the file. It returns an error if rows are missing.
func (w *Writer) Close() error {
	if w.done != w.info.H {
		return fmt.Errorf("only %d of %d rows were written", w.done, w.info.H)
	}
	if err := w.enc.close(); err != nil {
		return err
	}
	return w.out.Flush()
}

// Fit returns info as a file of format f can hold it, and a description of what is
// lost.
func Fit(info Info, f Format) (fitted Info, lost []string) {
	row := rowOf(f)
	info.Format = f
	if info.Depth == 16 && !row.deep {
		info.Depth = 8
		lost = append(lost, fmt.Sprintf("16 bits become 8 in %s: write %s to keep them", f,
			holding(func(r formatRow) bool { return r.deep })))
	}
	if info.Alpha && !row.alpha {
		info.Alpha = false
		lost = append(lost, fmt.Sprintf("%s has no alpha: write %s to keep it", f,
			holding(func(r formatRow) bool { return r.alpha })))
	}
	// Three equal channels stand in for one, which loses only a grey profile.
	if info.Grey && (!row.grey || info.Alpha && !row.greyAlpha) {
		info.Grey = false
		if info.Meta.ICC != nil {
			info.Meta.ICC = nil
			lost = append(lost, fmt.Sprintf("%s is written with three channels, without the grey colour profile", f))
		}
	}
	lost = append(lost, info.Meta.fit(f)...)
	return info, lost
}

// Flatten composes rgb [3,n] of a picture with alpha [n] onto white, for formats
// without alpha.
func Flatten(rgb, alpha []float32) {
	for i, a := range alpha {
		for c := i; c < len(rgb); c += len(alpha) {
			rgb[c] = a*rgb[c] + 1 - a
		}
	}
}

// Write writes a picture whose rows fill supplies; see NewWriter.
func Write(out io.Writer, info Info, o Options, fill func(*Writer) error) error {
	w, err := NewWriter(out, info, o)
	if err != nil {
		return err
	}
	if err := fill(w); err != nil {
		return err
	}
	return w.Close()
}

// WriteFile is Write to a temporary name that becomes path only on success.
func WriteFile(path string, info Info, o Options, fill func(*Writer) error) error {
	return atomicfile.Write(path, func(out io.Writer) error { return Write(out, info, o, fill) })
}
