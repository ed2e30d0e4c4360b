package train

import (
	"errors"
	"fmt"

	"clusir/internal/dataset"
	"clusir/internal/kernels"
	"clusir/internal/model"
)

// outOfMemory adds settings that would fit to a device's out-of-memory error.
func (r *run) outOfMemory(err error, batch *dataset.Batch) error {
	device, ok := r.Backend.(kernels.OwnMemory)
	if !errors.Is(err, kernels.ErrMemory) || !ok {
		return err
	}
	_, _, total := device.MemoryUse()
	return fmt.Errorf("%w: %s", err, r.remedy(total, batch.B, batch.P))
}

// remedy names the fastest settings that fit into total bytes: first more parts of a
// batch, then recomputed activations.
func (r *run) remedy(total int64, batch, patch int) string {
	for _, recompute := range []bool{r.t.Recompute, true} {
		for parts := r.t.Accumulate; batch/parts >= r.m.Config.MinTrainingBatch(); parts++ {
			if batch%parts != 0 || parts == r.t.Accumulate && recompute == r.t.Recompute {
				continue // what has just failed, whatever the estimate is
			}
			need, err := model.TrainingMemory(r.m.Config, objective(r.t), batch/parts, patch, patch, recompute)
			if err == nil && need <= total {
				return fmt.Sprintf("train.accumulate: %d with train.recompute: %v takes about %s of %s (%d samples at a time instead of %d)",
					parts, recompute, size(need), size(total), batch/parts, batch/r.t.Accumulate)
			}
		}
	}
	return "no part of the batch fits: lower train.patch, or choose a smaller model"
}
