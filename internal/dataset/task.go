package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// The tasks, named as in the code of the field.
const (
	Denoise = "denoise"
	Derain  = "derain"
	Dehaze  = "dehaze"
	Deblur  = "deblur"
	Enhance = "enhance" // low light
	Pairs   = "pairs"   // one's own folders
)

// Task is a task of the training set and how often its images come up in an
// epoch.
type Task struct {
	// Kind is one of the tasks above.
	Kind string `mapstructure:"kind" yaml:"kind"`
	// Repeat is how often an epoch shows each pair; for Denoise, each
	// clean image at each σ.
	Repeat int `mapstructure:"repeat" yaml:"repeat"`
	// Sigmas are Denoise's noise levels in units of 1/255.
	Sigmas []float64 `mapstructure:"sigmas" yaml:"sigmas,omitempty"`
	// Input and Target are folders that take the place of the layout's,
	// absolute or relative to the root; Denoise knows Target only.
	Input  string `mapstructure:"input" yaml:"input,omitempty"`
	Target string `mapstructure:"target" yaml:"target,omitempty"`
}

// FiveTasks returns the recipe of the paper: per epoch 3 times each clean image
// at each of three σ, 120 times each rain pair, once each hazy image, 5 times
// each blurred one, 200 times each low-light one. AdaIR's code, which the paper
// says it follows, has 20 instead of the 200.
func FiveTasks() []Task {
	return []Task{
		{Kind: Denoise, Repeat: 3, Sigmas: []float64{15, 25, 50}},
		{Kind: Derain, Repeat: 120},
		{Kind: Dehaze, Repeat: 1},
		{Kind: Deblur, Repeat: 5},
		{Kind: Enhance, Repeat: 200},
	}
}

// ThreeTasks returns the recipe of noise, rain and haze.
func ThreeTasks() []Task { return FiveTasks()[:3] }

func (t Task) check() error {
	kinds := []string{Denoise, Derain, Dehaze, Deblur, Enhance, Pairs}
	switch {
	case !slices.Contains(kinds, t.Kind):
		return fmt.Errorf("task kind %q: must be one of %s", t.Kind, strings.Join(kinds, ", "))
	case t.Repeat < 1:
		return fmt.Errorf("task %s: repeat is %d; set it to 1 or more, or leave the task out", t.Kind, t.Repeat)
	case t.Kind == Denoise && len(t.Sigmas) == 0:
		return fmt.Errorf("task denoise: needs sigmas, such as [15, 25, 50]")
	case t.Kind != Denoise && (t.Input == "") != (t.Target == ""):
		return fmt.Errorf("task %s: input and target go together; set both folders or neither", t.Kind)
	case t.Kind == Pairs && t.Input == "":
		return fmt.Errorf("task pairs: needs the folders input and target")
	}
	for _, s := range t.Sigmas {
		if s < 0 || s > 255 {
			return fmt.Errorf("task %s: sigma %g must lie in 0..255", t.Kind, s)
		}
	}
	return nil
}
