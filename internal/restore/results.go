package restore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"clusir/internal/atomicfile"
	"clusir/internal/shard"
)

// resultsFormat is the format of a results file; it changes if its lines do.
const resultsFormat = "clusir-restore-1"

// resultsStart is how a results file begins.
const resultsStart = `{"format":"` + resultsFormat

var errNoResults = errors.New("not a file of results of clusir restore; name another file")

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
	return ResultsHeader{Format: resultsFormat, Model: model, Device: device, Shard: p.shard,
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
func createResults(path string, h ResultsHeader, resume bool) (*resultsFile, error) {
	f, err := atomicfile.OpenLines(path, resume, "--skip-existing")
	if err != nil {
		return nil, err
	}
	r := &resultsFile{f, map[string]bool{}}
	end, err := r.continues(h)
	switch {
	case err != nil:
		err = fmt.Errorf("%s: %w", path, err)
	case end == 0:
		err = errors.Join(f.Cut(0), f.Add(h))
	default:
		err = f.Cut(end)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// continues reads the results of an earlier run, which must be of the same pictures,
// and returns where they end.
func (r *resultsFile) continues(h ResultsHeader) (end int64, err error) {
	old, records, end, err := readResults(r.file)
	switch {
	case err != nil:
		return 0, err
	case end == 0 && !atomicfile.Begins(r.file, resultsStart):
		return 0, errNoResults
	case end == 0:
		return 0, nil
	case old.Names != h.Names || old.Shard != h.Shard:
		return 0, errors.New("it is of other pictures or of another shard: name another file")
	case old.Model != h.Model:
		return 0, fmt.Errorf("it is of model %s, not of %s: name another file", old.Model, h.Model)
	}
	for name, rec := range records {
		r.done[name] = rec.Error == ""
	}
	return end, nil
}

// add writes a record.
func (r *resultsFile) add(rec Record) error {
	if rec.Skipped && r.done[rec.Name] {
		return nil
	}
	return r.file.Add(rec)
}

// IsResults reports whether a file is a results file.
func IsResults(path string) bool { return atomicfile.FileBegins(path, resultsStart) }

// readResults reads the records by picture name. It leaves out an incomplete last line;
// end is the offset where the complete lines end, 0 if there are none.
func readResults(r io.Reader) (h ResultsHeader, records map[string]Record, end int64, err error) {
	records = map[string]Record{}
	text, err := io.ReadAll(r)
	if err != nil {
		return h, nil, 0, err
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	n := 0
	for line := range bytes.Lines(text) {
		if n++; n == 1 {
			if err := json.Unmarshal(line, &h); err != nil || h.Format != resultsFormat || h.Part < 0 || h.Pictures < h.Part {
				return h, nil, 0, fmt.Errorf("line 1: %w", errNoResults)
			}
		} else {
			var rec Record
			if err := json.Unmarshal(line, &rec); err != nil || rec.Name == "" || !h.Shard.HasName(rec.Name) {
				return h, nil, 0, fmt.Errorf("line %d: not the result of a picture of the shard: the file is damaged", n)
			}
			if old, ok := records[rec.Name]; !ok || !rec.Skipped || old.Error != "" {
				records[rec.Name] = rec
			}
		}
	}
	return h, records, int64(len(text)), nil
}
