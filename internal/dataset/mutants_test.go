package dataset

import (
	"os"
	"path/filepath"
	"testing"

	"clusir/internal/sharedtest"
)

// TestMutants reads damaged benchmark files and lists of names.
func TestMutants(t *testing.T) {
	catalogs := sharedtest.Reader{Name: "benchmarks", Seeds: [][]byte{standardYAML,
		[]byte("benchmarks: {a: {clean: [x, y], sigmas: [15]}}\ngroups: {g: [a]}")}, Read: func(text []byte) error {
		c := Standard()
		if err := c.add(text, true); err != nil {
			return err
		}
		for _, name := range c.Names() {
			if _, err := c.Resolve(name); err != nil {
				return err
			}
		}
		return nil
	}}
	catalogs.Try(t)
	path := filepath.Join(t.TempDir(), "list.txt")
	lists := sharedtest.Reader{Name: "list", Seeds: [][]byte{[]byte("rainy/rain-1.png\n# none\n\r\n a117025.jpg \n"),
		[]byte("\ufeffdir\\00001.bmp\n")}, Read: func(text []byte) error {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		l, err := readList(path)
		if err == nil {
			l.find("00001.bmp")
			l.unseen()
		}
		return err
	}}
	lists.Try(t)
}
