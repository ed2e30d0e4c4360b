package imageio

import "image"

// rowReader reads a picture's rows from the top, in packed's form.
type rowReader interface {
	next(dst []byte) error
}

// rowStream is a raster that decodes while it is used. It holds the most recent rows,
// as many as its budget allows and at least those of the last request; a request for
// earlier rows starts over.
type rowStream struct {
	packed
	budget int // in bytes
	open   func() (rowReader, error)
	rows   rowReader
}

// streamed returns a raster of the rows from open: a stream if that is allowed and the
// rows exceed the limit, otherwise all of them.
func streamed(s shape, limits Limits, may bool, open func() (rowReader, error)) (raster, error) {
	stream := &rowStream{packed: *newPacked(s, 0), budget: int(limits.MaxBytes), open: open}
	if may && limits.MaxBytes > 0 && s.bytes() > limits.MaxBytes {
		return stream, nil
	}
	return stream.all()
}

// end returns the row after those held, which rows returns next.
func (s *rowStream) end() int { return s.first + len(s.pix)/s.stride }

// hold makes rows from to to−1 available and drops earlier ones for which there is no
// room.
func (s *rowStream) hold(from, to int) error {
	if s.rows == nil || from < s.first {
		rows, err := s.open()
		if err != nil {
			return err
		}
		s.rows, s.first, s.pix = rows, 0, s.pix[:0]
	}
	if over := (to-s.first)*s.stride - s.budget; over > 0 {
		drop := min((over+s.stride-1)/s.stride, from-s.first, s.end()-s.first)
		n := copy(s.pix, s.pix[drop*s.stride:])
		s.pix, s.first = s.pix[:n], s.first+drop
	}
	if room := max(s.budget, (to-from)*s.stride) + s.stride; cap(s.pix) < room {
		s.pix = append(make([]byte, 0, room), s.pix...)
	}
	if from > s.end() { // none of the rows held are adjacent to the next ones
		s.first, s.pix = s.end(), s.pix[:0]
	}
	for s.end() < to {
		n := len(s.pix)
		s.pix = append(s.pix, make([]byte, s.stride)...)
		if err := s.rows.next(s.pix[n:]); err != nil {
			// The position in rows is no longer known.
			s.rows, s.pix = nil, s.pix[:n]
			return err
		}
		if s.end() <= from {
			s.first, s.pix = s.end(), s.pix[:0]
		}
	}
	return nil
}

func (s *rowStream) all() (*packed, error) {
	rows, err := s.open()
	if err != nil {
		return nil, err
	}
	p := s.packed
	p.pix = make([]byte, p.kind.h*p.stride)
	for y := range p.kind.h {
		if err := rows.next(p.row(y)); err != nil {
			return nil, err
		}
	}
	return &p, nil
}

func (s *rowStream) colours(dst []float32, r image.Rectangle) error {
	if err := s.hold(r.Min.Y, r.Max.Y); err != nil {
		return err
	}
	return s.packed.colours(dst, r)
}

func (s *rowStream) opacity(dst []float32, r image.Rectangle) error {
	if err := s.hold(r.Min.Y, r.Max.Y); err != nil {
		return err
	}
	return s.packed.opacity(dst, r)
}

func (m *Image) streamed() bool {
	_, ok := m.src.(*rowStream)
	return ok
}
