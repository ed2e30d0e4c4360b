package degrade

import "math/rand/v2"

// Noise adds white Gaussian noise to 8-bit values by the usual protocol of the field:
// clip(clean + σ·n, 0, 255) stored as uint8 by truncation, n standard normal. sigma is
// in units of 1/255. dst and src may be the same slice.
func Noise(dst, src []uint8, sigma float64, rng *rand.Rand) {
	for i, v := range src {
		x := float64(v) + sigma*rng.NormFloat64()
		dst[i] = uint8(min(max(x, 0), 255))
	}
}
