package restore

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"clusir/internal/atomicfile"
	"clusir/internal/shard"
)

// formatName is the format of a results file; it changes if its lines do.
const formatName = "clusir-restore-1"

var (
	resultsFormat = atomicfile.Format{Name: "file of results of clusir restore", Start: `{"format":"clusir-restore-`}
	errNoResults  = fmt.Errorf("not a %s; name another file", resultsFormat.Name)
)

// ResultsHeader is the first line of a results file. Every other line is a Record; if
// there are two for one picture the later counts, unless it says that the result of the
// earlier already existed.
type ResultsHeader struct {
	Format string      `json:"format"`
	Model  string      `json:"model"`
	Device string      `json:"device"`
	Shard  shard.Shard `json:"shard,omitzero"`
	// Pictures is the number of all shards' pictures and Part that of this one's; Names
	// is a fingerprint of the names of all.
	Pictures int    `json:"pictures"`
	Part     int    `json:"part"`
	Names    string `json:"names"`
}

// header returns the first line of the results of a plan.
func (p *Plan) header(model, device string) ResultsHeader {
	return ResultsHeader{Format: formatName, Model: model, Device: device, Shard: p.shard,
		Pictures: p.pictures, Part: len(p.Jobs) + len(p.Skipped), Names: p.names}
}

// namesOf returns a fingerprint of the pictures' names.
func namesOf(jobs []Job) string {
	names := make([]string, len(jobs))
	for i, j := range jobs {
		names[i] = j.name
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, n := range names {
		fmt.Fprintf(sum, "%q\n", n)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// resultsFile receives the records of a run, one line each.
type resultsFile struct {
	file *atomicfile.Lines
	done map[string]bool // names of the pictures that were restored before
}

// createResults creates a results file or, if resume is set, continues one for the same
// pictures.
func createResults(path string, h ResultsHeader, resume bool) (r *resultsFile, err error) {
	r = &resultsFile{done: map[string]bool{}}
	var old reading
	r.file, err = resultsFormat.Open(path, resume, "--skip-existing", func(n int, line []byte) error {
		if err := old.take(n, line); err != nil || n > 1 {
			return err
		}
		return old.mustContinue(h)
	})
	if err != nil {
		return nil, err
	}
	for name, rec := range old.records {
		r.done[name] = rec.Error == ""
	}
	if old.Format == "" {
		if err := r.file.Add(h); err != nil {
			return nil, errors.Join(err, r.file.Close())
		}
	}
	return r, nil
}

// mustContinue returns an error unless the results of an earlier run are of the same
// pictures.
func (h ResultsHeader) mustContinue(o ResultsHeader) error {
	switch {
	case h.Names != o.Names || h.Shard != o.Shard:
		return errors.New("it is of other pictures or of another shard: name another file")
	case h.Model != o.Model:
		return fmt.Errorf("it is of model %s, not of %s: name another file", h.Model, o.Model)
	}
	return nil
}

func (r *resultsFile) add(rec Record) error {
	if rec.Skipped && r.done[rec.Name] {
		return nil
	}
	return r.file.Add(rec)
}

// IsResults reports whether a file is a results file.
func IsResults(path string) bool { return resultsFormat.Is(path) }

// reading is what was read of a results file: nothing, or a header and the records by
// picture name.
type reading struct {
	ResultsHeader
	records map[string]Record
}

// take reads a line; see [atomicfile.ReadLines].
func (r *reading) take(n int, line []byte) error {
	if n == 1 {
		r.records = map[string]Record{}
		err := json.Unmarshal(line, &r.ResultsHeader)
		switch {
		case err != nil || r.Part < 0 || r.Pictures < r.Part:
			return errNoResults
		case r.Format != formatName:
			return fmt.Errorf("its format is %q, not %q: %w", r.Format, formatName, errNoResults)
		}
		return nil
	}
	var rec Record
	if err := json.Unmarshal(line, &rec); err != nil || rec.Name == "" || !r.Shard.HasName(rec.Name) {
		return errors.New("not the result of a picture of the shard: the file is damaged")
	}
	if old, ok := r.records[rec.Name]; !ok || !rec.Skipped || old.Error != "" {
		r.records[rec.Name] = rec
	}
	return nil
}
