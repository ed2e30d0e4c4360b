package dataset

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"unsafe"
)

// Options says what to train on.
type Options struct {
	Root  string // the data folder
	Tasks []Task
	Seed  uint64
	// Patch is the side of the square training patches.
	Patch int
	// Rotate adds quarter turns to the flips.
	Rotate bool
	// Vary makes some samples different from those of data sets.
	Vary Vary
	// Cache is the limit in bytes for decoded images.
	Cache int64
	// Memory bounds, in bytes, the list of the samples and the sheet of a preview; 0
	// means no limit.
	Memory int64
	// Clean names the folders of clean photographs from which noise and all other
	// degradations are made; none means Train/Denoise, or the root if it holds only
	// photographs.
	Clean []string
	// Exclude names lists of images that are left out of training.
	Exclude []string
	// KeepOverlaps also trains on images named in Train/overlap_rain100l_test.txt.
	KeepOverlaps bool
	// IgnoreLists uses every image, rather than only those named in denoise.txt,
	// rainTrain.txt and hazy_outside.txt if these exist.
	IgnoreLists bool
}

// ErrNoData is the error of options without a data folder.
var ErrNoData = errors.New("no data folder: name it with --data, CLUSIR_DATA or data: in the configuration")

func (o Options) check() error {
	switch {
	case o.Root == "":
		return ErrNoData
	case o.Patch < 16 || o.Patch%16 != 0:
		return fmt.Errorf("patch is %d: it must be a multiple of 16", o.Patch)
	case len(o.Tasks) == 0:
		return errors.New("no tasks: name a configuration that has some, such as --config three-task")
	}
	for _, t := range o.Tasks {
		if faults := t.Faults(); len(faults) > 0 {
			return fmt.Errorf("task %s: %v", t.Kind, faults[0])
		}
	}
	if faults := o.Vary.Faults(); len(faults) > 0 {
		return fmt.Errorf("vary.%v", faults[0])
	}
	return nil
}

// Set is a training set: Len samples per epoch, in a different order in each epoch. It
// is safe for concurrent use.
type Set struct {
	opts    Options
	sources []source
	entries []entry
	cache   *cache

	mu     sync.Mutex
	orders map[int][]int32
}

// source is a set of images and how often an epoch shows each.
type source struct {
	label  string // the task's name in samples and reports
	pairs  []pair
	repeat int
	sigmas []float64 // denoising: the noise levels
	span   []float64 // denoising: the range from which each sample draws its level, if any
	recipe           // how degradations are made; empty for denoising and real pairs
}

// entry is one sample of an epoch before shuffling.
type entry struct {
	source, pair int32
	sigma        float32
}

// Open finds the images of the options' tasks. It returns a report even with an error,
// as far as the search got.
func Open(opts Options) (*Set, *Report, error) {
	if err := opts.check(); err != nil {
		return nil, nil, err
	}
	scan, err := newScanner(opts)
	if err != nil {
		return nil, nil, err
	}
	s := &Set{opts: opts, cache: newCache(opts.Cache), orders: map[int][]int32{}}
	var faults []error // of all tasks
	for _, t := range opts.Tasks {
		sources, err := scan.task(t)
		faults = append(faults, err)
		for _, src := range sources {
			if err := s.fits(src); err != nil {
				return nil, &scan.report, err
			}
			s.add(src)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &scan.report, err
	}
	return s, &scan.report, nil
}

// noise returns a sample's noise level: the entry's, or one drawn from the span.
func (src *source) noise(sigma float64, rng *rand.Rand) float64 {
	if len(src.span) == 0 {
		return sigma
	}
	return src.span[0] + (src.span[1]-src.span[0])*rng.Float64()
}

// sampleBytes is what a sample takes in the list of samples and in the orders of the
// epochs that a loader may need at once.
const sampleBytes = int64(unsafe.Sizeof(entry{})) + 3*int64(unsafe.Sizeof(int32(0)))

// fits refuses a source whose samples do not fit in memory before it lists them.
func (s *Set) fits(src source) error {
	room := int64(math.MaxInt32)
	if s.opts.Memory > 0 {
		room = min(room, s.opts.Memory/2/sampleBytes)
	}
	room -= int64(len(s.entries))
	once := int64(len(src.pairs)) * int64(max(1, len(src.sigmas))) // samples at a repeat of 1
	if once == 0 || int64(src.repeat) <= room/once {
		return nil
	}
	return fmt.Errorf("task %s: %d images shown %d times are %d samples an epoch, more than a list of them has room for: lower its repeat, synth or transfer to %d or less",
		src.label, len(src.pairs), src.repeat, int64(src.repeat)*once, max(room/once, 0))
}

func (s *Set) add(src source) {
	k := int32(len(s.sources))
	s.sources = append(s.sources, src)
	sigmas := src.sigmas
	if sigmas == nil {
		sigmas = []float64{0}
	}
	for range src.repeat {
		for _, sigma := range sigmas {
			for i := range src.pairs {
				s.entries = append(s.entries, entry{k, int32(i), float32(sigma)})
			}
		}
	}
}

// Len returns the number of samples in an epoch.
func (s *Set) Len() int { return len(s.entries) }

// order returns the epoch's permutation of the entries.
func (s *Set) order(epoch int) []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.orders[epoch]; ok {
		return o
	}
	o := make([]int32, len(s.entries))
	for i := range o {
		o[i] = int32(i)
	}
	rng := newRand(s.opts.Seed, wordOrder, uint64(epoch))
	rng.Shuffle(len(o), func(i, j int) { o[i], o[j] = o[j], o[i] })
	for e := range s.orders {
		if e < epoch-1 || e > epoch+1 {
			delete(s.orders, e)
		}
	}
	s.orders[epoch] = o
	return o
}
