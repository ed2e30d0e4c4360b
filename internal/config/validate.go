package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/dataset"
	"clusir/internal/suggest"
)

// Limits beyond any run, within which no count overflows.
const (
	maxSteps  = 1_000_000_000
	maxEpochs = 1_000_000
	maxBatch  = 1 << 30
	maxCache  = 1 << 40 // MiB

	maxDevices = 64 // of a process
)

// problem is an invalid setting; text follows the key.
type problem struct{ key, text string }

// checker collects problems, so that the user sees all of them at once.
type checker struct{ problems []problem }

func (k *checker) need(ok bool, key string, value any, must string) {
	if !ok {
		k.problems = append(k.problems, problem{key, fmt.Sprintf(" = %v: must be %s", value, must)})
	}
}

func (k *checker) between(low, high int, key string, value int) {
	k.need(value >= low && value <= high, key, value, fmt.Sprintf("in %d..%d", low, high))
}

func (k *checker) oneOf(key, value string, choices ...string) {
	k.need(slices.Contains(choices, value), key, fmt.Sprintf("%q", value), suggest.OneOf(value, choices))
}

// weight accepts finite numbers that are not negative.
func (k *checker) weight(key string, value float64) {
	k.need(value >= 0 && !math.IsInf(value, 1), key, value, "0 or a positive number")
}

// device matches one device, or several that train together.
var device = regexp.MustCompile(`^(auto|cpu|cuda(:\d{1,3})?)(,(cpu|cuda:\d{1,3}))*$`)

// validate checks every setting that is present.
func (c *Config) validate() []problem {
	k := &checker{}
	k.need(device.MatchString(c.Device), "device", fmt.Sprintf("%q", c.Device), "auto, cpu, cuda or cuda:N, or for training several: cuda:0,cuda:1")
	k.need(strings.Count(c.Device, ",") < maxDevices, "device", fmt.Sprintf("%.40q...", c.Device), fmt.Sprintf("%d devices at most", maxDevices))
	k.oneOf("precision", c.Precision, "auto", "float32", "tf32", "bf16")
	k.need(c.Threads >= 0 && c.Threads <= 1024, "threads", c.Threads, "in 1..1024, or 0 for all processors")
	c.Model.validate(k)
	for i, t := range c.Tasks {
		for _, f := range t.Faults() {
			k.need(false, fmt.Sprintf("tasks[%d].%s", i, f.Field), f.Value, f.Must)
		}
	}
	c.Train.validate(k)
	parts := max(1, c.Train.Accumulate)
	k.need(c.Train.Batch < 1 || c.Train.Batch/parts >= c.Model.MinTrainingBatch(), "train.batch", c.Train.Batch,
		fmt.Sprintf("%d or more: BatchNorm in DAFMM cannot normalise over a single sample", 2*parts))
	k.oneOf("eval.protocol", c.Eval.Protocol, "promptir", "gaussian")
	for i, b := range c.Eval.Benchmarks {
		twice := slices.ContainsFunc(c.Eval.Benchmarks[:i], func(o dataset.Listed) bool { return strings.EqualFold(o.Name, b.Name) })
		k.need(b.Name != "" && !twice, "eval.benchmarks", fmt.Sprintf("%q", b.Name), "names, each one once")
	}
	return k.problems
}

func (t *Train) validate(k *checker) {
	if t.Steps != 0 { // 0 leaves the length to epochs: see chooseLength
		k.between(1, maxSteps, "train.steps", t.Steps)
	}
	k.between(1, maxEpochs, "train.epochs", t.Epochs)
	k.between(1, maxBatch, "train.batch", t.Batch)
	k.need(t.Accumulate >= 1 && t.Batch%max(1, t.Accumulate) == 0, "train.accumulate", t.Accumulate, fmt.Sprintf("a divisor of train.batch (%d)", t.Batch))
	k.need(t.Patch >= arch.Align && t.Patch%arch.Align == 0 && t.Patch <= 4096, "train.patch", t.Patch, fmt.Sprintf("a multiple of %d up to 4096", arch.Align))

	for _, f := range t.Vary.Faults() {
		k.need(false, "train.vary."+f.Field, f.Value, f.Must)
	}
	k.oneOf("train.optimizer", t.Optimizer, "adam", "muon")
	k.need(t.LR > 0 && t.LR <= 1, "train.lr", t.LR, "above 0 and at most 1, e.g. 2e-4")
	k.need(t.MinLR >= 0 && !(t.MinLR > t.LR && t.LR > 0), "train.min_lr", t.MinLR, "from 0 up to train.lr")
	k.between(0, maxSteps, "train.warmup", t.Warmup)
	k.oneOf("train.schedule", t.Schedule, "constant", "halve", "cosine")
	k.between(1, maxEpochs, "train.halve_after", t.HalveAfter)

	k.weight("train.ms_ssim_weight", t.MSSSIMWeight)
	k.weight("train.orthogonality_weight", t.OrthogonalityWeight)
	k.weight("train.smooth_l1", t.SmoothL1)
	k.weight("train.balance_weight", t.BalanceWeight)
	k.weight("train.grad_clip", t.GradClip)
	k.need(t.EMA >= 0 && t.EMA < 1, "train.ema", t.EMA, "0 (none) or below 1, e.g. 0.999")

	k.between(0, maxCache, "train.cache_mb", t.CacheMB)
	k.between(0, maxSteps, "train.log_interval", t.LogInterval)
	k.between(0, maxSteps, "train.checkpoint_interval", t.CheckpointInterval)
	k.between(0, maxSteps, "train.validation_interval", t.ValidationInterval)
}
