package imageio

import (
	"errors"
	"fmt"
	"image"
	"io"

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
	limit := l.MaxPixels
	if limit == 0 {
		limit = DefaultMaxPixels
	}
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

// Error completes a message that begins with the picture's name, and says what to do.
func (e *SizeError) Error() string {
	return fmt.Sprintf("is %d×%d, more than the limit of %d pixels: if you trust the file, raise --max-pixels", e.W, e.H, e.Limit)
}

func noPixels(w, h int) error {
	return fmt.Errorf("has a size of %d×%d: there is nothing to read", w, h)
}

// Open opens the picture in a file, which the caller must close.
func Open(path string, limits Limits) (*Image, error) {
	f, err := userfile.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := Decode(f, path, limits)
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

// Decode decodes a picture from r; errors call it name. It may keep reading from r
// while the Image is in use.
func Decode(r io.ReadSeeker, name string, limits Limits) (*Image, error) {
	format, err := formatIn(r, name)
	if err != nil {
		return nil, err
	}
	m, err := decode(format, r, limits)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	m.name = name
	return m, nil
}

// formatIn determines the format of the picture in r and seeks back to its beginning.
func formatIn(r io.ReadSeeker, name string) (Format, error) {
	head := make([]byte, sniffLen)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, fmt.Errorf("cannot read %s: %w", name, userfile.Reason(err))
	}
	format, err := sniff(head[:n])
	if err != nil {
		return 0, fmt.Errorf("%s %w", name, err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return format, nil
}

// decode runs a format's decoder and completes its errors.
func decode(format Format, r io.ReadSeeker, limits Limits) (*Image, error) {
	var m *Image
	err := guarded(format, func() (err error) {
		m, err = rowOf(format).decode(r, limits)
		return err
	})
	if err == nil && limits.Page > 0 {
		m.Behind.Pages = 0
	}
	if err == nil {
		m.Notes = append(m.Notes, m.Behind.notes()...)
	}
	return m, cutShort(format, err)
}

// cutShort converts the error of data that end too early.
func cutShort(f Format, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("is cut short: the %s data end before the picture does", f)
	}
	return err
}

// library runs a third-party decoder, on a picture whose size was checked.
func library(f Format, r io.Reader, decode func(io.Reader) (image.Image, error)) (img image.Image, err error) {
	img, err = decode(r)
	return img, libraryError(f, err)
}

// guarded calls a decoder. The recover is a last resort: no file may end the program.
func guarded(f Format, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged(f, "its decoder failed with %v", p)
		}
	}()
	return call()
}

// libraryError phrases a library's error like damaged and unsupported.
func libraryError(f Format, err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return damaged(f, "%v", err)
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
