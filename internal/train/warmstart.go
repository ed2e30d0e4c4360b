package train

import (
	"fmt"
	"regexp"
	"strings"

	"clusir/internal/checkpoint"
)

// block matches the tensors of a WTB by name: decoder.0.1.attn.proj.weight.
var block = regexp.MustCompile(`^(encoder\.\d+|decoder\.\d+|refine)\.\d+\.`)

// warmStart takes the weights of another run's checkpoint. A block that the
// checkpoint lacks starts as the identity, both its branches ending in zeros: a
// network that was trained for a while can so be made deeper.
func (r *run) warmStart(f *checkpoint.File) error {
	specs, err := r.m.Config.Specs()
	if err != nil {
		return err
	}
	var known []checkpoint.Spec
	for i, p := range r.m.Tensors() {
		if f.Has(p.Name) || !block.MatchString(p.Name) {
			known = append(known, specs[i])
		} else if strings.HasSuffix(p.Name, ".attn.proj.weight") || strings.HasSuffix(p.Name, ".ffn.project.weight") {
			r.Backend.Fill(p.Tensor, 0)
		}
	}
	values, err := f.Weights(known)
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
