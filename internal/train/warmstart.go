package train

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/model"
)

// block matches the tensors of a WTB by name, such as decoder.0.1.attn.proj.weight.
var block = regexp.MustCompile(`^(encoder\.\d+|decoder\.\d+|refine)\.\d+\.`)

// fresh reports whether a tensor belongs to a block that a checkpoint lacks.
func fresh(f *checkpoint.File, name string) bool { return !f.Has(name) && block.MatchString(name) }

// matchWarmStart reports an error if a run of configuration c cannot start from a
// checkpoint.
func matchWarmStart(f *checkpoint.File, c arch.Config) error {
	specs, err := model.Specs(c)
	if err != nil {
		return err
	}
	specs = slices.DeleteFunc(specs, func(s checkpoint.Spec) bool { return fresh(f, s.Name) })
	if err := f.Match(specs); err != nil {
		return fmt.Errorf("--init-from: %w", err)
	}
	return nil
}

// warmStart loads the weights of another run's checkpoint, which match. A block that the checkpoint
// lacks starts as the identity, with zeros at the end of both branches, so that a
// trained network can be deepened.
func (r *run) warmStart(f *checkpoint.File) error {
	for _, p := range r.m.Tensors() {
		switch {
		case !fresh(f, p.Name):
			weights, err := f.Weight(p.Name)
			if err != nil {
				return fmt.Errorf("--init-from: %w", err)
			}
			r.Backend.Upload(p.Tensor, weights.Data())
		case strings.HasSuffix(p.Name, ".attn.proj.weight"), strings.HasSuffix(p.Name, ".ffn.project.weight"):
			r.Backend.Fill(p.Tensor, 0)
		}
	}
	r.opt.restartAverage()
	return nil
}
