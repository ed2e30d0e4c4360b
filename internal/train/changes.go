package train

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/userfile"
)

// reportChanges prints which training settings, or the device or the number of ranks,
// differ from those that a checkpoint was made with: the run continues, but not to the
// same bits as an uninterrupted one. It refuses another optimizer, which has another
// state, and an average of the weights that has not begun.
func (r *run) reportChanges(f *checkpoint.File) error {
	was, err := config.ParseRecipe(f.Metadata[checkpoint.KeyRecipe])
	if err != nil {
		return fmt.Errorf("metadata %s: %w", checkpoint.KeyRecipe, err)
	}
	was.Train.Optimizer = cmp.Or(was.Train.Optimizer, "adam") // a recipe from before there was a choice
	if was, is := was.Train.Optimizer, r.Config.Train.Optimizer; was != is {
		return fmt.Errorf("holds the state of train.optimizer: %s, not %s; keep it, or start a new run from these weights with --init-from", was, is)
	}
	if is := r.Config.Train.EMA; is > 0 && was.Train.EMA == 0 {
		return fmt.Errorf("holds no moving average, which train.ema: %g would continue; leave it at 0, or start a new run from these weights with --init-from", is)
	}
	lines, err := changes(*was, *r.Config, "was")
	if err != nil {
		return err
	}
	device, is := f.Metadata[checkpoint.KeyDevice], r.trainsOn()
	if device != "" && deviceNumber.ReplaceAllString(device, "cuda") != deviceNumber.ReplaceAllString(is, "cuda") {
		lines = append(lines, fmt.Sprintf("device: %s, was %s", is, device))
	}
	if len(lines) == 0 {
		return nil
	}
	fmt.Fprintf(r.Messages, "settings that changed since the checkpoint:\n  %s\n", strings.Join(lines, "\n  "))
	return nil
}

// trainsOn names what computes, as checkpoints record it.
func (r *run) trainsOn() string {
	if n := r.Group.Size(); n > 1 {
		return fmt.Sprintf("%s, %d ranks", r.Device, n)
	}
	return r.Device
}

// changes lists the settings of the tasks and of the training that differ, with word before
// the other value.
func changes(was, is config.Config, word string) ([]string, error) {
	old, err := recipeKeys(was)
	if err != nil {
		return nil, err
	}
	now, err := recipeKeys(is)
	if err != nil {
		return nil, err
	}
	return differences(old, now, word), nil
}

// networkChanges lists the settings of the network that differ, as changes does.
func networkChanges(was, is arch.Config, word string) ([]string, error) {
	var keys [2]map[string]string
	for i, c := range []arch.Config{was, is} {
		fields, err := config.Fields(c)
		if err != nil {
			return nil, err
		}
		if keys[i], err = inOneLine(fields, "model."); err != nil {
			return nil, err
		}
	}
	return differences(keys[0], keys[1], word), nil
}

func differences(old, now map[string]string, word string) (lines []string) {
	keys := maps.Clone(old)
	maps.Copy(keys, now)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if old[key] != now[key] {
			lines = append(lines, fmt.Sprintf("%s: %s, %s %s", key, cmp.Or(now[key], "none"), word, cmp.Or(old[key], "none")))
		}
	}
	return lines
}

// recipeKeys returns the settings that the samples and steps of a run depend on, as YAML
// on one line each.
func recipeKeys(c config.Config) (map[string]string, error) {
	train, err := config.Fields(c.Train)
	if err != nil {
		return nil, err
	}
	settings := map[string]any{"precision": c.Precision}
	for key, value := range train {
		settings["train."+key] = value
	}
	for i, task := range c.Tasks {
		settings[fmt.Sprintf("tasks[%d]", i)] = task
	}
	return inOneLine(settings, "")
}

// inOneLine returns settings as YAML on one line each, with prefix before their names.
func inOneLine(settings map[string]any, prefix string) (map[string]string, error) {
	keys := map[string]string{}
	for key, value := range settings {
		text, err := config.Flow(value)
		if err != nil {
			return nil, err
		}
		keys[prefix+key] = text
	}
	return keys, nil
}

// reportData prints how the training data differ from what a checkpoint was made with.
// Checkpoints written before this key existed do not record their data.
func (r *run) reportData(f *checkpoint.File) error {
	inventory := f.Metadata[checkpoint.KeyData]
	if inventory == "" {
		return nil
	}
	var was dataset.Inventory
	if err := json.Unmarshal([]byte(inventory), &was); err != nil {
		return fmt.Errorf("metadata %s: %w", checkpoint.KeyData, userfile.PlainJSON(err))
	}
	if lines := r.set.Inventory().Differences(was); len(lines) > 0 {
		fmt.Fprintf(r.Messages, "training data that changed since the checkpoint, so that later samples differ:\n  %s\n", strings.Join(lines, "\n  "))
	}
	return nil
}
