package bench

import "testing"

func TestHighWater(t *testing.T) {
	for _, c := range []struct {
		status string
		want   int64
	}{
		{"Name:\tclusir\nVmPeak:\t  900 kB\nVmHWM:\t   13644 kB\nVmRSS:\t 5 kB\n", 13644 << 10},
		{"VmHWM:\tmuch\n", 0},
		{"Name:\tclusir\n", 0},
	} {
		if got := highWater([]byte(c.status)); got != c.want {
			t.Errorf("%q: %d, want %d", c.status, got, c.want)
		}
	}
}

// TestPeakRSS: memory that was touched counts, even after it is gone, until the reset.
func TestPeakRSS(t *testing.T) {
	resetPeakRSS()
	resetPeakRSS() // the first one of a process keeps the past
	before := peakRSS()
	const size = 64 << 20
	block := make([]byte, size)
	for i := range block {
		block[i] = byte(i)
	}
	peak := peakRSS()
	if before <= 0 || peak < before+size/2 {
		t.Errorf("%d bytes before and %d after touching %d", before, peak, size)
	}
	block = nil
	_ = block
	if peakRSS() < peak {
		t.Error("the peak fell by itself")
	}
}
