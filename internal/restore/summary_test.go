package restore

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestExplainedName: a name cannot command the terminal.
func TestExplainedName(t *testing.T) {
	var out bytes.Buffer
	Result{Job: Job{In: "a\x1b[2J.png", Map: "a\n.affinity.png"}, W: 8, H: 8}.Explain(&out, nil)
	if text := out.String(); !strings.HasPrefix(text, `a\x1b[2J.png: 8×8`) || !strings.HasSuffix(text, `affinity map: a\n.affinity.png`+"\n") {
		t.Errorf("%q", text)
	}
}

func TestLeftAlone(t *testing.T) {
	for want, types := range map[string]map[string]int{
		"1 other file left alone (1 without an extension)": {"": 1},
		"4 other files left alone (3 .txt, 1 .cr2)":        {".cr2": 1, ".txt": 3},
		"9 other files left alone (3 .g, 2 .a, 1 .b, 1 .c, 1 .d, 1 of other types)": {
			".g": 3, ".a": 2, ".b": 1, ".c": 1, ".d": 1, ".e": 1},
	} {
		if got := leftAlone(types); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestSummary: the summary counts all outcomes.
func TestSummary(t *testing.T) {
	s := Summary{Restored: 3, Failed: 1, Pixels: 4e6, Time: 2 * time.Second}
	p := &Plan{Skipped: make([]Job, 2), Ignored: map[string]int{".txt": 1}}
	var out bytes.Buffer
	s.writeText(&out, p)
	want := "3 pictures restored, 2 skipped, 1 failed, 1 other file left alone (1 .txt) in 2.0 s (1.50 images/s, 2.00 megapixels/s)\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if err := s.err(); err == nil || !strings.HasPrefix(err.Error(), "1 of 4 pictures ") {
		t.Errorf("the error is %v", err)
	}
	if err := (Summary{Restored: 1}).err(); err != nil {
		t.Error(err)
	}
}
