package dataset

import (
	"hash/fnv"
	"math/rand/v2"
)

// newRand returns a generator that depends only on words. Every sample, permutation and
// noise field has its own, identified by words such as (seed, epoch, index), so that
// nothing depends on the order of computation.
func newRand(words ...uint64) *rand.Rand {
	h := uint64(0x9e3779b97f4a7c15)
	for _, w := range words {
		h = mix(h ^ mix(w+0x9e3779b97f4a7c15))
	}
	return rand.New(rand.NewPCG(h, mix(h)))
}

// mix is the finaliser of SplitMix64: a bijection that spreads every bit.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hashString turns a name into a word for newRand.
func hashString(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}
