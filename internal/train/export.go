package train

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/model"
)

// notExported are the metadata that the file gets anew, or that only going on with
// the run needs.
var notExported = []string{
	checkpoint.KeyFormat, checkpoint.KeyConfig, checkpoint.KeyStep, checkpoint.KeySHA256, checkpoint.KeyBest, checkpoint.KeyValidated, checkpoint.KeyData,
}

// Export writes the weights of a training checkpoint without the optimiser's
// state: the averaged ones where the run kept an average. metadata, such as a
// model's name and licence, is added to what the checkpoint has; c is the network's
// configuration, which a checkpoint of another program lacks.
func Export(f *checkpoint.File, c arch.Config, out string, dtype checkpoint.DType, metadata map[string]string) error {
	if err := exportable(out); err != nil {
		return err
	}
	specs, err := model.Specs(c)
	if err != nil {
		return err
	}
	weights, err := f.Weights(specs)
	if err != nil {
		return err
	}
	step, err := f.Step()
	if err != nil {
		return err
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
	maps.Copy(all, metadata)
	return checkpoint.Write(out, checkpoint.Contents{Tensors: weights, Config: c, Step: step, DType: dtype, Metadata: all})
}

// exportable refuses names that announce another format than the one that is
// written; a version's number is no format.
func exportable(out string) error {
	const ours = ".safetensors"
	ext := filepath.Ext(out)
	if letters := strings.Trim(ext, ".0123456789"); letters == "" || strings.EqualFold(ext, ours) {
		return nil
	}
	return fmt.Errorf("%s: safetensors is the only format that is written, not %s: call it %s", out, ext, strings.TrimSuffix(out, ext)+ours)
}

// storedRecipe is a recipe of a network as this version stores it: earlier ones kept the
// folder in which the user had the data, and weights are given to others; and they left
// out the variant. What is no recipe stays as it is.
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
