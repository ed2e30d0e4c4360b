package eval

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"clusir/internal/atomicfile"
	"clusir/internal/shard"
)

// formatName is the format of a results file; it changes if its lines do.
const formatName = "clusir-eval-1"

var resultsFormat = atomicfile.Format{Name: "file of results of clusir eval", Start: `{"format":"clusir-eval-`}

// Header is the first line of a results file: what is measured, and how. Every other
// line is an ImageResult; if two have the same index, the later counts.
type Header struct {
	Format string `json:"format"`
	Subject
	Protocol Protocol    `json:"protocol"`
	Setting  string      `json:"setting,omitempty"` // see Report
	Shard    shard.Shard `json:"shard,omitzero"`
	Limit    int         `json:"limit,omitempty"`
	Splits   []Split     `json:"splits"`
	Missing  []string    `json:"missing,omitempty"`
}

// mustMatch returns an error that says in what two runs differ.
func (h Header) mustMatch(o Header) error {
	switch {
	case (h.Restored != "") != (o.Restored != "") || h.Restored != "" && h.Model != o.Model:
		return fmt.Errorf("it is of %s, not of %s", h.Model, o.Model)
	case h.Weights != o.Weights:
		return fmt.Errorf("it is of other weights: %s %s, not %s %s", h.Model, h.Weights, o.Model, o.Weights)
	case h.Ensemble != o.Ensemble:
		return fmt.Errorf("one of the two was measured with --ensemble=%v and the other was not", cmp.Or(h.Ensemble, o.Ensemble))
	case h.Protocol != o.Protocol:
		return fmt.Errorf("it was measured differently: %s", h.Protocol)
	case h.Limit != o.Limit:
		return fmt.Errorf("it was measured with %s, not with %s", limitOf(h.Limit), limitOf(o.Limit))
	case !slices.EqualFunc(h.Splits, o.Splits, Split.same):
		return errors.New("it is of other benchmarks or of other images of them")
	}
	return nil
}

func limitOf(n int) string {
	if n == 0 {
		return "all images"
	}
	return fmt.Sprintf("--limit %d", n)
}

// same compares two splits, whatever else is in their folders. Older files have no
// fingerprint of names, so they match any.
func (s Split) same(o Split) bool {
	s.Skipped, o.Skipped = nil, nil
	if s.Names == "" || o.Names == "" {
		s.Names, o.Names = "", ""
	}
	return reflect.DeepEqual(s, o)
}

// stream keeps the results of a run and writes them to its file as they arrive.
type stream struct {
	file *atomicfile.Lines // nil for none
	done map[int]ImageResult
}

// openStream creates the results file of o, or reads the one to continue.
func openStream(o Options, h Header, jobs []job) (s *stream, err error) {
	s = &stream{done: map[int]ImageResult{}}
	if o.Results == "" {
		return s, nil
	}
	var old reading
	if s.file, err = resultsFormat.Open(o.Results, o.Resume, "--resume", old.take); err != nil {
		return nil, err
	}
	if old.Format == "" {
		err = s.file.Add(h)
	} else if err = s.begin(old, h, jobs); err != nil {
		err = fmt.Errorf("%s: cannot continue: %w", o.Results, err)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// begin keeps the results of an earlier run, which must be of the same images.
func (s *stream) begin(old reading, h Header, jobs []job) error {
	names := map[int]string{}
	for _, j := range jobs {
		names[j.index] = j.item.Name
	}
	for _, r := range old.rows {
		if name, ok := names[r.Index]; ok && name != r.Image {
			return fmt.Errorf("image %d was %q and is %q now; name another file", r.Index, r.Image, name)
		}
		if r.Err == "" { // failed images are tried again
			s.done[r.Index] = r
		}
	}
	if err := old.mustMatch(h); err != nil {
		return fmt.Errorf("%w; name another file", err)
	}
	if old.Shard != h.Shard {
		return fmt.Errorf("it is of %s, not of %s; name another file", old.Shard.Words(), h.Shard.Words())
	}
	if old.Device != h.Device {
		return fmt.Errorf("it was measured on %s, and this is %s, whose last digits differ; go on there, choose --device or --isa, or name another file",
			old.Device, h.Device)
	}
	return sameShapes(old.rows)
}

func (s *stream) add(r ImageResult) error {
	s.done[r.Index] = r
	if s.file == nil {
		return nil
	}
	return s.file.Add(r)
}

func (s *stream) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
