// Package dataset turns folders of images into training batches and benchmarks.
//
// It reads the layout that the PromptIR family of projects uses (Train/Denoise,
// Train/Derain/{rainy,gt}, ..., test/...; see scripts/DATASETS.md) and lists in a
// [Report] what it found, what it skipped and why. [Open] returns a [Set] of training
// samples; [Set.Load] delivers them in batches, decoded in parallel and in advance; a
// [Catalog] opens benchmarks.
//
// A training sample depends only on (seed, epoch, index): each one has its own
// generator, so the number of workers, their order and the step at which a run was
// resumed make no difference.
package dataset
