package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fence is a fenced part of a document.
type fence struct{ language, file, text string }

// fences finds the fenced parts: "```yaml photos.yaml" is one that a file holds.
func fences(text string) (found []fence) {
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		found = append(found, fence{m[1], m[2], m[3]})
	}
	return found
}

var (
	weightsOf = regexp.MustCompile(`weights [0-9a-f]+`)
	fractions = regexp.MustCompile(`[-+]?[0-9]+\.[0-9]+`)
)

// shape is what of an output depends neither on the machine nor on the weights:
// its words.
func shape(text string) string {
	text = regexp.MustCompile(`on cpu \w+`).ReplaceAllString(weightsOf.ReplaceAllString(text, "W"), "D")
	text = regexp.MustCompile(`[-+]?[0-9]+(\.[0-9]+)?`).ReplaceAllString(text, "N")
	text = regexp.MustCompile(`─+`).ReplaceAllString(text, "─")
	return strings.Join(strings.Fields(text), " ")
}

// sameNumbers compares what is measured, as far as instruction sets agree.
// Times have no fraction.
func sameNumbers(a, b string) bool {
	x, y := fractions.FindAllString(a, -1), fractions.FindAllString(b, -1)
	return slices.EqualFunc(x, y, func(a, b string) bool {
		u, errU := strconv.ParseFloat(a, 64)
		v, errV := strconv.ParseFloat(b, 64)
		return errU == nil && errV == nil && math.Abs(u-v) < 0.011
	})
}

// TestEvalDoc runs the examples of docs/eval.md in the order in which they
// stand, and holds what it shows of their output to its words, and to its
// numbers as long as the document is about the weights that are in the binary.
func TestEvalDoc(t *testing.T) {
	doc, err := os.ReadFile("../../docs/eval.md")
	if err != nil {
		t.Fatal(err)
	}
	weights, pictures := absolute(t, "../../weights/nano.safetensors"), absolute(t, "../../testdata/images")
	t.Chdir(t.TempDir())
	copyFile(t, weights, "runs/mine/best.safetensors")
	for _, name := range []string{"astronaut", "chelsea", "coffee"} {
		copyFile(t, filepath.Join(pictures, name+".png"), filepath.Join("photos", name+".png"))
	}
	copyFile(t, filepath.Join(pictures, "chelsea.png"), "data/test/denoise/bsd68/chelsea.png")
	ran, numbers := 0, false
	for _, b := range fences(string(doc)) {
		if b.file != "" {
			writeFile(t, b.file, b.text)
		}
		if b.language != "console" {
			continue
		}
		for _, example := range strings.Split(b.text, "$ ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			got := runExample(t, command)
			ran++
			if w := weightsOf.FindString(got); w != "" {
				numbers = strings.Contains(string(doc), w)
			}
			if want != "" && (shape(got) != shape(want) || numbers && !sameNumbers(got, want)) {
				t.Errorf("%s prints\n%s\nand the document says\n%s", command, got, want)
			}
		}
	}
	if ran < 9 {
		t.Errorf("%d examples ran: the document's form has changed", ran)
	}
}

func runExample(t *testing.T, command string) string {
	t.Helper()
	var stdout, stderr strings.Builder
	args := words(command)
	if args[0] != "clusir" {
		t.Fatalf("%s: not a command of ours", command)
	}
	if code := run(args[1:], &stdout, &stderr); code != exitOK {
		t.Fatalf("%s: exit code %d, %s", command, code, &stderr)
	}
	return stdout.String()
}

// words splits a command line; single quotes keep words together.
func words(line string) (args []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			args = append(args, part)
		} else {
			args = append(args, strings.Fields(part)...)
		}
	}
	return args
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, string(text))
}
