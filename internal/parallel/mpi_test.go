package parallel

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/sharedtest"
)

// TestMPI builds this package's tests with MPI and runs TestWorld on three ranks.
func TestMPI(t *testing.T) {
	sharedtest.MPI(t)
	binary := filepath.Join(t.TempDir(), "parallel.test")
	if out, err := exec.Command("go", "test", "-c", "-tags", "mpi", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := sharedtest.Mpirun(t, 3, nil, binary, "-test.run=^TestWorld$", "-test.v").CombinedOutput()
	if err != nil || strings.Count(string(out), "of 3 conforms") != 3 {
		t.Errorf("%v\n%s", err, out)
	}
}
