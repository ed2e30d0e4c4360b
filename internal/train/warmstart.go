package train

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"clusir/internal/checkpoint"
	"clusir/internal/model"
)

// block matches the tensors of a WTB by name, such as decoder.0.1.attn.proj.weight.
var block = regexp.MustCompile(`^(encoder\.\d+|decoder\.\d+|refine)\.\d+\.`)

// fresh reports whether a tensor belongs to a block that a checkpoint lacks.
func fresh(f *checkpoint.File, name string) bool { return !f.Has(name) && block.MatchString(name) }

// warmSpecs returns the tensors that a checkpoint must hold to start from it.
func warmSpecs(f *checkpoint.File, all []checkpoint.Spec) []checkpoint.Spec {
	return slices.DeleteFunc(slices.Clone(all), func(s checkpoint.Spec) bool { return fresh(f, s.Name) })
}

// matchWarmStart reports an error if a run cannot start from a checkpoint.
func matchWarmStart(f *checkpoint.File, all []checkpoint.Spec) error {
	if err := f.Match(warmSpecs(f, all)); err != nil {
		return fmt.Errorf("--init-from: %w", err)
	}
	return nil
}

// warmStart loads the weights of another run's checkpoint. A block that the checkpoint
// lacks starts as the identity, with zeros at the end of both branches, so that a
// trained network can be deepened.
func (r *run) warmStart(f *checkpoint.File) error {
	specs, err := model.Specs(r.m.Config)
	if err != nil {
		return err
	}
	for _, p := range r.m.Tensors() {
		if fresh(f, p.Name) && (strings.HasSuffix(p.Name, ".attn.proj.weight") || strings.HasSuffix(p.Name, ".ffn.project.weight")) {
			r.Backend.Fill(p.Tensor, 0)
		}
	}
	values, err := f.Weights(warmSpecs(f, specs))
	if err != nil {
		return fmt.Errorf("--init-from: %w", err)
	}
	at := map[string]checkpoint.Tensor{}
	for _, v := range values {
		at[v.Name] = v
	}
	for _, p := range r.m.Tensors() {
		if v, ok := at[p.Name]; ok {
			r.Backend.Upload(p.Tensor, v.Data())
		}
	}
	r.opt.restartAverage()
	return nil
}
