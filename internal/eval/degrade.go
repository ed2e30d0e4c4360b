package eval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/dustin/go-humanize/english"
	"golang.org/x/sync/errgroup"

	"clusir/internal/atomicfile"
	"clusir/internal/dataset"
	"clusir/internal/progress"
	"clusir/internal/userfile"
)

// ManifestName is the file that Degrade writes its manifest to, and BenchmarkName the one
// to which DegradeTo writes the description of a folder's benchmark.
const (
	ManifestName  = "manifest.json"
	BenchmarkName = "benchmark.yaml"
)

// Manifest describes what Degrade wrote, so that others can check that they have the
// same.
type Manifest struct {
	Format string `json:"format"`
	Seed   uint64 `json:"noise_seed"`
	// Rule says how pictures are cropped and quantised.
	Rule  string `json:"rule"`
	Limit int    `json:"limit,omitempty"`
	Parts []Part `json:"parts"`
	// Missing lists benchmarks that are not on disk, Failed pictures without a result.
	Missing []string `json:"missing,omitempty"`
	Failed  []string `json:"failed,omitempty"`
}

// Part describes what was written for a split.
type Part struct {
	Split
	Folder string  `json:"folder"` // below the manifest's
	Inputs []Input `json:"inputs"`
}

// Input is a degraded picture.
type Input struct {
	File string `json:"file"`
	W    int    `json:"w"`
	H    int    `json:"h"`
	// SHA256 is the hash of the file. Pixels is the hash of its 8-bit RGB values row by
	// row, which other programs that write the same picture can compare. Clean is that
	// of the clean picture's values, cropped the same way.
	SHA256 string `json:"sha256"`
	Pixels string `json:"pixels_sha256"`
	Clean  string `json:"clean_pixels_sha256"`
	// Made says how the picture was degraded, "" if it was read.
	Made string `json:"made,omitempty"`
}

const degradeRule = "RGB of 8 bits, stored without loss: what eval gives a network, to the bit; cut about the centre to multiples of 16; " +
	"noise is clip(clean + σ·n, 0, 255), truncated"

// Degrade writes the degraded inputs of benchmarks, which are exactly what Run gives a
// network, as 8-bit PNG into the folder o.Save: a folder for each split, named by
// Split.folder, and a manifest. Manifest.Failed lists the pictures that could not be
// made.
func Degrade(ctx context.Context, o Options) (*Manifest, error) {
	h, jobs, err := plan(o)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(o.Save, ManifestName)
	if err := userfile.MayWrite(path, o.Overwrite); err != nil {
		return nil, err
	}
	if err := nameFiles(o, jobs); err != nil {
		return nil, err
	}
	inputs, faults, err := writeInputs(ctx, o, jobs)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Format: "clusir-degrade-1", Seed: o.Protocol.Seed, Rule: degradeRule, Limit: o.Limit, Missing: h.Missing}
	for _, s := range h.Splits {
		p := Part{Split: s, Folder: s.folder(), Inputs: []Input{}}
		for k := range s.Found {
			if faults[k] != nil {
				m.Failed = append(m.Failed, fmt.Sprintf("%s: %v", newShot(jobs[k]).name(), faults[k]))
			} else {
				p.Inputs = append(p.Inputs, inputs[k])
			}
		}
		m.Parts = append(m.Parts, p)
		jobs, inputs, faults = jobs[s.Found:], inputs[s.Found:], faults[s.Found:]
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return m, atomicfile.WriteData(path, append(text, '\n'))
}

// DegradeTo is Degrade for a command: it shows its progress and what is missing on
// messages and prints the parts to w. If o has only the benchmark of a folder, it also
// writes that one's description.
func DegradeTo(ctx context.Context, o Options, folder bool, w, messages io.Writer) error {
	description := filepath.Join(o.Save, BenchmarkName)
	if err := userfile.MayWrite(description, o.Overwrite || !folder); err != nil {
		return err
	}
	bar := progress.New(messages, "images")
	o.Progress = func(r *ImageResult, done, of int) { bar.Set(done, of, r.Benchmark+" "+r.Split) }
	m, err := Degrade(ctx, o)
	bar.Clear()
	if err == nil && folder {
		err = o.Benchmarks[0].Save(description)
	}
	if err != nil {
		return err
	}
	for _, missing := range m.Missing {
		fmt.Fprintf(messages, "clusir: missing: %s\n", missing)
	}
	return errors.Join(m.writeText(w, o.Save), m.failed())
}

// writeInputs makes the inputs of jobs in parallel and writes them. A fault says why one
// could not be made.
func writeInputs(ctx context.Context, o Options, jobs []job) (inputs []Input, faults []error, err error) {
	inputs, faults = make([]Input, len(jobs)), make([]error, len(jobs))
	var mu sync.Mutex // guards done, and the callback
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for k, j := range jobs {
		g.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			var in dataset.Degraded
			if in, faults[k] = j.item.Load(o.Protocol.Seed); faults[k] == nil {
				sum := sha256.New()
				if err := j.save(in.Input.Planar(), sum); err != nil {
					return err
				}
				inputs[k] = Input{File: filepath.Base(j.saved), W: in.Input.W, H: in.Input.H, SHA256: hex.EncodeToString(sum.Sum(nil)),
					Pixels: hashPixels(in.Input), Clean: hashPixels(in.Target), Made: in.Rule}
			}
			mu.Lock()
			defer mu.Unlock()
			if done++; o.Progress != nil {
				o.Progress(&newShot(j).ImageResult, done, len(jobs))
			}
			return nil
		})
	}
	return inputs, faults, g.Wait()
}

func hashPixels(m *dataset.Image) string {
	sum := sha256.Sum256(m.Pix)
	return hex.EncodeToString(sum[:])
}

// failed returns an error that sums up the pictures that could not be made, nil if there
// are none.
func (m *Manifest) failed() error {
	if len(m.Failed) == 0 {
		return nil
	}
	all := 0
	for _, p := range m.Parts {
		all += p.Found
	}
	return fmt.Errorf("%d of %d pictures could not be made; the first: %s", len(m.Failed), all, m.Failed[0])
}

// writeText prints the number of pictures in each part, and its folder below dir.
func (m *Manifest) writeText(w io.Writer, dir string) error {
	for _, p := range m.Parts {
		if _, err := fmt.Fprintf(w, "%s: %s in %s\n", userfile.OneLine(p.Name()), english.Plural(len(p.Inputs), "picture", ""), filepath.Join(dir, p.Folder)); err != nil {
			return err
		}
	}
	return nil
}
