package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clusir/internal/sharedtest"
)

// measuringScene gives the examples of docs/eval.md a benchmark and a second network.
func measuringScene(t *testing.T, s shell) {
	root := sharedtest.Root(t)
	copyFile(t, filepath.Join(root, "weights", "nano.safetensors"), filepath.Join(s.dir, "runs", "mine", "best.safetensors"))
	pictures := filepath.Join(root, "testdata", "images")
	for _, name := range []string{"astronaut", "chelsea", "coffee"} {
		copyFile(t, filepath.Join(pictures, name+".png"), filepath.Join(s.dir, "photos", name+".png"))
	}
	copyFile(t, filepath.Join(pictures, "chelsea.png"), filepath.Join(s.dir, "data", "test", "denoise", "bsd68", "chelsea.png"))
}

// refereeScene gives the examples of docs/referee.md Pillow and photographs, one of
// them from Kodak24.
func refereeScene(t *testing.T, s shell) {
	if _, stderr, err := s.command("python3 -c 'import PIL'"); err != nil {
		sharedtest.Absent(t, fmt.Errorf("Pillow is needed: %w: %s", err, stderr))
	}
	pictures := filepath.Join(sharedtest.Root(t), "testdata", "images")
	for _, name := range []string{"astronaut", "chelsea", "coffee"} {
		copyFile(t, filepath.Join(pictures, name+".png"), filepath.Join(s.dir, "photos", name+".png"))
	}
	copyFile(t, filepath.Join(pictures, "coffee.png"), filepath.Join(s.dir, "data", "test", "denoise", "kodak24", "coffee.png"))
}

// measures compares what commands print with what a document shows, if anything: the
// text, and the numbers as long as the document describes the weights that were
// measured last.
type measures struct {
	document string
	current  bool
}

func (m *measures) same(want, got string) bool {
	if w := weightsOf.FindString(got); w != "" {
		m.current = strings.Contains(m.document, w)
	}
	return want == "" || shape(got) == shape(want) && (!m.current || sameNumbers(got, want))
}

var (
	weightsOf = regexp.MustCompile(`weights [0-9a-f]+`)
	fractions = regexp.MustCompile(`[-+]?[0-9]+\.[0-9]+`)
)

// shape returns the part of an output that depends neither on the machine nor on the
// weights: its words.
func shape(text string) string {
	text = regexp.MustCompile(`on cpu \w+`).ReplaceAllString(weightsOf.ReplaceAllString(text, "W"), "D")
	text = regexp.MustCompile(`[-+]?[0-9]+(\.[0-9]+)?`).ReplaceAllString(text, "N")
	text = regexp.MustCompile(`─+`).ReplaceAllString(text, "─")
	return strings.Join(strings.Fields(text), " ")
}

// sameNumbers compares measured values, as far as instruction sets agree. Times have no
// fraction.
func sameNumbers(a, b string) bool {
	x, y := fractions.FindAllString(a, -1), fractions.FindAllString(b, -1)
	return slices.EqualFunc(x, y, func(a, b string) bool {
		u, errU := strconv.ParseFloat(a, 64)
		v, errV := strconv.ParseFloat(b, 64)
		return errU == nil && errV == nil && math.Abs(u-v) < 0.011
	})
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, string(text))
}
