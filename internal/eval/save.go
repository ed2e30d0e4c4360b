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

// nameFiles sets where a run saves its images, unless o.Save is "". It returns an error
// if two have the same name, if a file exists that the run may not replace, if a folder
// takes none, or if later runs would measure the saved images.
func nameFiles(o Options, jobs []job) error {
	if o.Save == "" {
		return nil
	}
	taken := map[string]bool{}
	first := map[string]string{} // of each folder
	for i, j := range jobs {
		dir := filepath.Join(o.Save, Split{Benchmark: j.split.Benchmark.Name, Label: j.split.Label}.folder())
		path := filepath.Join(dir, j.item.Name+".png")
		if first[dir] == "" {
			if err := j.split.Benchmark.Outside(dir, o.Root); err != nil {
				return err
			}
			first[dir] = path
		}
		if taken[strings.ToLower(path)] {
			return fmt.Errorf("two pictures would be %s: rename one of those called %s", path, j.item.Name)
		}
		if err := userfile.MayWrite(path, o.Overwrite || o.Resume); err != nil {
			return err
		}
		taken[strings.ToLower(path)] = true
		jobs[i].saved, jobs[i].replace = path, o.Overwrite || o.Resume
	}
	for _, path := range first {
		if err := atomicfile.Try(path); err != nil {
			return err
		}
	}
	return nil
}

// save writes an image as 8-bit PNG, rounded, if it is to be saved, and also copies its
// file to copies. It does not replace what another run has written meanwhile.
func (j job) save(p planar.Image, copies ...io.Writer) error {
	if j.saved == "" {
		return nil
	}
	if err := userfile.MayWrite(j.saved, j.replace); err != nil {
		return err
	}
	return atomicfile.Write(j.saved, func(w io.Writer) error { return png.Encode(io.MultiWriter(append(copies, w)...), p.RGBA()) })
}
