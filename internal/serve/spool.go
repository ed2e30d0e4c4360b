package serve

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/dustin/go-humanize"

	"clusir/internal/atomicfile"
	"clusir/internal/userfile"
)

// spool keeps pictures and results in files without names, which nothing else can find
// and which disappear when the program ends for whatever reason. If it is killed before
// it has removed a file's name, the next process removes the file.
type spool struct {
	max  int64
	log  *log.Logger
	used atomic.Int64 // bytes
	open atomic.Int64 // files
}

// newSpool tests the folder, so that a server that could not work does not start.
func newSpool(limit int64, messages *log.Logger) (*spool, error) {
	s := &spool{max: limit, log: log.New(io.Discard, "", 0)} // this error is returned
	f, err := s.create()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: set TMPDIR, or on Windows TMP, to a folder that can be written to", err, os.TempDir())
	}
	s.log = messages
	return s, f.Close()
}

// unkept is the error of a picture or a result that the folder does not take because of
// err: it is the server's, which logs it, and may pass. The path is not the client's
// business.
func (s *spool) unkept(err error) error {
	err = withStatus(http.StatusInsufficientStorage, "cannot keep pictures in the temporary folder: %w", userfile.Reason(err))
	s.log.Printf("%v: %s", err, os.TempDir())
	return err
}

func (s *spool) create() (*file, error) {
	f, err := atomicfile.Temporary(os.TempDir())
	if err != nil {
		return nil, s.unkept(err)
	}
	s.open.Add(1)
	// Some systems do not remove open files: the file then keeps its name until it is
	// closed.
	return &file{f: f, spool: s, named: os.Remove(f.Name()) != nil}, nil
}

// file is a file of a spool. It hides os.File's other ways to write.
type file struct {
	f     *os.File
	spool *spool
	size  int64
	named bool
}

// Write enforces the spool's limit.
func (f *file) Write(b []byte) (int, error) {
	n := int64(len(b))
	if f.spool.used.Add(n) > f.spool.max {
		f.spool.used.Add(-n)
		return 0, withStatus(http.StatusInsufficientStorage,
			"no room on the server's disk: pictures and results of all clients take %s, the maximum: try again later", humanize.Bytes(uint64(f.spool.max)))
	}
	f.size += n
	written, err := f.f.Write(b)
	if err != nil {
		err = f.spool.unkept(err)
	}
	return written, err
}

// section reads everything that was written.
func (f *file) section() *io.SectionReader { return io.NewSectionReader(f.f, 0, f.size) }

// Close frees the file's space. Closing a nil file does nothing.
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
