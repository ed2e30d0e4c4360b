package train

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/eval"
	"clusir/internal/infer"
	"clusir/internal/model"
)

// notExported lists the metadata that the file gets anew, or that only a resumed run
// needs.
var notExported = []string{
	checkpoint.KeyFormat, checkpoint.KeyConfig, checkpoint.KeyStep, checkpoint.KeySHA256, checkpoint.KeyBest, checkpoint.KeyValidated, checkpoint.KeyData,
}

// Exported says how weights are exported.
type Exported struct {
	Out  string
	Half bool // as float16
	// Results is the output of clusir eval --json, to be added to the metadata; "" for none.
	Results string
	// Metadata, such as a model's name and licence, is added to the checkpoint's own.
	Metadata map[string]string
}

// Export writes the weights of a training checkpoint without the optimiser's state: the
// averaged ones if the run kept an average. c is the network's configuration, which
// checkpoints of other programs lack. It returns the size of the file.
func Export(f *checkpoint.File, c arch.Config, e Exported) (size int64, err error) {
	if err := exportable(e.Out); err != nil {
		return 0, err
	}
	specs, err := model.Specs(c)
	if err != nil {
		return 0, err
	}
	weights, err := f.Weights(specs)
	if err != nil {
		return 0, err
	}
	step, err := f.Step()
	if err != nil {
		return 0, err
	}
	all := map[string]string{}
	for key, text := range f.Metadata {
		if !slices.Contains(notExported, key) {
			all[key] = text
		}
	}
	if recipe, ok := all[checkpoint.KeyRecipe]; ok {
		all[checkpoint.KeyRecipe] = storedRecipe(recipe, c)
	}
	maps.Copy(all, e.Metadata)
	if e.Results != "" {
		if all[infer.KeyResults], err = eval.ReadScores(e.Results, weights); err != nil {
			return 0, err
		}
	}
	contents := checkpoint.Contents{Tensors: weights, Config: c, Step: step, DType: checkpoint.F32, Metadata: all}
	if e.Half {
		contents.DType = checkpoint.F16
	}
	if err := checkpoint.Write(e.Out, contents); err != nil {
		return 0, err
	}
	info, err := os.Stat(e.Out)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// exportable refuses names with the extension of another format. The digits of a
// version number are not an extension.
func exportable(out string) error {
	const ours = ".safetensors"
	ext := filepath.Ext(out)
	if letters := strings.Trim(ext, ".0123456789"); letters == "" || strings.EqualFold(ext, ours) {
		return nil
	}
	return fmt.Errorf("%s: the only output format is safetensors, not %s: call it %s", out, ext, strings.TrimSuffix(out, ext)+ours)
}

// storedRecipe returns a network's recipe as this version stores it: earlier versions
// included the folder of the user's data, which must not be distributed with the
// weights, and left out the variant. Text that is not a recipe stays as it is.
func storedRecipe(recipe string, network arch.Config) string {
	c, err := config.ParseRecipe(recipe)
	if err != nil {
		return recipe
	}
	if c.Model.Variant == "" {
		c.Model = config.ModelOf(network)
	}
	text, err := c.Recipe()
	if err != nil {
		return recipe
	}
	return text
}
