package sharedtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "golden"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := locate(dir, "golden"); err != nil || got != filepath.Join(dir, "golden") {
		t.Errorf("locate = %q, %v", got, err)
	}
	_, err := locate(dir, "golden/absent.bin")
	if err == nil || !strings.Contains(err.Error(), "CLUSIR_SHARED") {
		t.Errorf("an absent file must be an error that names CLUSIR_SHARED, got %v", err)
	}
}

func TestRoot(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(Root(t), "go.mod"))
	if err != nil || !strings.HasPrefix(string(b), "module clusir\n") {
		t.Errorf("Root has no go.mod of module clusir: %v", err)
	}
}

// recorder stands in for a test, to record whether Shared skips or fails it.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()     {}
func (r *recorder) Skip(...any) { r.skipped = true }
func (r *recorder) Fatal(...any) {
	r.failed = true
}

func TestSharedSkipsOrFails(t *testing.T) {
	t.Setenv("CLUSIR_SHARED", t.TempDir())
	for _, c := range []struct {
		require         string
		skipped, failed bool
	}{{"", true, false}, {"1", false, true}} {
		t.Setenv("CLUSIR_REQUIRE_SHARED", c.require)
		r := &recorder{TB: t}
		Shared(r, "absent")
		if r.skipped != c.skipped || r.failed != c.failed {
			t.Errorf("CLUSIR_REQUIRE_SHARED=%q: skipped %v, failed %v", c.require, r.skipped, r.failed)
		}
	}
}
