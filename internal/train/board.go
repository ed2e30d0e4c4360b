package train

import (
	"fmt"

	"clusir/internal/tensorboard"
)

// scalars returns the entry's values under names that TensorBoard groups.
func (e Entry) scalars() []tensorboard.Scalar {
	var s []tensorboard.Scalar
	add := func(value float64, format string, a ...any) {
		s = append(s, tensorboard.Scalar{Tag: fmt.Sprintf(format, a...), Value: value})
	}
	if e.Terms != nil {
		add(e.Loss, "train/loss")
		add(e.L1, "train/l1")
		add(e.MSSSIM, "train/ms_ssim")
		add(e.Orthogonality, "train/orthogonality")
		add(e.LR, "train/lr")
		add(e.Rate, "train/images_per_s")
	}
	for l, h := range e.Entropy {
		add(h, "routing/entropy_stage%d", l+1)
	}
	for l, p := range e.Posterior {
		for c, v := range p {
			add(v, "posterior_stage%d/cluster%d", l+1, c+1)
		}
	}
	for l, experts := range e.Experts {
		for i, v := range experts {
			add(v, "experts_stage%d/expert%02d", l+1, i+1)
		}
	}
	for _, m := range e.Validation {
		add(m.Value, "validation/%s", m.Name)
	}
	if len(e.Validation) > 0 {
		add(meanOf(e.Validation), "validation/mean")
	}
	return s
}
