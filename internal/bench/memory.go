package bench

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"

	"clusir/internal/arch"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/sysmem"
)

// need is the memory of a measurement, in bytes: on the device, and on the machine for
// images. They are floats, which do not overflow.
type need struct{ device, host float64 }

// needs estimates the memory for passes over batches of a size.
func (o Options) needs(s Size, batch int) (n need, err error) {
	const float, images = 4, 2 // an input, and a result or a target
	n.host = float * images * 3 * s.pixels() * float64(batch)
	if o.Train {
		bytes, err := model.TrainingMemory(o.Subject.Config, o.Objective, batch, s.H, s.W, false)
		n.device = float64(bytes)
		return n, err
	}
	weights, pass, err := infer.Memory(o.Subject.Config, s.H, s.W)
	n.device = float64(weights) + float64(batch)*float64(pass)
	return n, err
}

// excess returns the part of n that does not fit, and the room for it; 0 if all fits. A
// device uses its own memory or the machine's.
func (o Options) excess(n need, b kernels.Backend) (takes, free float64) {
	limit := float64(o.Memory)
	if own, ok := b.(kernels.OwnMemory); ok {
		if _, _, total := own.MemoryUse(); n.device > float64(total) {
			return n.device, float64(total)
		}
	} else {
		n.host += n.device
	}
	if o.Memory > 0 && n.host > limit {
		return n.host, limit
	}
	return 0, 0
}

// checkMemory refuses, before anything is allocated, a size that does not fit into
// memory.
func (o Options) checkMemory(s Size, b kernels.Backend) error {
	n, err := o.needs(s, o.Batch)
	if err != nil {
		return err
	}
	takes, free := o.excess(n, b)
	if takes == 0 {
		return nil
	}
	return fmt.Errorf("--size %s with %s %d takes about %s of memory, and %s are free: %s", s, o.batchFlag(), o.Batch, size(takes), size(free), o.fitting(s, b))
}

// fitting names the largest batch that fits, or else the largest square.
func (o Options) fitting(s Size, b kernels.Backend) string {
	fits := func(s Size, batch int) bool {
		n, err := o.needs(s, batch)
		takes, _ := o.excess(n, b)
		return err == nil && takes == 0
	}
	flag, minBatch := o.batchFlag(), 1
	if o.Train {
		minBatch = o.Subject.Config.MinTrainingBatch()
	}
	if k := sysmem.Largest(minBatch, o.Batch-1, func(k int) bool { return fits(s, k) }); k >= minBatch {
		return fmt.Sprintf("%s %d fits", flag, k)
	}
	square := func(k int) Size { return Size{k * arch.Align, k * arch.Align} }
	first := o.Subject.Config.MinSide() / arch.Align
	if k := sysmem.Largest(first, max(s.W, s.H)/arch.Align, func(k int) bool { return fits(square(k), minBatch) }); k >= first {
		return fmt.Sprintf("--size %s with %s %d fits", square(k), flag, minBatch)
	}
	return "choose a smaller model"
}

func (o Options) batchFlag() string {
	if o.Train {
		return "--train"
	}
	return "--batch"
}

func size(bytes float64) string { return humanize.IBytes(uint64(min(bytes, math.MaxInt64))) }
