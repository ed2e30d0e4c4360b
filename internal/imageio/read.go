package imageio

import (
	"errors"
	"fmt"
	"image"
	"io"

	"clusir/internal/userfile"
)

// DefaultMaxPixels is the size above which a picture is refused unless a limit
// says otherwise: 400 megapixels.
const DefaultMaxPixels = 400_000_000

// Limits bounds what reading a picture may cost. The zero value has defaults.
type Limits struct {
	// MaxPixels refuses larger pictures before they are decoded; 0 stands for
	// DefaultMaxPixels.
	MaxPixels int64
	// MaxBytes makes a picture whose pixels need more memory be decoded while
	// it is read, if its format allows that (PNG that is not interlaced and
	// whose rows are stored from top to bottom), keeping about MaxBytes of rows;
	// 0 never does.
	MaxBytes int64
	// MaxMetadata is the memory that what comes with the pixels may take: texts,
	// EXIF, XMP, profiles. The rest is left out, and a note says so. 0 stands for
	// 64 MiB, which is also the most.
	MaxMetadata int64
	// Page is the page of a TIFF to read, from 1, for a caller who reads them all.
	// 0 reads the first, and notes that there are others.
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

// SizeError is in the error of a picture of more pixels than Limits allows.
type SizeError struct {
	W, H  int
	Limit int64
}

// Error says what to do, for a message that begins with the picture's name.
func (e *SizeError) Error() string {
	return fmt.Sprintf("is %d×%d, more than the limit of %d pixels: if you trust the file, raise --max-pixels", e.W, e.H, e.Limit)
}

func noPixels(w, h int) error {
	return fmt.Errorf("has a size of %d×%d: there is nothing to read", w, h)
}

// Open reads the picture in a file. Close it.
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

// Decode reads a picture from r, which errors call name. It may keep reading
// from r as long as the Image is in use.
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

// formatIn tells the format of the picture in r and goes back to its beginning.
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

// decode runs a format's decoder and words what its errors leave open.
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

// cutShort words the error of data that end too early.
func cutShort(f Format, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("is cut short: the %s data end before the picture does", f)
	}
	return err
}

// library runs a decoder that is not ours, of a picture whose size was checked.
func library(f Format, r io.Reader, decode func(io.Reader) (image.Image, error)) (img image.Image, err error) {
	img, err = decode(r)
	return img, libraryError(f, err)
}

// guarded calls a decoder. The recover is a last line: whatever is in a file
// must not end the program.
func guarded(f Format, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged(f, "its decoder failed with %v", p)
		}
	}()
	return call()
}

// libraryError words a library's error in the way of damaged and unsupported.
func libraryError(f Format, err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return damaged(f, "%v", err)
}

// damaged is the error of a picture whose data contradict its format.
func damaged(f Format, what string, args ...any) error {
	return fmt.Errorf("is a damaged %s: %s", f, fmt.Sprintf(what, args...))
}

// errUnsupported is in the errors of variants that are not read.
var errUnsupported = errors.New("which cannot be read: " + convertFirst)

// convertFirst is what to do with files that are not read.
const convertFirst = "convert it to PNG or 16-bit TIFF first, as ImageMagick does by: magick FILE new.png"

// unsupported is the error of a picture in a variant that cannot be read.
func unsupported(f Format, what string, args ...any) error {
	return fmt.Errorf("is a %s with %s, %w", f, fmt.Sprintf(what, args...), errUnsupported)
}
