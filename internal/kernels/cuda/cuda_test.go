package cuda

import (
	"strings"
	"testing"
)

func TestParsePrecision(t *testing.T) {
	for _, p := range precisions {
		if got, err := ParsePrecision(string(p)); got != p || err != nil {
			t.Errorf("ParsePrecision(%q) = %q, %v", p, got, err)
		}
	}
	if _, err := ParsePrecision("fp16"); err == nil || !strings.Contains(err.Error(), "use float32, tf32 or bf16") {
		t.Errorf("ParsePrecision(fp16): %v", err)
	}
}

func TestInfoString(t *testing.T) {
	i := Info{Index: 1, Name: "A100 ", Major: 8, Memory: 40 << 30, Driver: "13.0"}
	if got, want := i.String(), "cuda:1  A100, compute capability 8.0, 40.0 GiB, driver for CUDA 13.0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
