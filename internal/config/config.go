// Package config holds the settings of a run.
//
// A setting comes from the first of these that has it: a flag, the environment
// (CLUSIR_TRAIN_LR is train.lr, CLUSIR_DATA is data), the YAML file, the files that it
// extends, or Default, which is the paper's recipe. So a file only says what is
// different about its run. Unknown keys and values out of range are errors that name
// the key, where it was set and what to write instead.
package config

import "clusir/internal/dataset"

// Config holds every setting. The key of a field is its yaml name, prefixed by the
// names of the enclosing structs: train.lr.
type Config struct {
	// Data is the folder that holds Train/ and test/.
	Data string `yaml:"data"`
	// Device is auto (a GPU if there is one), cpu, cuda or cuda:N; for training also
	// several, such as cuda:0,cuda:1.
	Device string `yaml:"device"`
	// Precision is what matrix products round their operands to: float32, tf32 or bf16;
	// the CPU has no tf32. Auto means tf32 for training on a GPU, else float32.
	Precision string `yaml:"precision"`
	// Threads is the number of processor threads, 0 for all.
	Threads int `yaml:"threads"`
	// Model is the network to train.
	Model Model `yaml:"model"`
	// Tasks are what it is trained for; a file's list replaces the whole list below it.
	Tasks []dataset.Task `yaml:"tasks"`
	Train Train          `yaml:"train"`
	Eval  Eval           `yaml:"eval"`
}

// Train is the recipe. Intervals are in optimiser steps; 0 means never.
type Train struct {
	Seed uint64 `yaml:"seed"`
	// Epochs or Steps is the length of the run: the one set at the higher level counts,
	// and steps if both are set at the same level.
	Epochs int `yaml:"epochs"`
	Steps  int `yaml:"steps"`
	// Batch is the number of samples per step, computed in Accumulate consecutive
	// parts.
	Batch      int `yaml:"batch"`
	Accumulate int `yaml:"accumulate"`
	// Vary makes some samples different from those of data sets: see package dataset.
	Vary dataset.Vary `yaml:"vary"`
	// Patch is the side of the square crops.
	Patch int `yaml:"patch"`
	// Rotate adds quarter turns to the flips.
	Rotate bool `yaml:"rotate"`

	// Optimizer is adam, the paper's, or muon: Muon for matrices, Adam for the rest.
	Optimizer string `yaml:"optimizer"`
	// LR is the learning rate after Warmup steps.
	LR     float64 `yaml:"lr"`
	Warmup int     `yaml:"warmup"`
	// Schedule is constant, halve (once, after HalveAfter epochs) or cosine (down to
	// MinLR at the end).
	Schedule   string  `yaml:"schedule"`
	HalveAfter int     `yaml:"halve_after"`
	MinLR      float64 `yaml:"min_lr"`

	// The weights of the objective; the mean absolute difference has weight 1.
	MSSSIMWeight        float64 `yaml:"ms_ssim_weight"`
	OrthogonalityWeight float64 `yaml:"orthogonality_weight"`
	// RelativeError weights each sample by the inverse of its degradation, so that the
	// share of it that is left counts; otherwise low light and haze, whose errors are
	// large and uniform over a whole image, drown noise and blur.
	RelativeError bool `yaml:"relative_error"`
	// SmoothL1 is the difference of values in 0..1, after RelativeError has weighted it,
	// below which errors count by their square: β of the smooth ℓ1 loss, 0 for none.
	SmoothL1 float64 `yaml:"smooth_l1"`
	// BalanceWeight is the weight of the term that balances the use of clusters and experts.
	BalanceWeight float64 `yaml:"balance_weight"`

	// EMA is the decay of the moving average of the weights, 0 for none.
	EMA float64 `yaml:"ema"`
	// GradClip is the largest norm of the whole gradient, 0 for no limit.
	GradClip float64 `yaml:"grad_clip"`
	// Recompute saves memory: activations within a block are recomputed for its
	// gradient.
	Recompute bool `yaml:"recompute"`
	// SyncBatchNorm computes BatchNorm's statistics and the balance term, which depend
	// on the whole batch, over the samples of all ranks; otherwise each rank uses its
	// own.
	SyncBatchNorm bool `yaml:"sync_batchnorm"`

	// CacheMB is the memory for decoded images, in MiB.
	CacheMB int `yaml:"cache_mb"`
	// Clean names the folders of clean photographs that degradations are made from;
	// none means Train/Denoise.
	Clean []string `yaml:"clean"`
	// Exclude names text files that list images to leave out of training. Relative paths
	// are relative to Data.
	Exclude []string `yaml:"exclude"`
	// KeepOverlaps also trains on images that are in a test set.
	KeepOverlaps bool `yaml:"keep_overlaps"`
	// IgnoreLists uses every image, ignoring the lists next to the data.
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
	Benchmarks dataset.List `yaml:"benchmarks"`
	// BenchmarkFile is a YAML file with the user's own benchmarks for training. Its
	// path is relative to the folder of the configuration that names it, or to the
	// working directory if it is set elsewhere.
	BenchmarkFile string `yaml:"benchmark_file"`
	// Protocol is promptir (SSIM over a uniform 7×7 window) or gaussian
	// (11×11, σ 1.5).
	Protocol string `yaml:"protocol"`
	// Seed is the seed of the noise benchmarks.
	Seed uint64 `yaml:"seed"`
	// YChannel measures luma instead of RGB.
	YChannel bool `yaml:"y_channel"`
}

// Default returns the paper's recipe, without data or tasks.
func Default() Config {
	return Config{
		Device: "auto", Precision: "auto",
		Model: variant("base"),
		Train: Train{
			Epochs: 150, Batch: 48, Accumulate: 1, Patch: 128,
			Optimizer: "adam", LR: 2e-4, Schedule: "halve", HalveAfter: 75,
			// The paper does not say; the weights are ours.
			MSSSIMWeight: 0.2, OrthogonalityWeight: 0.01,
			CacheMB: 2048, LogInterval: 50, CheckpointInterval: 1000, ValidationInterval: 5000,
		},
		Eval: Eval{Protocol: "promptir"},
	}
}
