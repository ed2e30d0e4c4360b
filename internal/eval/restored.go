package eval

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"clusir/internal/dataset"
	"clusir/internal/userfile"
)

// Picture is the file to which another program restored an image.
type Picture struct {
	Format string `json:"format"`
	Depth  int    `json:"depth"` // bits per sample: 8 or 16
	SHA256 string `json:"sha256"`
}

// runRestored measures another program's pictures of the benchmarks like Run measures a
// network's. o.Subject names the program and the folder of its pictures: in a subfolder
// for each part of a benchmark, named by Split.folder, or directly in it if only one
// part is measured. jobs is how many are measured in parallel. A part without a folder
// is recorded as missing; an image without a picture becomes a result with an error.
func runRestored(ctx context.Context, jobs int, o Options) (*Report, error) {
	if err := userfile.Folder(o.Subject.Restored, "restored pictures"); err != nil {
		return nil, err
	}
	return run(ctx, slices.Repeat([]restorer{reader{}}, jobs), o)
}

// pictures finds the files for a split's images, or why some have none; both are "" and
// nil for a network. It returns an error if there are no files at all.
func (s Subject) pictures(split Split, items []dataset.Item, only bool) (files []string, faults []error, err error) {
	if s.Restored == "" {
		return make([]string, len(items)), make([]error, len(items)), nil
	}
	dir := filepath.Join(s.Restored, split.folder())
	if info, err := os.Stat(dir); only && (err != nil || !info.IsDir()) {
		dir = s.Restored
	}
	files, faults, err = dataset.FindRestored(dir, items)
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%s of %s: there is no folder %s", split.Name(), s.Model, dir)
	}
	return files, faults, err
}

// reader supplies pictures that another program wrote.
type reader struct{}

func (reader) held() int64 { return 0 }

func (reader) need(j job, h, w int) (kept, images int64, err error) {
	if j.none != nil {
		return 0, 0, j.none
	}
	decoded, err := dataset.RestoredBytes(j.picture)
	return 0, decoded + imageBytes(h, w), err
}

func (reader) restore(_ context.Context, s *shot, j job) error {
	p, err := j.item.ReadRestored(j.picture)
	if err != nil {
		return err
	}
	sum, err := userfile.SHA256(j.picture)
	if err != nil {
		return err
	}
	s.Picture = &Picture{p.Format.String(), p.Depth, sum}
	s.restored = p.Image
	return nil
}

// changed reports whether a job's images or its picture differ from those that were
// measured. Older files do not identify the images.
func (j job) changed(r ImageResult) bool {
	if r.Files != "" {
		if files, err := j.item.Digest(); err != nil || files != r.Files {
			return true
		}
	}
	if j.picture == "" {
		return j.none != nil // it existed then
	}
	sum, err := userfile.SHA256(j.picture)
	return err != nil || r.Picture == nil || r.Picture.SHA256 != sum
}

// protocol says how it was measured, on one line.
func (r *Report) protocol() string {
	if r.Restored == "" {
		return r.Protocol.String()
	}
	return r.Protocol.with("output in the bits of its files")
}

// who says whose results these are, on one line; "" if that is unknown.
func (r *Report) who() string {
	switch {
	case r.Model == "":
		return ""
	case r.Restored == "":
		return fmt.Sprintf("model %s (weights %s) on %s", r.Model, r.Weights, r.place())
	}
	kinds := map[string]int{}
	for _, i := range r.Images {
		if i.Picture != nil {
			kinds[fmt.Sprintf("%d-bit %s", i.Picture.Depth, i.Picture.Format)]++
		}
	}
	var counts []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		counts = append(counts, fmt.Sprintf("%d as %s", kinds[kind], kind))
	}
	line := fmt.Sprintf("%s: pictures of %s", r.Model, r.Restored)
	if len(r.Images) == 0 {
		return line + ", none of which was measured"
	} else if len(counts) == 0 {
		return line + ", none of which could be measured"
	}
	line += ", quantised as their program wrote them: " + strings.Join(counts, ", ")
	if slices.ContainsFunc(r.Images, func(i ImageResult) bool { return i.Picture != nil && i.Picture.Format == "JPEG" }) {
		line += "; JPEG loses more than that"
	}
	return line
}

// column returns the title of the results in a table.
func (s Subject) column() string {
	if s.Restored != "" {
		return s.Model
	}
	return oursSource
}
