package train

import (
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
	ranks := o.Group.Size()
	const float, images = 4, 2 // an input and a target
	n.batches = float * images * int64(batchesAhead+2) * int64(t.Batch/ranks) * 3 * int64(t.Patch) * int64(t.Patch)
	n.pictures = min(decoded, int64(t.CacheMB)<<20)
	if _, own := o.Backend.(kernels.OwnMemory); !own {
		n.network, err = model.TrainingMemory(o.Config.Model.Config, objective(t), t.Batch/(t.Accumulate*ranks), t.Patch, t.Patch, t.Recompute)
	}
	return n, err
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
	if setting := o.fittingBatch(t, n.pictures); setting != "" {
		return setting + " fits"
	}
	t.CacheMB = 0
	if setting := o.fittingBatch(t, 0); setting != "" && n.pictures > 0 {
		return "train.cache_mb: 0 with " + setting + " fits"
	}
	if t.Accumulate > 1 { // every part of the batch has samples, and all of them are held in memory
		t.Accumulate = 1
		if setting := o.fittingBatch(t, 0); setting != "" {
			return "train.accumulate: 1 with " + setting + " fits"
		}
	}
	return "choose a smaller model"
}

// fittingBatch names settings that fit alongside decoded bytes of pictures: the number of
// parts of a batch, or else the batch size, or else the batch and patch size; "" if none.
func (o Options) fittingBatch(t config.Train, decoded int64) string {
	fits := func(change func(*config.Train)) bool {
		with := t
		change(&with)
		n, err := o.needs(with, decoded)
		return err == nil && n.total() <= o.Memory
	}
	ranks, minBatch := o.Group.Size(), max(1, o.Config.Model.MinTrainingBatch()) // samples in a part, at least
	for parts := t.Accumulate + 1; t.Batch/(parts*ranks) >= minBatch; parts++ {
		if t.Batch%(parts*ranks) == 0 && fits(func(t *config.Train) { t.Accumulate = parts }) {
			return fmt.Sprintf("train.accumulate: %d", parts)
		}
	}
	parts := t.Accumulate * ranks
	batch := func(k int) func(*config.Train) { return func(t *config.Train) { t.Batch = k * parts } }
	if k := sysmem.Largest(minBatch, t.Batch/parts, func(k int) bool { return fits(batch(k)) }); k >= minBatch {
		return fmt.Sprintf("train.batch: %d", k*parts)
	}
	const step = arch.Align
	square := func(k int) func(*config.Train) {
		return func(t *config.Train) { batch(minBatch)(t); t.Patch = k * step }
	}
	if k := sysmem.Largest(1, t.Patch/step, func(k int) bool { return fits(square(k)) }); k > 0 {
		return fmt.Sprintf("train.batch: %d with train.patch: %d", minBatch*parts, k*step)
	}
	return ""
}

func size(n int64) string { return humanize.IBytes(uint64(n)) }
