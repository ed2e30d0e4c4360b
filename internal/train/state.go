package train

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"clusir/internal/autograd"
	"clusir/internal/checkpoint"
	"clusir/internal/dataset"
	"clusir/internal/kernels"
	"clusir/internal/model"
)

// Files in a run's folder.
const (
	lastName = "last.safetensors" // everything needed to resume the run
	bestName = "best.safetensors" // the weights that validated best
	logName  = dataset.RunLog
)

// named is a tensor on the device and its name in checkpoints.
type named struct {
	name string
	kernels.Tensor
}

// tensors lists the weights and the optimiser's state.
func (o *optimizer) tensors() []named {
	var ts []named
	for _, p := range o.m.Tensors() {
		ts = append(ts, named{p.Name, p.Tensor})
	}
	for i, p := range o.m.Params {
		s := o.params[i]
		ts = append(ts, named{checkpoint.PrefixM + p.Name, s.M})
		if !s.V.IsZero() {
			ts = append(ts, named{checkpoint.PrefixV + p.Name, s.V}, named{checkpoint.PrefixStep + p.Name, s.Step})
		}
	}
	for i, a := range o.average {
		ts = append(ts, named{checkpoint.PrefixEMA + o.m.Tensors()[i].Name, a})
	}
	return ts
}

// save writes last.safetensors.
func (r *run) save() error {
	var state []checkpoint.Tensor
	for _, t := range r.opt.tensors() {
		state = append(state, checkpoint.New(t.name, t.Shape, autograd.Fetch(r.Backend, t.Tensor)))
	}
	if name := notFinite(state); name != "" {
		return r.diverged("state is not finite: " + name)
	}
	path := filepath.Join(r.Out, lastName)
	if err := r.write(path, state); err != nil {
		return fmt.Errorf("%w; %s", err, r.lastGood())
	}
	r.saved = path
	return nil
}

// lastGood names the checkpoint to resume from.
func (r *run) lastGood() string {
	if r.saved == "" {
		return "there is no checkpoint yet"
	}
	if _, err := os.Stat(r.saved); err != nil {
		return r.saved + ", which was saved, is gone: look where it was moved to"
	}
	return "the last good checkpoint is " + r.saved
}

// notFinite names the first tensor with a value that is not finite, which a gradient
// can cause even after a finite loss.
func notFinite(state []checkpoint.Tensor) string {
	for _, t := range state {
		for _, x := range t.Data() {
			if x-x != 0 {
				return t.Name
			}
		}
	}
	return ""
}

func (r *run) write(path string, state []checkpoint.Tensor) error {
	if r.recipe == "" {
		var err error
		if r.recipe, err = r.Config.Recipe(); err != nil {
			return err
		}
	}
	data, err := json.Marshal(r.set.Inventory())
	if err != nil {
		return err
	}
	metadata := map[string]string{
		checkpoint.KeyRecipe: r.recipe, checkpoint.KeyData: string(data), checkpoint.KeyDevice: r.trainsOn(), checkpoint.KeyBest: strconv.FormatFloat(r.best, 'g', -1, 64),
		checkpoint.KeyValidated: strconv.Itoa(r.validated),
	}
	if r.responses != "" {
		metadata[model.KeyResponses] = r.responses
	}
	return checkpoint.Write(path, checkpoint.Contents{Tensors: state, Config: r.m.Config, Step: r.step, Metadata: metadata})
}

func (r *run) load(path string) error {
	f, err := checkpoint.Open(path)
	if err != nil {
		return fmt.Errorf("%w: put a copy that is whole in its place, or start a new run with --out", err)
	}
	defer f.Close()
	r.recipe, r.responses = f.Metadata[checkpoint.KeyRecipe], f.Metadata[model.KeyResponses]
	if err := r.mustMatch(f); err != nil {
		return err
	}
	for _, check := range []func(*checkpoint.File) error{r.reportChanges, r.reportData} {
		if err := check(f); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	tensors := r.opt.tensors()
	var specs []checkpoint.Spec
	for _, t := range tensors {
		specs = append(specs, checkpoint.Spec{Name: t.name, Shape: t.Shape})
	}
	values, err := f.Load(specs)
	if err != nil {
		return fmt.Errorf("cannot resume: %w", err)
	}
	for i, t := range tensors {
		r.Backend.Upload(t.Tensor, values[i].Data())
	}
	r.saved = path
	if r.step, err = f.Step(); err != nil {
		return err
	}
	if r.best, err = strconv.ParseFloat(f.Metadata[checkpoint.KeyBest], 64); err != nil || math.IsNaN(r.best) {
		return fmt.Errorf("%s: metadata %s is not a number", path, checkpoint.KeyBest)
	}
	// Checkpoints written before this key existed count as validated.
	if r.validated, err = strconv.Atoi(cmp.Or(f.Metadata[checkpoint.KeyValidated], strconv.Itoa(r.step))); err != nil {
		return fmt.Errorf("%s: metadata %s is not a number", path, checkpoint.KeyValidated)
	}
	return nil
}

// mustMatch refuses to resume with a different network.
func (r *run) mustMatch(f *checkpoint.File) error {
	c, err := model.ReadConfig(f)
	if err != nil {
		return err
	}
	lines, err := networkChanges(c, r.m.Config, "was")
	if err != nil {
		return err
	}
	if len(lines) > 0 {
		return fmt.Errorf("%s: holds another network than the configuration's:\n  %s\nkeep the model's settings of the run, or start a new run with --out", f, strings.Join(lines, "\n  "))
	}
	return nil
}
