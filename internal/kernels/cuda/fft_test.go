//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"testing"
)

// Lines that do not fit into shared memory: a wave along them has one line in its
// spectrum, and the inverse restores it.
func TestLongFFT(t *testing.T) {
	const n, waves = 10500, 7 // 2²·3·5³·7
	for _, s := range []struct{ H, W int }{{2, n}, {n, 2}} {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			b := open(t, Options{Debug: true})
			size := math.Sqrt(float64(s.H * s.W))
			v, want := make([]float32, s.H*s.W), make([]float64, 2*s.H*(s.W/2+1))
			for i := range v { // the same in both short lines
				along := i % s.W
				if s.H == n {
					along = i / s.W
				}
				v[i] = float32(math.Cos(2 * math.Pi * waves * float64(along) / n))
			}
			if s.W == n {
				want[waves] = size / 2
			} else {
				want[waves*2], want[(n-waves)*2] = size/2, size/2
			}
			x, z, back := b.Alloc(1, 1, s.H, s.W), b.Alloc(1, 2, s.H, s.W/2+1), b.Alloc(1, 1, s.H, s.W)
			b.Upload(x, v)
			b.RFFT2(z, x, 1, false)
			b.IRFFT2(back, z, 1, false)
			spectrum, again := downloaded(b, z), downloaded(b, back)
			if err := b.Sync(); err != nil {
				t.Fatal(err)
			}
			near(t, "the spectrum", spectrum, want)
			same := make([]float64, len(v))
			for i, x := range v {
				same[i] = float64(x)
			}
			near(t, "the inverse", again, same)
		})
	}
}
