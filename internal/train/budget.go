package train

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"clusir/internal/arch"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/sysmem"
)

// batchesAhead is the number of batches kept ready; two more are in use or being made.
const batchesAhead = 4

// need is how much of a machine's memory a rank takes, in bytes.
type need struct {
	network  int64 // weights, gradients, moments and activations; 0 if the device has its own memory
	batches  int64
	pictures int64 // decoded pictures, up to train.cache_mb
}

func (n need) total() int64 { return n.network + n.batches + n.pictures }

// needs estimates what a rank takes with settings t.
func (o Options) needs(t config.Train, decoded int64) (n need, err error) {
	const float, images = 4, 2 // an input and a target
	n.batches = float * images * int64(batchesAhead+2) * int64(t.Batch/o.Group.Size()) * 3 * int64(t.Patch) * int64(t.Patch)
	n.pictures = min(decoded, int64(t.CacheMB)<<20)
	if _, own := o.Backend.(kernels.OwnMemory); !own {
		n.network, err = o.network(t)
	}
	return n, err
}

// network estimates the memory of a rank's weights, gradients, moments and activations.
func (o Options) network(t config.Train) (int64, error) {
	return model.TrainingMemory(o.Config.Model.Config, objective(t), t.Batch/(t.Accumulate*o.Group.Size()), t.Patch, t.Patch, t.Recompute)
}

// checkMemory refuses a run that needs more memory than is free, and names settings
// that fit.
func (o Options) checkMemory(report *dataset.Report) error {
	if o.Memory <= 0 {
		return nil
	}
	t := o.Config.Train
	n, err := o.needs(t, report.Decoded())
	if err != nil || n.total() <= o.Memory {
		return err
	}
	return fmt.Errorf("training takes about %s of memory (the network %s, batches of %d patches of %d×%d %s, decoded pictures %s), and %s are free: %s",
		size(n.total()), size(n.network), t.Batch, t.Patch, t.Patch, size(n.batches), size(n.pictures), size(o.Memory), o.fitting(t, n))
}

// fitting names settings that fit, preferring those that change the result least.
func (o Options) fitting(t config.Train, n need) string {
	if rest := n.network + n.batches; rest <= o.Memory {
		return fmt.Sprintf("train.cache_mb: %d fits", (o.Memory-rest)>>20)
	}
	fits := func(decoded int64) func(config.Train) bool {
		return func(t config.Train) bool {
			n, err := o.needs(t, decoded)
			return err == nil && n.total() <= o.Memory
		}
	}
	if setting := o.fittingBatch(t, fits(n.pictures)); setting != "" {
		return setting + " fits"
	}
	if setting := o.fittingBatch(t, fits(0)); setting != "" && n.pictures > 0 {
		return "train.cache_mb: 0 with " + setting + " fits"
	}
	if t.Accumulate > 1 { // every part of the batch has samples, and all of them are held in memory
		t.Accumulate = 1
		if setting := o.fittingBatch(t, fits(0)); setting != "" {
			return "train.accumulate: 1 with " + setting + " fits"
		}
	}
	return "choose a smaller model"
}

// outOfMemory adds settings that would fit to a device's out-of-memory error.
func (o Options) outOfMemory(err error) error {
	device, ok := o.Backend.(kernels.OwnMemory)
	if !errors.Is(err, kernels.ErrMemory) || !ok {
		return err
	}
	_, _, total := device.MemoryUse()
	setting := o.fittingBatch(o.Config.Train, func(t config.Train) bool {
		n, err := o.network(t)
		return err == nil && n <= total
	})
	if setting == "" {
		return fmt.Errorf("%w: choose a smaller model", err)
	}
	return fmt.Errorf("%w: %s should fit into %s", err, setting, size(total))
}

// fittingBatch names settings other than t that fit: more parts of a batch, recomputed
// activations, or else a smaller batch, or else a smaller batch and patch; "" if none do.
func (o Options) fittingBatch(t config.Train, fits func(config.Train) bool) string {
	ranks, minBatch := o.Group.Size(), max(1, o.Config.Model.MinTrainingBatch()) // samples in a part, at least
	for _, recompute := range []bool{t.Recompute, true} {
		with := t
		with.Recompute = recompute
		for ; t.Batch/(with.Accumulate*ranks) >= minBatch; with.Accumulate++ {
			same := with.Accumulate == t.Accumulate && recompute == t.Recompute
			if same || t.Batch%(with.Accumulate*ranks) != 0 || !fits(with) {
				continue
			}
			setting := fmt.Sprintf("train.accumulate: %d", with.Accumulate)
			if recompute != t.Recompute {
				setting += " with train.recompute: true"
			}
			return setting
		}
	}
	parts := t.Accumulate * ranks
	smaller := func(k, patch int) bool {
		with := t
		with.Batch, with.Patch = k*parts, patch
		return fits(with)
	}
	if k := sysmem.Largest(minBatch, t.Batch/parts, func(k int) bool { return smaller(k, t.Patch) }); k >= minBatch {
		return fmt.Sprintf("train.batch: %d", k*parts)
	}
	const step = arch.Align
	if k := sysmem.Largest(1, t.Patch/step, func(k int) bool { return smaller(minBatch, k*step) }); k > 0 {
		return fmt.Sprintf("train.batch: %d with train.patch: %d", minBatch*parts, k*step)
	}
	return ""
}

func size(n int64) string { return humanize.IBytes(uint64(n)) }
