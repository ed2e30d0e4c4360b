package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clusir/internal/restore"
)

// fixtures are pictures of every format, and files that are none.
const fixtures = "../../internal/imageio/testdata"

// badInputs fills a folder with files that cannot be restored: the broken ones
// of package imageio, and real pictures cut at several places.
func badInputs(t *testing.T, dir string) (names []string) {
	t.Helper()
	put := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	for _, path := range glob(t, fixtures+"/bad/*") {
		put(filepath.Base(path)+".png", contentsOf(t, path)) // formats are told by contents
	}
	for _, path := range glob(t, fixtures+"/*_*.[jptbw]*") {
		data, name := contentsOf(t, path), filepath.Base(path)
		if strings.HasSuffix(name, ".expected.png") {
			continue
		}
		for cut, n := range map[string]int{"head": 30, "quarter": len(data) / 4, "half": len(data) / 2, "most": len(data) * 3 / 4} {
			put(cut+"-"+name, data[:n])
		}
	}
	return names
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
	}
	return paths
}

func contentsOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestBadInputs restores a folder of files that are no pictures, by the command
// line as a user does: each is told of by its name, the run ends with 1, and no
// file is left.
func TestBadInputs(t *testing.T) {
	for _, flags := range [][]string{nil, {"--tile", "128", "--max-memory", "400MB", "--compare"}} {
		in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
		names := badInputs(t, in)
		if len(names) < 120 {
			t.Fatalf("only %d bad inputs", len(names))
		}
		args := []string{"restore", in, "-o", out, "--json"}
		if flags != nil {
			args = append(args, append(flags, filepath.Join(out, "compare"))...)
		}
		var stdout, stderr bytes.Buffer
		ended := make(chan int, 1)
		go func() { ended <- run(args, &stdout, &stderr) }()
		select {
		case code := <-ended:
			if code != exitError {
				t.Errorf("%v: exit code %d", flags, code)
			}
		case <-time.After(5 * time.Minute):
			t.Fatalf("%v: it hangs", flags)
		}
		told := map[string]string{}
		for d := json.NewDecoder(&stdout); d.More(); {
			var r restore.Record
			if err := d.Decode(&r); err != nil {
				t.Fatal(err)
			}
			told[filepath.Base(r.Input)] = r.Error
		}
		for _, name := range names {
			if !strings.Contains(told[name], name) || !strings.Contains(stderr.String(), name) {
				t.Errorf("%v: of %s it says %q", flags, name, told[name])
			}
		}
		if strings.Contains(stderr.String(), "internal error") || strings.Contains(stderr.String(), "decoder failed") {
			t.Errorf("%v: %s", flags, &stderr)
		}
		err := filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				t.Errorf("%v: %s is left", flags, path)
			}
			return nil // no folder is as good as an empty one
		})
		if err != nil {
			t.Error(err)
		}
	}
}
