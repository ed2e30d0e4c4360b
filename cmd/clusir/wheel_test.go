package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"clusir/internal/sharedtest"
)

// TestPythonPackage runs the tests of the Python package with this program.
func TestPythonPackage(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import numpy").CombinedOutput(); err != nil {
		sharedtest.Absent(t, fmt.Errorf("numpy is needed: %w: %s", err, out))
	}
	root := sharedtest.Root(t)
	s := newShell(t, root)
	cmd := exec.Command("python3", "-m", "unittest", "-q", "test_clusir")
	cmd.Dir = filepath.Join(root, "wheel", "tests")
	cmd.Env = append(os.Environ(), "CLUSIR_PROGRAM="+filepath.Join(s.bin, "clusir"),
		"PYTHONPATH="+filepath.Join(root, "wheel", "src"), "PYTHONDONTWRITEBYTECODE=1", "PYTHONWARNINGS=error")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
