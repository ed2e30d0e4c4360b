package cpu

import (
	"math"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clusir/internal/kernels"
)

// TestTilesAndSignals: if a signal arrives on a thread in the middle of a product, the
// system saves the thread's tiles on its signal stack and restores them. Go sends such
// signals to preempt goroutines.
func TestTilesAndSignals(t *testing.T) {
	b := openBF16(t, 3, "amx")
	x, w, y := random(b, 1, 96, 32, 64), random(b, 70, 96, 3, 3), b.Alloc(1, 70, 32, 64)
	b.Conv3x3(y, x, w)
	want := slices.Clone(Floats(y))
	var sent atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Error(err)
			return
		}
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			id, _ := strconv.Atoi(threads[i%len(threads)].Name())
			if syscall.Tgkill(os.Getpid(), id, syscall.SIGURG) == nil {
				sent.Add(1)
			}
		}
	}()
	for begin := time.Now(); time.Since(begin) < 300*time.Millisecond || sent.Load() < 1000; {
		b.Fill(y, 0)
		b.Conv3x3(y, x, w)
		if !slices.Equal(Floats(y), want) {
			t.Fatalf("after %d signals a product differs", sent.Load())
		}
	}
	close(stop)
	<-stopped
	t.Logf("%d signals", sent.Load())
}

// TestTilesOfAnyShape: products whose rows, columns and depth K do not fill their tiles
// equal those of AVX512-BF16 or of the portable form.
func TestTilesOfAnyShape(t *testing.T) {
	tiles, plain := openBF16(t, 2, "amx"), openBF16(t, 2, "portable")
	for _, M := range []int{1, 3, 15, 16, 17, 31, 32, 33, 47, 50, 70} {
		for _, K := range []int{1, 2, 31, 32, 33, 47, 64, 95} {
			for _, side := range [][2]int{{1, 1}, {3, 5}, {4, 4}, {7, 7}, {6, 17}} {
				x, w1, w3 := random(tiles, 1, K, side[0], side[1]), random(tiles, M, K), random(tiles, M, K, 3, 3)
				run := func(b *Backend) (y1, y3 kernels.Tensor) {
					y1, y3 = b.Alloc(1, M, side[0], side[1]), b.Alloc(1, M, side[0], side[1])
					b.Conv1x1(y1, w1, kernels.Tensor{}, x)
					b.Conv3x3(y3, x, w3)
					return y1, y3
				}
				got1, got3 := run(tiles)
				want1, want3 := run(plain)
				if d := farthest(got1, want1); !(d <= 1e-4) {
					t.Errorf("Conv1x1 of %d by %d at %v is off by %g", M, K, side, d)
				}
				if d := farthest(got3, want3); !(d <= 3e-4) {
					t.Errorf("Conv3x3 of %d by %d at %v is off by %g", M, K, side, d)
				}
			}
		}
	}
}

func farthest(a, b kernels.Tensor) float64 {
	most := 0.0
	for i, v := range Floats(a) {
		most = max(most, math.Abs(float64(v)-float64(Floats(b)[i])))
	}
	return most
}
