package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"clusir/internal/imageio"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

// sideMultiple is the number to whose multiples the sides of benchmark images are
// cropped.
const sideMultiple = 16

// Split is a part of a benchmark with its own result: a noise level, a composition, or
// the whole.
type Split struct {
	Benchmark *Benchmark
	// Label distinguishes the splits of a benchmark: "σ=15", "low_haze", or "".
	Label   string
	Sigma   float64 // of the noise to add, in units of 1/255
	Items   []Item
	Skipped []Skip
}

// Item is one image of a split, decoded by Load.
type Item struct {
	Name          string // the file's stem
	Input, Target string // files; Input is empty if it is made
	sigma         float64
	made          string // a kind that can be made, "" for noise
}

// Count returns how much of the benchmark is on disk: see the function Count.
func (s *Split) Count() string { return Count(len(s.Items), len(s.Items), s.Benchmark.Expected) }

// Count describes n images of those found of a benchmark, which has as many as expected, or
// any number for 0: "24 of 100", "68", or "40, not 24" if there are more than it has.
func Count(n, found, expected int) string {
	switch all := max(found, expected); {
	case n < all:
		return fmt.Sprintf("%d of %d", n, all)
	case expected > 0 && n > expected:
		return fmt.Sprintf("%d, not %d", n, expected)
	}
	return fmt.Sprint(n)
}

// OpenAll opens several benchmarks, all of which must be on disk.
func OpenAll(benchmarks []*Benchmark, root string) (all []*Split, err error) {
	for _, b := range benchmarks {
		splits, err := b.Open(root)
		if err != nil {
			return nil, err
		}
		all = append(all, splits...)
	}
	return all, nil
}

// Open finds the images of a benchmark below root, in name order. Splits of missing
// compositions are empty; if nothing is found, the error is a [MissingError].
func (b *Benchmark) Open(root string) ([]*Split, error) {
	relative := func(dir string) bool { return !filepath.IsAbs(dir) }
	if slices.ContainsFunc(slices.Concat(b.Clean, b.Input, b.Target), relative) {
		if root == "" {
			return nil, usage.Errorf("name the data folder with --data or CLUSIR_DATA")
		}
		if err := userfile.Folder(root, "data sets"); err != nil {
			return nil, err
		}
	}
	if len(b.Clean) > 0 {
		return b.openClean(root)
	}
	kinds := b.Kinds
	if len(kinds) == 0 {
		kinds = []string{""}
	}
	var splits []*Split
	var missing *MissingError
	found := 0
	for _, kind := range kinds {
		s, err := b.openPairs(firstFolder(root, b.Input, kind), firstFolder(root, b.Target, kind), kind)
		if err != nil && !errors.As(err, &missing) {
			return nil, err
		}
		found += len(s.Items)
		splits = append(splits, s)
	}
	if found == 0 {
		return nil, missing
	}
	return splits, nil
}

// openClean opens clean images: a split for each noise level, or a single one for other
// degradations.
func (b *Benchmark) openClean(root string) ([]*Split, error) {
	dir := firstFolder(root, b.Clean, "")
	files, others, err := listImages(dir)
	if err != nil {
		return nil, fmt.Errorf("benchmark %s: %w", b.Name, err)
	}
	if len(files) == 0 {
		return nil, b.missing(dir)
	}
	var splits []*Split
	for _, sigma := range b.Sigmas {
		splits = append(splits, &Split{Benchmark: b, Label: fmt.Sprintf("σ=%g", sigma), Sigma: sigma})
	}
	if b.Made != "" {
		splits = append(splits, &Split{Benchmark: b})
	}
	var skipped []Skip
	for _, f := range others {
		skipped = append(skipped, other(f))
	}
	for _, s := range splits {
		s.Skipped = slices.Clone(skipped)
		for _, f := range files {
			s.Items = append(s.Items, Item{Name: userfile.Text(stem(f)), Target: f, sigma: s.Sigma, made: b.Made})
		}
	}
	return splits, nil
}

