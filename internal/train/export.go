package train

import (
	"encoding/json"
	"fmt"
	"maps"

	"clusir/internal/checkpoint"
	"clusir/internal/model"
)

// Export writes the weights of a training checkpoint without the optimiser's
// state: the averaged ones where the run kept an average. metadata, such as a
// model's name and licence, is added to what the checkpoint has.
func Export(in, out string, dtype checkpoint.DType, metadata map[string]string) error {
	f, err := checkpoint.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	c, err := model.ReadConfig(f)
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	specs, err := c.Specs()
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
	all := map[string]string{keyRecipe: withoutPaths(f.Metadata[keyRecipe]), keyDevice: f.Metadata[keyDevice]}
	if answers, ok := f.Metadata[model.KeyAnswers]; ok {
		all[model.KeyAnswers] = answers
	}
	maps.Copy(all, metadata)
	return checkpoint.Write(out, checkpoint.Contents{Tensors: weights, Config: c, Step: step, DType: dtype, Metadata: all})
}

// withoutPaths is a recipe without the folder in which its user keeps the data:
// weights are given to others. What is no recipe stays as it is.
func withoutPaths(recipe string) string {
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(recipe), &all) != nil {
		return recipe
	}
	delete(all, "Data")
	text, err := json.Marshal(all)
	if err != nil {
		return recipe
	}
	return string(text)
}
