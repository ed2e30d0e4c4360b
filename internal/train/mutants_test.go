package train

import (
	"os"
	"path/filepath"
	"testing"

	"clusir/internal/sharedtest"
)

// TestMutants reads damaged logs and plots the curves of those that can be read.
func TestMutants(t *testing.T) {
	const first = `{"step":1,"loss":0.5,"l1":0.4,"entropy":[1,0.5],"time":"2026-01-01T00:00:00Z"}` + "\n"
	const second = `{"step":2,"loss":1e3,"validation":[{"name":"a","value":30}],"time":"2026-01-01T00:01:00Z"}` + "\n"
	path := filepath.Join(t.TempDir(), "log.jsonl")
	r := sharedtest.Reader{Name: "log", Seeds: [][]byte{[]byte(first + second), []byte(second)}, Read: func(text []byte) error {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		entries, err := ReadLog(path)
		Courses(entries)
		return err
	}}
	r.Try(t)
}
