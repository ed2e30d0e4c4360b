package imageio

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"

	"clusir/internal/userfile"
)

// DefaultMaxPixels is the size above which a picture is refused by default: 400
// megapixels.
const DefaultMaxPixels = 400_000_000

// Limits bounds the cost of reading a picture. The zero value has defaults.
type Limits struct {
	// MaxPixels refuses larger pictures before they are decoded; 0 means
	// DefaultMaxPixels.
	MaxPixels int64
	// MaxBytes limits the memory for pixels: a picture that needs more is decoded while
	// it is used, keeping about MaxBytes of rows, if its format allows (PNG that is not
	// interlaced and whose rows are stored from top to bottom). 0 means no limit.
	MaxBytes int64
	// MaxMetadata is the memory that metadata may take: texts, EXIF, XMP, profiles. The
	// rest is left out, with a note. 0 means 64 MiB, which is also the maximum.
	MaxMetadata int64
	// Page is the page of a TIFF to read, from 1, for callers that read them all. 0
	// reads the first, and notes that there are others.
	Page int
}

// check refuses a size that is empty or too large.
func (l Limits) check(w, h int) error {
	if w <= 0 || h <= 0 {
		return noPixels(w, h)
	}
	limit := cmp.Or(l.MaxPixels, DefaultMaxPixels)
	if int64(w) > limit/int64(h) {
		return &SizeError{w, h, limit}
	}
	return nil
}

// SizeError is wrapped by the error for a picture with more pixels than Limits allows.
type SizeError struct {
	W, H  int
	Limit int64
}

// Error completes a message that begins with the picture's name.
func (e *SizeError) Error() string {
	return fmt.Sprintf("is %d×%d, more than the limit of %d pixels", e.W, e.H, e.Limit)
}

func noPixels(w, h int) error {
	return fmt.Errorf("has a size of %d×%d: there is nothing to read", w, h)
}

// File is the content of a file, such as an *io.SectionReader or a *bytes.Reader.
type File interface {
	io.ReaderAt
	Size() int64
}

// from returns a reader of the rest of a file.
func from(file File, at int64) *io.SectionReader {
	return io.NewSectionReader(file, at, file.Size()-at)
}

// openFile opens a file, which the caller must close, and returns its content.
func openFile(path string) (f *os.File, content File, err error) {
	if f, err = userfile.Open(path); err != nil {
		return nil, nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, nil, errors.Join(userfile.Unreadable(path, err), f.Close())
	}
	return f, io.NewSectionReader(f, 0, size), nil
}

// Open opens the picture in a file, which the caller must close.
func Open(path string, limits Limits) (*Image, error) {
	f, content, err := openFile(path)
	if err != nil {
		return nil, err
	}
	m, err := Decode(content, path, limits)
	if err != nil || !m.streamed() {
		err = errors.Join(err, f.Close())
	} else {
		m.file = f
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Decode decodes the picture in a file; errors call it name. It may keep reading from
// the file while the Image is in use.
func Decode(file File, name string, limits Limits) (*Image, error) {
	format, err := FormatIn(file, name)
	if err != nil {
		return nil, err
	}
	m, err := decode(format, file, limits)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	m.name = name
	return m, nil
}

// FormatIn determines the format of the picture in a file from its first half kilobyte. Its
// errors say what the file is instead, if that is known.
func FormatIn(file File, name string) (Format, error) {
	head := make([]byte, sniffLen)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("cannot read %s: %w", name, userfile.Reason(err))
	}
	format, err := sniff(head[:n])
	if err != nil {
		return 0, fmt.Errorf("%s %w", name, err)
	}
	return format, nil
}

// opened is a picture whose header was read and checked.
type opened struct {
	shape           // of the stored picture that decode returns
	turn            orientation
	bytes, metadata int64 // see Probe; bytes is 0 if the shape determines it
	streams         bool
	pages           int
	// decode reads the picture. The Image may keep reading from the file; then it is
	// streamed.
	decode func() (*Image, error)
}

// open runs a format's reader of headers.
func open(format Format, file File, limits Limits) (o opened, err error) {
	err = guarded(format, func() (err error) {
		if o, err = rowOf(format).open(file, limits); err != nil {
			return err
		}
		return limits.check(o.w, o.h)
	})
	return o, err
}

// decode runs a format's decoder.
func decode(format Format, file File, limits Limits) (m *Image, err error) {
	o, err := open(format, file, limits)
	if err != nil {
		return nil, err
	}
	err = guarded(format, func() (err error) {
		m, err = o.decode()
		return err
	})
	if err != nil {
		return nil, err
	}
	if limits.Page > 0 {
		m.Behind.Pages = 0
	}
	m.Notes = append(m.Notes, m.Behind.notes()...)
	return m, nil
}

// cutShort converts the error of data that end too early.
func cutShort(f Format, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("is cut short: the %s data end before the picture does", f)
	}
	return err
}

// guarded calls a part of a decoder and completes its errors. The recover is a last
// resort: no file may end the program.
func guarded(f Format, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged(f, "its decoder failed with %v", p)
		}
	}()
	return cutShort(f, call())
}

// dataError distinguishes damage of the pixels' data from their early end.
func dataError(f Format, err error) error {
	if errors.Is(err, errUnsupported) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return damaged(f, "its pixel data are broken (%v)", err)
}

// damaged returns the error of a picture whose data contradict its format.
func damaged(f Format, what string, args ...any) error {
	return fmt.Errorf("is a damaged %s: %s", f, fmt.Sprintf(what, args...))
}

// errUnsupported is wrapped by the errors for unsupported variants.
var errUnsupported = errors.New("which cannot be read: " + convertFirst)

// convertFirst is the remedy for files that cannot be read.
const convertFirst = "convert it to PNG or 16-bit TIFF first, as ImageMagick does by: magick FILE new.png"

// unsupported returns the error of a picture in a variant that cannot be read.
func unsupported(f Format, what string, args ...any) error {
	return fmt.Errorf("is a %s with %s, %w", f, fmt.Sprintf(what, args...), errUnsupported)
}
