// Package config holds the settings of a run.
//
// A setting comes, the first that is there, from a flag, from the environment
// (CLUSIR_TRAIN_LR is train.lr, CLUSIR_DATA is data), from the YAML file, from
// the files that it extends, or else from Default, which is the paper's recipe.
// So a file says only what is different about its run. Unknown keys and values
// out of range are errors that name the key, where it was set and what to
// write instead.
package config

import (
	"errors"

	"clusir/internal/dataset"
)

// Config holds every setting. The key of a field is its yaml name, behind the
// names of the structs around it and dots: train.lr.
type Config struct {
	// Data is the folder that holds Train/ and test/.
	Data string `yaml:"data"`
	// Device is auto (a GPU where there is one), cpu, cuda or cuda:N; for
	// training also several, such as cuda:0,cuda:1.
	Device string `yaml:"device"`
	// Precision is what matrix products round their operands to: float32, tf32 or
	// bf16; the processor has no tf32. Auto is tf32 for training on a GPU, else float32.
	Precision string `yaml:"precision"`
	// Threads is the number of processor threads, 0 for all.
	Threads int `yaml:"threads"`
	// Model is the network to train.
	Model Model `yaml:"model"`
	// Tasks are what it is trained for; a file's list takes the place of the
	// whole list before it.
	Tasks []dataset.Task `yaml:"tasks"`
	Train Train          `yaml:"train"`
	Eval  Eval           `yaml:"eval"`
}

// Train is the recipe. Intervals are in steps of the optimiser; 0 means never.
type Train struct {
	Seed uint64 `yaml:"seed"`
	// Epochs is the length of the run, or else Steps: what was set in the upper place
	// counts, and of one place the steps.
	Epochs int `yaml:"epochs"`
	Steps  int `yaml:"steps"`
	// Batch is the number of samples behind one step, computed in Accumulate
	// parts one after the other.
	Batch      int `yaml:"batch"`
	Accumulate int `yaml:"accumulate"`
	// Vary makes some samples unlike those of data sets: see package dataset.
	Vary dataset.Vary `yaml:"vary"`
	// Patch is the side of the square crops.
	Patch int `yaml:"patch"`
	// Rotate adds quarter turns to the flips.
	Rotate bool `yaml:"rotate"`

	// LR is Adam's learning rate after Warmup steps.
	LR     float64 `yaml:"lr"`
	Warmup int     `yaml:"warmup"`
	// Schedule is constant, halve (once, after HalveAfter epochs) or cosine (down
	// to MinLR at the end).
	Schedule   string  `yaml:"schedule"`
	HalveAfter int     `yaml:"halve_after"`
	MinLR      float64 `yaml:"min_lr"`

	// The objective's weights; the mean absolute difference has weight 1.
	MSSSIMWeight        float64 `yaml:"ms_ssim_weight"`
	OrthogonalityWeight float64 `yaml:"orthogonality_weight"`
	// RelativeError has each sample count by the part of its degradation that is
	// left, not by how much that is: else low light and haze, whose errors are large
	// and alike over a whole image, drown noise and blur.
	RelativeError bool `yaml:"relative_error"`
	// BalanceWeight is that of the term that evens out the use of clusters and experts.
	BalanceWeight float64 `yaml:"balance_weight"`

	// EMA is the decay of the moving average of the weights, 0 for none.
	EMA float64 `yaml:"ema"`
	// GradClip is the largest norm of the whole gradient, 0 for any.
	GradClip float64 `yaml:"grad_clip"`
	// Recompute saves memory: activations within a block are computed again
	// for its gradient.
	Recompute bool `yaml:"recompute"`
	// SyncBatchNorm computes what depends on a batch as a whole, BatchNorm's
	// statistics and the balance term, over the samples of all ranks, where a
	// run has several; else over each rank's own.
	SyncBatchNorm bool `yaml:"sync_batchnorm"`

	// CacheMB is the memory for decoded images, in MiB.
	CacheMB int `yaml:"cache_mb"`
	// Clean names the folders of clean photographs that degradations are made
	// from; none means Train/Denoise.
	Clean []string `yaml:"clean"`
	// Exclude names text files that list images to leave out of training.
	Exclude []string `yaml:"exclude"`
	// KeepOverlaps trains on images that a test set shows, too.
	KeepOverlaps bool `yaml:"keep_overlaps"`
	// IgnoreLists uses every image, whatever the lists next to the data say.
	IgnoreLists bool `yaml:"ignore_lists"`

	LogInterval        int `yaml:"log_interval"`
	CheckpointInterval int `yaml:"checkpoint_interval"`
	// ValidationInterval is how often the benchmarks of Eval are measured.
	ValidationInterval int `yaml:"validation_interval"`
}

// Eval says how restored images are measured.
type Eval struct {
	// Benchmarks are measured in training: names, and benchmarks of the user's own that
	// are described as in a benchmark file.
	Benchmarks []dataset.Listed `yaml:"benchmarks"`
	// BenchmarkFile is a YAML file, seen from the folder of the configuration that names
	// it, with benchmarks of the user's own for training,
	// as from the working directory.
	BenchmarkFile string `yaml:"benchmark_file"`
	// Protocol is promptir (SSIM over a uniform 7×7 window) or gaussian
	// (11×11, σ 1.5).
	Protocol string `yaml:"protocol"`
	// Seed is that of the noise benchmarks.
	Seed uint64 `yaml:"seed"`
	// YChannel measures luma instead of RGB.
	YChannel bool `yaml:"y_channel"`
}

// Default is the paper's recipe, without data or tasks.
func Default() Config {
	return Config{
		Device: "auto", Precision: "auto",
		Model: variant("base"),
		Train: Train{
			Epochs: 150, Batch: 48, Accumulate: 1, Patch: 128,
			LR: 2e-4, Schedule: "halve", HalveAfter: 75,
			// The paper does not say; the weights are ours.
			MSSSIMWeight: 0.2, OrthogonalityWeight: 0.01,
			CacheMB: 2048, LogInterval: 50, CheckpointInterval: 1000, ValidationInterval: 5000,
		},
		Eval: Eval{Protocol: "promptir"},
	}
}

// RequireTraining reports what a training run needs in addition to valid settings.
func (c Config) RequireTraining() error {
	switch {
	case c.Data == "":
		return errors.New("no data folder: name it with --data, CLUSIR_DATA or data: in the configuration")
	case len(c.Tasks) == 0:
		return errors.New("no tasks: name a configuration that has some, such as --config three-task")
	}
	return nil
}
