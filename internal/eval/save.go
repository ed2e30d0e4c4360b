package eval

import (
	"fmt"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"clusir/internal/atomicfile"
	"clusir/internal/planar"
	"clusir/internal/userfile"
)

// folder returns the folder for a split's restored images: cbsd68-25, rain100l,
// cdd11-low_haze.
func (s Split) folder() string {
	return strings.TrimSuffix(s.Benchmark+"-"+strings.TrimPrefix(s.Label, "σ="), "-")
}

// saver maps a run's images to their files; a nil saver saves nothing.
type saver map[int]string

// newSaver names the files for a run's jobs. It returns an error if two have the same
// name, or if a file exists that the run may not replace.
func newSaver(o Options, jobs []job) (saver, error) {
	if o.Save == "" {
		return nil, nil
	}
	s, taken := saver{}, map[string]bool{}
	for _, j := range jobs {
		path := filepath.Join(o.Save, newSplit(j.split).folder(), j.item.Name+".png")
		if taken[strings.ToLower(path)] {
			return nil, fmt.Errorf("two pictures would be %s: rename one of those called %s", path, j.item.Name)
		}
		if err := userfile.MayWrite(path, o.Overwrite || o.Resume); err != nil {
			return nil, err
		}
		taken[strings.ToLower(path)] = true
		s[j.index] = path
	}
	return s, nil
}

// has reports whether an image need not be restored to be saved.
func (s saver) has(index int) bool { return s == nil || exists(s[index]) }

// write writes an image as 8-bit PNG, rounded, and also copies its file to copies.
func (s saver) write(index int, p planar.Image, copies ...io.Writer) error {
	if s == nil {
		return nil
	}
	if err := atomicfile.MakeFolder(s[index]); err != nil {
		return err
	}
	return atomicfile.Write(s[index], func(w io.Writer) error { return png.Encode(io.MultiWriter(append(copies, w)...), p.RGBA()) })
}
