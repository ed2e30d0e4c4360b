package serve

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/dustin/go-humanize"

	"clusir/internal/atomicfile"
)

// spool keeps pictures and results in files without names, so that nothing can find
// them and nothing is left of them when the program ends, however it does: of one that is
// killed while it takes a file its name, the next one removes the file.
type spool struct {
	dir  string
	max  int64
	used atomic.Int64 // bytes
	open atomic.Int64 // files
}

// errDisk is the error of a file for which there is no room.
var errDisk = errors.New("no room on the server's disk")

// newSpool tries the folder, so that a server does not start that could not work.
func newSpool(dir string, most int64) (*spool, error) {
	s := &spool{dir: dir, max: most}
	f, err := s.create()
	if err != nil {
		return nil, fmt.Errorf("%w: set TMPDIR, or on Windows TMP, to a folder that can be written to", err)
	}
	return s, f.Close()
}

func (s *spool) create() (*file, error) {
	f, err := atomicfile.Temporary(cmp.Or(s.dir, os.TempDir()))
	if err != nil {
		return nil, fmt.Errorf("cannot keep pictures in the temporary folder: %w", err)
	}
	s.open.Add(1)
	// Some systems remove no file that is open: it then keeps its name until it is closed.
	return &file{f: f, spool: s, named: os.Remove(f.Name()) != nil}, nil
}

// file is one of a spool. It hides the other ways of os.File to write.
type file struct {
	f     *os.File
	spool *spool
	size  int64
	named bool
}

// Write keeps to the spool's limit.
func (f *file) Write(b []byte) (int, error) {
	n := int64(len(b))
	if f.spool.used.Add(n) > f.spool.max {
		f.spool.used.Add(-n)
		return 0, fmt.Errorf("%w: pictures and results of all clients take %s, the maximum: try again later", errDisk, humanize.Bytes(uint64(f.spool.max)))
	}
	f.size += n
	return f.f.Write(b)
}

// section reads all that was written.
func (f *file) section() *io.SectionReader { return io.NewSectionReader(f.f, 0, f.size) }

// Close gives the room back. A nil file is closed already.
func (f *file) Close() error {
	if f == nil {
		return nil
	}
	err := f.f.Close()
	if f.named {
		err = errors.Join(err, os.Remove(f.f.Name()))
	}
	f.spool.used.Add(-f.size)
	f.spool.open.Add(-1)
	return err
}