func (b *Benchmark) openPairs(in, target, kind string) (*Split, error) {
	var r TaskReport
	pairs, err := matchPairs(&r, in, target, rules[b.Match], func(f []string) []string { return f })
	if err != nil {
		return nil, fmt.Errorf("benchmark %s: %w", b.Name, err)
	}
	s := &Split{Benchmark: b, Label: kind, Skipped: r.Skipped}
	for _, p := range pairs {
		s.Items = append(s.Items, Item{Name: userfile.Text(stem(p.input)), Input: p.input, Target: p.target})
	}
	switch {
	case r.Found == 0:
		return s, b.missing(in)
	case len(pairs) == 0:
		return nil, fmt.Errorf("benchmark %s: none of the %d images in %s has a clean one in %s: %s",
			b.Name, r.Found, in, target, reasons(r.Skipped))
	}
	return s, nil
}

// MissingError reports that a benchmark is not on disk.
type MissingError struct {
	Benchmark *Benchmark
	Dir       string
}

// Error says where the benchmark should be and where to get it.
func (e *MissingError) Error() string {
	msg := fmt.Sprintf("benchmark %s: no images in %s", e.Benchmark.Name, e.Dir)
	if e.Benchmark.Get != "" {
		msg += "; get " + e.Benchmark.Get + ", and lay it out as in scripts/DATASETS.md"
	}
	return msg
}

func (b *Benchmark) missing(dir string) error { return &MissingError{b, dir} }

// Outside returns an error if a folder that pictures are to be written into is within one
// that the benchmark's images are in.
func (b *Benchmark) Outside(dir, root string) error {
	for _, images := range slices.Concat(b.Clean, b.Input, b.Target) {
		images, _, _ = strings.Cut(under(root, images), "{kind}")
		if userfile.Within(dir, images) {
			return fmt.Errorf("pictures in %s would be among those of %s, which are measured: save them in a folder outside it", dir, images)
		}
	}
	return nil
}

// Size reads the headers of the item's files: the size of what Load returns, and the
// memory that decoding takes.
func (i Item) Size() (w, h int, bytes int64, err error) {
	for _, path := range []string{i.Input, i.Target} {
		if path == "" {
			continue
		}
		p, err := imageio.ProbeFile(path, imageio.Limits{})
		if err != nil {
			return 0, 0, 0, unreadable(err)
		}
		w, h, bytes = p.W, p.H, bytes+readBytes(p)
	}
	return max(w-w%sideMultiple, sideMultiple), max(h-h%sideMultiple, sideMultiple), bytes, nil
}

// Digest returns a hash of the bytes of the item's files: it changes with its images.
func (i Item) Digest() (string, error) {
	sum := sha256.New()
	for _, path := range []string{i.Input, i.Target} {
		if path == "" {
			continue
		}
		file, err := userfile.SHA256(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, file)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// Load decodes the degraded and the clean image, both cropped about the centre to
// multiples of 16. Noise is generated from (seed, name, σ), other degradations from
// (seed, name, kind).
func (i Item) Load(seed uint64) (d Degraded, err error) {
	target, err := ReadImage(i.Target)
	if err != nil {
		return d, err
	}
	if target.W < sideMultiple || target.H < sideMultiple {
		return d, fmt.Errorf("%s is %d×%d: a benchmark's images need sides of %d or more", i.Target, target.W, target.H, sideMultiple)
	}
	if i.Input == "" {
		return i.make(target.CropToMultiple(sideMultiple), seed), nil
	}
	input, err := ReadImage(i.Input)
	if err != nil {
		return d, err
	}
	if err := input.pairs(i.Input, target, i.Target); err != nil {
		return d, err
	}
	return Degraded{Input: input.CropToMultiple(sideMultiple), Target: target.CropToMultiple(sideMultiple)}, nil
}
