package infer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/model"
	"clusir/internal/userfile"
	"clusir/weights"
)

// KeyResults is the metadata key that holds []Score as JSON.
const KeyResults = "results"

// OwnKeys are the metadata keys that have a meaning; the others are notes.
var OwnKeys = []string{
	checkpoint.KeyFormat, checkpoint.KeyConfig, checkpoint.KeyStep, checkpoint.KeySHA256, checkpoint.KeyRecipe, checkpoint.KeyDevice, checkpoint.KeyData,
	checkpoint.KeyBest, checkpoint.KeyValidated, model.KeyResponses, KeyResults,
}

// costSide is the side of the image for which Description.GMACs is counted.
const costSide = 128

// Description is what a model's file records about the model, plus what can be counted
// without running it.
type Description struct {
	Name     string `json:"name"` // of an embedded model, or the file's path
	Embedded bool   `json:"embedded"`
	Bytes    int64  `json:"bytes"`
	// Weights counts the tensors by type; Resumable reports whether the file also holds
	// the optimiser's state.
	Weights   []checkpoint.Content   `json:"weights"`
	Resumable bool                   `json:"resumable"`
	Config    *arch.Config           `json:"config,omitempty"` // nil if the file does not hold it
	Params    int64                  `json:"parameters,omitempty"`
	GMACs     float64                `json:"gmacs_128,omitempty"` // at 128×128
	Step      int                    `json:"steps,omitempty"`
	Device    string                 `json:"device,omitempty"`
	Recipe    json.RawMessage        `json:"recipe,omitempty"`
	Results   []Score                `json:"results,omitempty"`
	Responses model.ClusterResponses `json:"answers,omitempty"` // of its clusters, in training
	Notes     map[string]string      `json:"notes,omitempty"`   // the rest of the metadata

	recipe *config.Config // Recipe as settings, nil if the file does not have one
}

// Score is a model's result on a benchmark or on a part of one.
type Score struct {
	Benchmark string  `json:"benchmark"`
	Images    int     `json:"images"`
	Expected  int     `json:"expected,omitempty"` // images in the whole benchmark
	Input     float64 `json:"input_psnr"`
	PSNR      float64 `json:"psnr"`
	SSIM      float64 `json:"ssim,omitempty"`
}

// Describe opens an embedded model or a file, without loading it onto a device.
func Describe(name string) (*Description, error) {
	f, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := &Description{Name: name, Bytes: f.Size(), Device: f.Metadata[checkpoint.KeyDevice], Notes: map[string]string{}}
	_, d.Embedded = weights.Find(name)
	d.Weights, d.Resumable = f.Contents()
	if d.Step, err = f.Step(); err != nil {
		return nil, err
	}
	if err := d.count(f); err != nil {
		return nil, err
	}
	return d, d.read(f.Metadata)
}

// count adds the configuration and what follows from it.
func (d *Description) count(f *checkpoint.File) error {
	if f.Metadata[checkpoint.KeyConfig] == "" {
		return nil // another program's file: it needs --model-config to run
	}
	c, err := model.ReadConfig(f)
	if err != nil {
		return err
	}
	cost, err := model.CostOf(c, 1, costSide, costSide)
	if err != nil {
		return fmt.Errorf("model %s: %w", d.Name, err)
	}
	d.Config, d.Params, d.GMACs = &c, cost.Params, cost.GMACs()
	if d.Responses, err = model.ReadResponses(f.Metadata, c); err != nil {
		return fmt.Errorf("model %s: %w", d.Name, err)
	}
	return nil
}

func (d *Description) read(metadata map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		var err error
		switch text := metadata[key]; {
		case key == checkpoint.KeyRecipe:
			err = d.setRecipe(text)
		case key == KeyResults:
			err = userfile.PlainJSON(json.Unmarshal([]byte(text), &d.Results))
		case !slices.Contains(OwnKeys, key):
			d.Notes[key] = text
		}
		if err != nil {
			return fmt.Errorf("model %s: its metadata %q: %w", d.Name, key, err)
		}
	}
	return nil
}

// setRecipe parses a recipe and stores it with the configuration's keys.
func (d *Description) setRecipe(text string) error {
	if text == "" {
		return nil
	}
	var err error
	if d.recipe, err = config.ParseRecipe(text); err != nil {
		return err
	}
	if m := &d.recipe.Model; m.Variant == "" && d.Config != nil { // earlier versions left it out
		*m = config.ModelOf(*d.Config)
	}
	recipe, err := d.recipe.Recipe()
	d.Recipe = json.RawMessage(recipe)
	return err
}
