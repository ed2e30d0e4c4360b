package cpu

import (
	"os"
	"os/exec"
	"testing"
)

// TestFusion compares each fused operation with its separate passes. With
// CLUSIR_TIME_FUSION=RUNS it times both (make bench-fusion).
func TestFusion(t *testing.T) {
	for _, isa := range isas {
		t.Run(isa, func(t *testing.T) {
			open(t, 1, isa)
			program := buildProgram(t, isa, "testdata/fusion.cc", "pool.cc")
			out, err := exec.Command(program, "check").CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if runs := os.Getenv("CLUSIR_TIME_FUSION"); runs != "" {
				out, err := exec.Command(program, "time", runs).CombinedOutput()
				t.Logf("%v\n%s", err, out)
			}
		})
	}
}
