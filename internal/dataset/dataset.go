// Package dataset turns folders of images into training batches and
// benchmarks.
//
// It reads the layout that the PromptIR family of projects left on people's
// disks (Train/Denoise, Train/Derain/{rainy,gt}, ..., test/...; see
// scripts/DATASETS.md) and says in a [Report] what it found, what it skipped
// and why. [Open] gives a [Set] of training samples, [Set.Load] delivers them
// in batches, decoded in parallel and ahead; a [Catalog] opens benchmarks.
//
// A training sample depends on (seed, epoch, index) alone: each one draws from
// a generator of its own, so the number of workers, their order and where a run
// was resumed change nothing.
package dataset
