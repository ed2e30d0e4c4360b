package model

// Noise provides ε of Eq. 7, standard normal, which perturbs the prompts in training.
type Noise interface {
	// Epsilon returns [B,N,D] for the samples of the batch at a stage, counted from 0.
	Epsilon(stage, B, N, D int) []float32
}

// Gaussian is the noise of one training step. It depends on the seed, the step, the
// sample's index in the global batch and the stage, so the number of devices or
// micro-batches does not change it.
type Gaussian struct {
	Seed  uint64
	Step  int
	First int // index of the first sample in the global batch
}

// Epsilon implements Noise.
func (g Gaussian) Epsilon(stage, B, N, D int) []float32 {
	eps := make([]float32, 0, B*N*D)
	for b := range B {
		s := newStream(g.Seed, uint64(g.Step), uint64(g.First+b), uint64(stage))
		for i := range N * D {
			eps = append(eps, float32(s.normal(i)))
		}
	}
	return eps
}
