package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"clusir/internal/userfile"
)

// Overlap is a training image that also appears in a test set.
type Overlap struct {
	Train     string `json:"train"`
	Test      string `json:"test"`
	Benchmark string `json:"benchmark"`
	// Same says how it was found: "file" for equal bytes, "picture" for the same
	// picture in another file.
	Same string `json:"same"`
}

// Check decodes every image of the set and every clean image of the catalog's
// benchmarks below root, and adds to the report what Open cannot detect: damaged image
// data, pairs whose decoded sizes differ, and training images whose content also
// appears in a test set under any name. progress, if not nil, receives the number of
// images done.
func (s *Set) Check(ctx context.Context, r *Report, c *Catalog, root string, progress func(done, total int)) error {
	train := s.files("", pair.files)
	test, err := c.cleanFiles(root)
	if err != nil {
		return err
	}
	prints, err := inspect(ctx, append(slices.Clone(train), slices.Sorted(maps.Keys(test))...), runtime.GOMAXPROCS(0), fingerprintOf, progress)
	if err != nil {
		return err
	}
	r.Checked = len(train)
	for _, f := range train {
		if err := prints[f].err; err != nil && !isMachineFault(err) {
			r.Damaged = append(r.Damaged, Skip{f, Unreadable, err.Error()})
		}
	}
	for _, src := range s.sources {
		for _, p := range src.pairs {
			for _, file := range []string{p.input, p.depth, p.light} {
				a, b := prints[p.target], prints[file]
				if file == "" || a.err != nil || b.err != nil || a.w == b.w && a.h == b.h {
					continue
				}
				skip := Skip{file, SizesDiffer, fmt.Sprintf("%d×%d, clean %d×%d", b.w, b.h, a.w, a.h)}
				if !slices.Contains(r.Damaged, skip) { // one map may serve twice
					r.Damaged = append(r.Damaged, skip)
				}
			}
		}
	}
	if r.Overlaps, err = overlaps(ctx, s.files("", func(p pair) []string { return []string{p.target} }), test, prints); err != nil {
		return err
	}
	s.tally(r)
	return unchecked(prints)
}

// unchecked returns an error about files that the machine could not read at this time,
// nil if there are none: they may be sound, or duplicates.
func unchecked(prints map[string]fingerprint) error {
	var faulty []string
	for f, p := range prints {
		if isMachineFault(p.err) {
			faulty = append(faulty, f)
		}
	}
	if len(faulty) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d files could not be checked; the first: %w", len(faulty), len(prints), prints[slices.Min(faulty)].err)
}

// tally adds up what Check found per task.
func (s *Set) tally(r *Report) {
	found := map[string][]Reason{}
	for _, d := range r.Damaged {
		found[d.File] = append(found[d.File], d.Reason)
	}
	for _, o := range r.Overlaps {
		found[o.Train] = append(found[o.Train], Overlaps)
	}
	for _, t := range r.Tasks {
		for _, file := range s.files(t.Task, pair.files) {
			for _, why := range found[file] {
				t.count(why)
			}
		}
	}
}

// files returns the files of a task's pairs, or of all tasks' for "", each once, sorted.
func (s *Set) files(task string, of func(pair) []string) (files []string) {
	for _, src := range s.sources {
		if task == "" || task == src.label {
			for _, p := range src.pairs {
				files = append(files, of(p)...)
			}
		}
	}
	slices.Sort(files)
	return slices.DeleteFunc(slices.Compact(files), func(f string) bool { return f == "" })
}

// cleanFiles maps the clean images of the benchmarks on disk to the benchmarks' names.
func (c *Catalog) cleanFiles(root string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.benchmarks)) { // two may share a folder
		b := c.benchmarks[name]
		splits, err := b.Open(root)
		if err != nil && !errors.As(err, new(*MissingError)) {
			return nil, err
		}
		for _, s := range splits {
			for _, item := range s.Items {
				out[item.Target] = b.Name
			}
		}
	}
	return out, nil
}

// thumbSide is the side of the thumbnails by which pictures are compared, and
// samePicture the correlation above which they are the same. Among 645 clean images of
// BSD, Kodak, Rain100L, LOL and RESIDE, two encodings of one picture correlate by more
// than .9995 and any other two by less than .984.
const (
	thumbSide   = 24
	samePicture = .99
)

// fingerprint identifies an image.
type fingerprint struct {
	w, h  int
	hash  string
	thumb []float32 // grey, of mean 0 and norm 1; zero for a flat picture
	err   error
}

// inspect returns what look finds in each file, several of which it looks at in parallel.
// progress, if not nil, receives the number of files done.
func inspect[T any](ctx context.Context, files []string, parallel int, look func(path string) T, progress func(done, total int)) (map[string]T, error) {
	found := make(map[string]T, len(files))
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, f := range files {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			x := look(f)
			mu.Lock()
			defer mu.Unlock()
			found[f] = x
			if done++; progress != nil {
				progress(done, len(files))
			}
			return nil
		})
	}
	return found, g.Wait()
}

func fingerprintOf(path string) fingerprint {
	hash, err := userfile.SHA256(path)
	if err != nil {
		return fingerprint{err: err}
	}
	m, err := ReadImage(path)
	if err != nil {
		return fingerprint{err: err}
	}
	return fingerprint{hash: hash, w: m.W, h: m.H, thumb: m.thumbnail()}
}

// thumbnail averages the image's grey values over a grid and normalises the result, so
// that the product of two thumbnails is their correlation.
func (m *Image) thumbnail() []float32 {
	var sum, count [thumbSide * thumbSide]float64
	for y := range m.H {
		for x := range m.W {
			i := y*thumbSide/m.H*thumbSide + x*thumbSide/m.W
			p := m.Pix[3*(y*m.W+x):]
			sum[i] += float64(p[0]) + 2*float64(p[1]) + float64(p[2])
			count[i]++
		}
	}
	mean, norm := 0., 0.
	for i := range sum {
		sum[i] /= max(count[i], 1)
		mean += sum[i] / float64(len(sum))
	}
	for i := range sum {
		sum[i] -= mean
		norm += sum[i] * sum[i]
	}
	out := make([]float32, len(sum))
	for i := range sum {
		out[i] = float32(sum[i] / (math.Sqrt(norm) + 1e-9))
	}
	return out
}

// overlaps finds the training images that are also among the test images.
func overlaps(ctx context.Context, train []string, test map[string]string, prints map[string]fingerprint) ([]Overlap, error) {
	tests := slices.Sorted(maps.Keys(test))
	found, err := inspect(ctx, train, runtime.GOMAXPROCS(0), func(a string) (same Overlap) {
		best, pa := samePicture, prints[a]
		for _, b := range tests {
			pb := prints[b]
			switch {
			case pa.err != nil || pb.err != nil:
			case pa.hash == pb.hash:
				best, same = 2, Overlap{a, b, test[b], "file"}
			default:
				if c := correlation(pa.thumb, pb.thumb); c > best {
					best, same = c, Overlap{a, b, test[b], "picture"}
				}
			}
		}
		return same
	}, nil)
	out := slices.DeleteFunc(slices.Collect(maps.Values(found)), func(o Overlap) bool { return o.Train == "" })
	slices.SortFunc(out, func(a, b Overlap) int {
		return cmp.Or(cmp.Compare(a.Benchmark, b.Benchmark), cmp.Compare(a.Train, b.Train))
	})
	return out, err
}

func correlation(a, b []float32) float64 {
	sum := float32(0)
	for i, v := range a {
		sum += v * b[i]
	}
	return float64(sum)
}
