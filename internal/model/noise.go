package model

// Noise gives ε of Eq. 7, standard normal: it perturbs the prompts in training.
type Noise interface {
	// Epsilon returns [B,N,D] for the samples of the batch at a stage, which
	// counts from 0.
	Epsilon(stage, B, N, D int) []float32
}

// Gaussian is the noise of one training step. It depends on the seed, the
// step, the sample's index in the global batch and the stage, so it is the
// same whatever the number of devices or micro-batches.
type Gaussian struct {
	Seed  uint64
	Step  int
	First int // index in the global batch of the first sample here
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
