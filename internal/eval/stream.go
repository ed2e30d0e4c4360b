package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
)

// formatName is the format of a results file; it changes when its lines do.
const formatName = "clusir-eval-1"

// Header is the first line of a results file: what is measured, and how. Every
// other line is an ImageResult; of two with one index, the later counts.
type Header struct {
	Format string `json:"format"`
	Subject
	Protocol Protocol `json:"protocol"`
	Shard    Shard    `json:"shard,omitzero"`
	Splits   []Split  `json:"splits"`
	Missing  []string `json:"missing,omitempty"`
}

func (h Header) check() error {
	if h.Format != formatName {
		return fmt.Errorf("its format is %q, not %q", h.Format, formatName)
	}
	for _, s := range h.Splits {
		if s.Found < 0 || s.Found > 1<<31 {
			return fmt.Errorf("%s of %d images", s.Name(), s.Found)
		}
	}
	return nil
}

// mustMatch is an error that says what of two runs differs.
func (h Header) mustMatch(o Header) error {
	switch {
	case h.Weights != o.Weights:
		return fmt.Errorf("it is of other weights: %s %s, not %s %s", h.Model, h.Weights, o.Model, o.Weights)
	case h.Protocol != o.Protocol:
		return fmt.Errorf("it was measured otherwise: %s", h.Protocol)
	case !reflect.DeepEqual(h.Splits, o.Splits):
		return errors.New("it is of other benchmarks or of other images of them")
	}
	return nil
}

// stream keeps the results of a run and writes them to its file as they come.
type stream struct {
	file *os.File // nil for none
	done map[int]ImageResult
}

// openStream begins the results file of o, or reads the one to go on with.
func openStream(o Options, h Header, jobs []job) (*stream, error) {
	s := &stream{done: map[int]ImageResult{}}
	if o.Results == "" {
		return s, nil
	}
	flags := os.O_RDWR | os.O_CREATE
	if !o.Resume {
		flags |= os.O_EXCL
	}
	var err error
	s.file, err = os.OpenFile(o.Results, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists: go on with it by --resume, or remove it", o.Results)
	} else if err != nil {
		return nil, err
	}
	if err := s.begin(h, jobs); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", o.Results, err), s.close())
	}
	return s, nil
}

// begin reads what the file holds, and writes its header if that is nothing.
func (s *stream) begin(h Header, jobs []job) error {
	old, rows, end, err := readResults(s.file)
	if err != nil {
		return err
	}
	if end == 0 && !beginsResults(s.file) {
		return errors.New("not a file of results; name another file")
	}
	// What follows the last whole line was cut off in the middle.
	if err := s.file.Truncate(end); err != nil {
		return err
	}
	if _, err := s.file.Seek(end, io.SeekStart); err != nil {
		return err
	}
	if end == 0 {
		return s.line(h)
	}
	if err := old.mustMatch(h); err != nil {
		return fmt.Errorf("cannot go on: %w; name another file", err)
	}
	if old.Shard != h.Shard {
		return fmt.Errorf("cannot go on: it is of shard %q, not %q; name another file", old.Shard, h.Shard)
	}
	if old.Device != h.Device {
		return fmt.Errorf("cannot go on: it was measured on %s, and this is %s, whose last digits differ; go on there, choose --device or --isa, or name another file",
			old.Device, h.Device)
	}
	names := map[int]string{}
	for _, j := range jobs {
		names[j.index] = j.item.Name
	}
	for _, r := range rows {
		if names[r.Index] != r.Image {
			return fmt.Errorf("cannot go on: image %d was %q and is %q now; name another file", r.Index, r.Image, names[r.Index])
		}
		if r.Err == "" { // what failed is tried again
			s.done[r.Index] = r
		}
	}
	return nil
}

// add keeps a result and writes it.
func (s *stream) add(r ImageResult) error {
	s.done[r.Index] = r
	if s.file == nil {
		return nil
	}
	return s.line(r)
}

func (s *stream) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err := s.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("cannot write the results: %w", err)
	}
	return nil
}

func (s *stream) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

func (s *stream) rows() (rows []ImageResult) {
	for _, r := range s.done {
		rows = append(rows, r)
	}
	return rows
}

// beginsResults tells whether a file is empty or begins as one of results does,
// as far as it goes.
func beginsResults(r io.ReaderAt) bool {
	want := `{"format":"` + formatName
	got := make([]byte, len(want))
	n, err := r.ReadAt(got, 0)
	return (err == nil || errors.Is(err, io.EOF)) && string(got[:n]) == want[:n]
}

// readResults reads the whole lines of a results file; end is where they end,
// 0 if there are none.
func readResults(r io.Reader) (h Header, rows []ImageResult, end int64, err error) {
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return h, rows, end, nil
		} else if err != nil {
			return h, nil, 0, err
		}
		if n == 1 {
			err = json.Unmarshal(line, &h)
			if err == nil {
				err = h.check()
			}
		} else {
			var row ImageResult
			err = json.Unmarshal(bytes.TrimSpace(line), &row)
			rows = append(rows, row)
		}
		if err != nil {
			return h, nil, 0, fmt.Errorf("line %d: not a file of results: %w", n, err)
		}
		end += int64(len(line))
	}
}
