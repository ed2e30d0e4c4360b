package dataset

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"clusir/internal/dataset/degrade"
)

// The tasks, named as in the code of the field.
const (
	Denoise = "denoise"
	Clean   = "clean" // photographs to leave as they are
	Derain  = "derain"
	Dehaze  = "dehaze"
	Deblur  = "deblur"
	Enhance = "enhance" // low light
	Desnow  = "desnow"  // made from photographs, or one's own pairs
	CDD11   = "cdd11"   // the eleven compositions
	Pairs   = "pairs"   // one's own pairs of whatever kind
)

var taskKinds = []string{Denoise, Clean, Derain, Dehaze, Deblur, Enhance, Desnow, CDD11, Pairs}

// Task is a task of the training set and how often its images come up in an
// epoch.
type Task struct {
	// Kind is one of the tasks above.
	Kind string
	// Repeat is how often an epoch shows each real pair; for Denoise, each
	// clean image at each σ; for Clean, each clean image; for CDD11, each image of each composition.
	Repeat int
	// Synth is how often an epoch shows each clean photograph with a
	// degradation of this kind that is made on the spot.
	Synth int
	// Transfer is how often an epoch shows each clean photograph under the
	// streaks of a real rain pair.
	Transfer int
	// Sigmas are Denoise's noise levels in units of 1/255.
	Sigmas []float64
	// SigmaRange, in the place of Sigmas, is the lowest and the highest level,
	// between which each of Denoise's samples draws its own.
	SigmaRange []float64
	// Kinds are the compositions of CDD11 to train on; none means all.
	Kinds []string

	// Input and Target are folders that take the place of the layout's, below
	// the root or absolute. Denoise has a Target alone. In CDD11's Input,
	// {kind} stands for the composition.
	Input  string
	Target string
	// Kernels is a MATLAB file of blur kernels, of which half of Deblur's
	// synthetic images are made.
	Kernels string
	// Depth and Light are folders of maps for synthetic Dehaze and CDD11, by the
	// names of the photographs: depth, larger farther, but inverse for CDD11;
	// illumination. A photograph without a map gets one that is made up.
	Depth string
	Light string
}

func (t Task) check() error {
	if !slices.Contains(taskKinds, t.Kind) {
		return fmt.Errorf("task kind %q: must be one of %s", t.Kind, strings.Join(taskKinds, ", "))
	}
	if err := t.checkCounts(); err != nil {
		return fmt.Errorf("task %s: %w", t.Kind, err)
	}
	if err := t.checkExtras(); err != nil {
		return fmt.Errorf("task %s: %w", t.Kind, err)
	}
	return nil
}

// maxRepeat bounds how often an epoch shows an image, so that no count overflows.
const maxRepeat = 1_000_000_000

func (t Task) checkCounts() error {
	switch {
	case t.Repeat < 0 || t.Synth < 0 || t.Transfer < 0:
		return fmt.Errorf("repeat %d, synth %d and transfer %d must not be negative", t.Repeat, t.Synth, t.Transfer)
	case max(t.Repeat, t.Synth, t.Transfer) > maxRepeat:
		return fmt.Errorf("repeat %d, synth %d and transfer %d must not exceed %d", t.Repeat, t.Synth, t.Transfer, maxRepeat)
	case t.Repeat+t.Synth+t.Transfer == 0:
		return fmt.Errorf("nothing would be shown; set repeat or synth to 1 or more, or leave the task out")
	case t.Synth > 0 && (t.photographs() || t.Kind == Pairs):
		return fmt.Errorf("has no synth; use repeat")
	case t.Transfer > 0 && t.Kind != Derain:
		return fmt.Errorf("transfer is for derain alone; set it to 0")
	case t.Kind == Desnow && t.Repeat > 0 && t.Input == "":
		return fmt.Errorf("the layout has no pairs for it; set synth in place of repeat, or the folders input and target")
	}
	return nil
}

// photographs reports whether the task reads clean photographs and no pairs.
func (t Task) photographs() bool { return t.Kind == Denoise || t.Kind == Clean }

// checkNoise checks the levels of noise: a list or a range for Denoise, none else.
func (t Task) checkNoise() error {
	levels := slices.Concat(t.Sigmas, t.SigmaRange)
	switch {
	case t.Kind != Denoise && len(levels) > 0:
		return fmt.Errorf("sigmas are for denoise alone; remove them")
	case t.Kind == Denoise && (len(t.Sigmas) == 0) == (len(t.SigmaRange) == 0):
		return fmt.Errorf("needs sigmas, such as [15, 25, 50], or else sigma_range, such as [0, 55]")
	case len(t.SigmaRange) > 0 && (len(t.SigmaRange) != 2 || !(t.SigmaRange[0] <= t.SigmaRange[1])):
		return fmt.Errorf("sigma_range %v must be the lowest and the highest level, such as [0, 55]", t.SigmaRange)
	}
	for _, s := range levels {
		if !(s >= 0 && s <= 255) {
			return fmt.Errorf("sigma %g must lie in 0..255", s)
		}
	}
	return nil
}

func (t Task) checkExtras() error {
	switch {
	case !t.photographs() && (t.Input == "") != (t.Target == ""):
		return fmt.Errorf("input and target go together; set both folders or neither")
	case t.photographs() && t.Input != "":
		return fmt.Errorf("has no input; name the clean images' folder as target")
	case t.Kind == Pairs && t.Input == "":
		return fmt.Errorf("needs the folders input and target")
	case t.Kernels != "" && t.Kind != Deblur:
		return fmt.Errorf("kernels are for deblur alone; remove them")
	case t.Depth != "" && t.Kind != Dehaze && t.Kind != CDD11, t.Light != "" && t.Kind != CDD11:
		return fmt.Errorf("has no use for maps of depth or light; remove depth and light")
	case len(t.Kinds) > 0 && t.Kind != CDD11:
		return fmt.Errorf("kinds are for cdd11 alone; remove them")
	}
	for _, k := range t.Kinds {
		if !slices.Contains(degrade.CDD11Kinds, k) {
			return fmt.Errorf("kind %q must be one of %s", k, strings.Join(degrade.CDD11Kinds, ", "))
		}
	}
	return t.checkNoise()
}

// parts returns the tasks that have pairs of their own: t itself, or one per
// composition of CDD11.
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
	label       string // what samples and reports call it
	composition string
}
