package dataset

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"clusir/internal/dataset/degrade"
	"clusir/internal/suggest"
)

// Task is a task of the training set and how often an epoch shows its images.
type Task struct {
	// Kind is one of [Kinds].
	Kind string `yaml:"kind"`
	// Repeat is how often an epoch shows each real pair; for Denoise, each clean image
	// at each σ; for Clean, each clean image; for CDD11, each image of each
	// composition.
	Repeat int `yaml:"repeat,omitempty"`
	// Synth is how often an epoch shows each clean photograph with a synthetic
	// degradation of this kind.
	Synth int `yaml:"synth,omitempty"`
	// Transfer is how often an epoch shows each clean photograph with the streaks of a
	// real rain pair.
	Transfer int `yaml:"transfer,omitempty"`
	// Sigmas are Denoise's noise levels in units of 1/255.
	Sigmas []float64 `yaml:"sigmas,omitempty"`
	// SigmaRange, an alternative to Sigmas, is the range of levels from which each of
	// Denoise's samples draws its own.
	SigmaRange []float64 `yaml:"sigma_range,omitempty"`
	// Kinds are the compositions of CDD11 to train on; none means all.
	Kinds []string `yaml:"kinds,omitempty"`

	// Input and Target are folders, below the root or absolute, that replace the
	// layout's. Denoise and Clean have only a Target. For CDD11, {kind} stands for the
	// composition.
	Input  string `yaml:"input,omitempty"`
	Target string `yaml:"target,omitempty"`
	// Kernels is a MATLAB file of blur kernels, from which half of Deblur's synthetic
	// images are made.
	Kernels string `yaml:"kernels,omitempty"`
	// Depth and Light are folders of maps for synthetic Dehaze and CDD11, named like
	// the photographs: depth, larger farther away, but inverse for CDD11; illumination.
	// Photographs without a map get a synthetic one.
	Depth string `yaml:"depth,omitempty"`
	Light string `yaml:"light,omitempty"`
}

// Fault is an invalid field of a task, by its key.
type Fault struct {
	Field string
	Value any
	Must  string // completes "FIELD = VALUE: must be ..."
}

func (f Fault) String() string { return fmt.Sprintf("%s = %v: must be %s", f.Field, f.Value, f.Must) }

// maxRepeat bounds how often an epoch shows an image, so that no count overflows.
const maxRepeat = 1_000_000_000

// Faults returns everything that is wrong with the task.
func (t Task) Faults() []Fault {
	k := kindOf(t.Kind)
	if k == nil {
		return []Fault{{"kind", strconv.Quote(t.Kind), suggest.OneOf(t.Kind, Kinds())}}
	}
	var faults []Fault
	need := func(ok bool, field string, value any, must string) {
		if !ok {
			faults = append(faults, Fault{field, value, must})
		}
	}
	for _, count := range []struct {
		field string
		n     int
	}{{"repeat", t.Repeat}, {"synth", t.Synth}, {"transfer", t.Transfer}} {
		need(count.n >= 0 && count.n <= maxRepeat, count.field, count.n, fmt.Sprintf("in 0..%d", maxRepeat))
	}
	need(t.Repeat != 0 || t.Synth != 0 || t.Transfer != 0, "repeat", t.Repeat,
		"1 or more, or else synth must be; leave the task out to train without it")
	need(t.Synth == 0 || k.random != nil || k.recipe != nil, "synth", t.Synth, "left out: use repeat for "+t.Kind)
	need(t.Repeat == 0 || k.photographs || len(k.layout.input) > 0 || t.Input != "" || t.Kind == Pairs, "repeat", t.Repeat,
		"left out, or the folders input and target given: the layout has no pairs for "+t.Kind)
	t.folderFaults(k, need)
	t.noiseFaults(k, need)
	for _, extra := range [][2]string{{"kernels", t.Kernels}, {"depth", t.Depth}, {"light", t.Light}} {
		need(extra[1] == "" || k.takes(extra[0]), extra[0], strconv.Quote(extra[1]), "left out: "+t.Kind+" has no use for it")
	}
	need(t.Transfer == 0 || k.takes("transfer"), "transfer", t.Transfer, "left out: it is for derain alone")
	need(len(t.Kinds) == 0 || k.takes("kinds"), "kinds", t.Kinds, "left out: they are for cdd11 alone")
	for _, c := range t.Kinds {
		need(slices.Contains(degrade.CDD11Kinds, c), "kinds", strconv.Quote(c), "one of "+strings.Join(degrade.CDD11Kinds, ", "))
	}
	return faults
}

// folderFaults checks the folders that the task names.
func (t Task) folderFaults(k *kind, need func(bool, string, any, string)) {
	input := strconv.Quote(t.Input)
	need(!k.photographs || t.Input == "", "input", input, "left out: the task makes its own inputs; name the clean images' folder as target")
	need(k.photographs || (t.Input == "") == (t.Target == ""), "input", input, "given together with target, or neither")
	need(t.Kind != Pairs || t.Input != "", "input", input, "a folder, as target, for pairs of one's own")
	need(t.Kind != Pairs || t.Input == "" || path.Clean(t.Input) != path.Clean(t.Target), "input", input,
		"another folder than target: each picture would be its own clean one; the kind clean shows pictures to leave unchanged")
}

// noiseFaults checks the noise levels: a list or a range for Denoise, none for others.
func (t Task) noiseFaults(k *kind, need func(bool, string, any, string)) {
	if !k.takes("sigmas") {
		need(len(t.Sigmas) == 0, "sigmas", t.Sigmas, "left out: they are for denoise alone")
		need(len(t.SigmaRange) == 0, "sigma_range", t.SigmaRange, "left out: it is for denoise alone")
		return
	}
	need((len(t.Sigmas) == 0) != (len(t.SigmaRange) == 0), "sigmas", t.Sigmas, "a list, such as [15, 25, 50], or else sigma_range a range, such as [0, 55]")
	for _, s := range t.Sigmas {
		need(s > 0 && s <= 255, "sigmas", s, "above 0 and at most 255; the kind clean shows pictures without noise")
	}
	r := t.SigmaRange
	need(len(r) == 0 || len(r) == 2 && r[0] >= 0 && r[0] <= r[1] && r[1] <= 255, "sigma_range", r, "the lowest and the highest level, in 0..255, such as [0, 55]")
}

// parts returns the tasks with their own pairs: t itself, or one per composition of
// CDD11.
func (t Task) parts() []part {
	if t.Kind != CDD11 {
		return []part{{t, t.Kind, ""}}
	}
	kinds := t.Kinds
	if len(kinds) == 0 {
		kinds = degrade.CDD11Kinds
	}
	var out []part
	for _, k := range kinds {
		out = append(out, part{t, path.Join(CDD11, k), k})
	}
	return out
}

// part is a task, or one composition of CDD11.
type part struct {
	Task
	label       string // name in samples and reports
	composition string
}
