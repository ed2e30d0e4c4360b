package restore

import (
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"

	"clusir/internal/imageio"
	"clusir/internal/userfile"
)

const stdinName = "standard input"

// spool holds standard input in memory, since decoders need to seek in it. It is in
// pieces, so that it need not be copied as it grows.
type spool struct {
	pieces [][]byte
	size   int64
}

// pieceSize is the length of all pieces except the last.
const pieceSize = 1 << 20

func (r *run) standardInput() (*spool, error) {
	if r.Stdin == nil {
		return nil, errors.New("there is no standard input to read")
	}
	userfile.Waits.Add(1)
	defer userfile.Waits.Add(-1)
	limit := r.budget / 2
	s := &spool{}
	for {
		piece := make([]byte, min(pieceSize, limit+1-s.size))
		n, err := io.ReadFull(r.Stdin, piece)
		s.pieces, s.size = append(s.pieces, piece[:n]), s.size+int64(n)
		if s.size == pieceSize { // before the rest is read, which may have no end
			if _, err := imageio.FormatIn(s.reader(), stdinName); err != nil {
				return nil, err
			}
		}
		switch {
		case s.size > limit:
			return nil, fmt.Errorf("%s is longer than %s, half of the memory: raise --max-memory, or give it as a file",
				stdinName, humanize.Bytes(uint64(limit)))
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return s, nil
		case err != nil:
			return nil, fmt.Errorf("cannot read %s: %w", stdinName, userfile.Reason(err))
		}
	}
}

// reader returns a reader of the whole from its beginning.
func (s *spool) reader() *io.SectionReader { return io.NewSectionReader(s, 0, s.size) }

// ReadAt implements io.ReaderAt.
func (s *spool) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) && at < s.size {
		k := copy(b[n:], s.pieces[at/pieceSize][at%pieceSize:])
		n, at = n+k, at+int64(k)
	}
	if n < len(b) {
		err = io.EOF
	}
	return n, err
}
