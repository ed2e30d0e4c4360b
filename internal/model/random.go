package model

import "math"

// stream is a counter-based generator: number i is a hash of the stream's key and i, so
// that neither the order nor the thread of a draw matters. The hash is SplitMix64's.
type stream uint64

const increment = 0x9e3779b97f4a7c15

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// newStream returns the stream of a tuple of numbers such as (seed, step, sample).
func newStream(key ...uint64) stream {
	h := uint64(0)
	for _, k := range key {
		h = mix(h + increment + mix(k))
	}
	return stream(h)
}

func newNamedStream(seed uint64, name string) stream {
	key := []uint64{seed}
	for _, c := range []byte(name) {
		key = append(key, uint64(c))
	}
	return newStream(key...)
}

// uniform returns number i of the uniform distribution on [0, 1).
func (s stream) uniform(i int) float64 {
	return float64(mix(uint64(s)+uint64(i+1)*increment)>>11) / (1 << 53)
}

// normal returns number i of the standard normal distribution (Box-Muller); numbers 2j
// and 2j+1 have the same radius.
func (s stream) normal(i int) float64 {
	r := math.Sqrt(-2 * math.Log(1-s.uniform(i&^1)))
	sin, cos := math.Sincos(2 * math.Pi * s.uniform(i|1))
	if i&1 == 0 {
		return r * cos
	}
	return r * sin
}
