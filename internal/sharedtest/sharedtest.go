// Package sharedtest finds the data that tests need but the repository does not
// contain: golden vectors, benchmark images.
//
// The folder is named by the environment variable CLUSIR_SHARED, by default ../shared
// next to the repository. A test whose data or program is absent is skipped with the
// reason, except under CLUSIR_REQUIRE_SHARED=1, where it fails.
package sharedtest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Shared returns the path of a file or folder in the shared data, e.g.
// "golden/small.safetensors".
func Shared(t testing.TB, rel string) string {
	t.Helper()
	path, err := locate(os.Getenv("CLUSIR_SHARED"), rel)
	if err != nil {
		Absent(t, err)
		return ""
	}
	return path
}

// Absent skips a test that lacks what err names, or fails it if everything is required.
func Absent(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CLUSIR_REQUIRE_SHARED") == "1" {
		t.Fatal(err)
	} else {
		t.Skip(err)
	}
}

// Root returns the repository's root: the nearest parent of the working folder that
// contains go.mod. Go runs a test in its package's folder.
func Root(t testing.TB) string {
	t.Helper()
	root, err := root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func locate(dir, rel string) (string, error) {
	if dir == "" {
		r, err := root()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(r, "..", "shared")
	}
	path := filepath.Join(dir, filepath.FromSlash(rel))
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("shared data is absent (%w): set CLUSIR_SHARED to the folder that holds %s", err, rel)
	}
	return path, nil
}

func root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod in %s or above it", start)
		}
	}
}
