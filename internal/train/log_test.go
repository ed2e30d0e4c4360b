package train

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/draw"
	"clusir/internal/eval"
	"clusir/internal/model"
)

func readLogText(t testing.TB, text string) ([]Entry, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return ReadLog(path)
}

func TestReadLog(t *testing.T) {
	const good = `{"step":1,"loss":0.5,"l1":0.4,"time":"2026-01-01T00:00:00Z"}` + "\n"
	for _, c := range []struct {
		text, want string
		entries    int
	}{
		{good + good, "", 2}, {good + good[:30], "", 1}, {"", "", 0},
		{good[:30], "", 0}, {good[:3], "", 0}, {`{"stop`, "not a training log", 0}, {"text", "not a training log", 0},
		{good + good[:len(good)-1], "", 1}, {good + good[:30] + "\n", "", 1}, {good + good[:30] + "\n" + good, "log.jsonl: line 2", 0}, {good[:30] + "\n" + good, "log.jsonl: not a line", 0}, {good + "[]\n", "log.jsonl: line 2", 0},
		{`{"step":-1}` + "\n", "step -1", 0}, {`{"entropy":[` + strings.Repeat("1,", 300) + "1]}\n", "301 stages", 0},
	} {
		got, err := readLogText(t, c.text)
		if len(got) != c.entries || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: %d entries, %v; want %d, %q", c.text, len(got), err, c.entries, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "train.Entry") {
			t.Errorf("the error names a Go type: %v", err)
		}
	}
}

// TestOpenLines continues a log after a step: the lines of a killed run are made again,
// and damaged lines are not discarded.
func TestOpenLines(t *testing.T) {
	one, two := `{"step":1,"loss":0.5}`+"\n", `{"step":2,"loss":0.4}`+"\n"
	start, after := `{"step":0,"validation":[{"name":"a","value":30}]}`+"\n", `{"step":2,"validation":[{"name":"a","value":31}]}`+"\n"
	for _, c := range []struct {
		text      string
		step      int
		keep, err string
	}{
		{start + one, never, "", ""}, {start + one, 1, start + one, ""}, {start + one + two + after, 2, start + one + two + after, ""},
		{"", 0, "", ""}, {one + two, 0, "", ""}, {one + two, 1, one, ""}, {one + two, 2, one + two, ""}, {one + two[:9], 2, one, ""},
		{one + strings.TrimSpace(two), 2, one, ""}, {one[:2], 2, "", ""}, {one + "\x00\x00", 2, one, ""},
		{one + "\x00\n" + two, 2, "", "log.jsonl: line 2: not a line of a training log"}, {"\x00\x00", 2, "", "log.jsonl: not a training log"},
	} {
		path := filepath.Join(t.TempDir(), "log.jsonl")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := openLines(path, max(c.step, 0), c.step)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), "repair or remove it") {
				t.Errorf("%q: %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		err = errors.Join(f.Add(Entry{Step: 9}), f.Close())
		got, _ := os.ReadFile(path)
		if rest, ok := strings.CutPrefix(string(got), c.keep); err != nil || !ok || !strings.HasPrefix(rest, `{"step":9,`) {
			t.Errorf("%q after step %d: %v, left %q, want %q and a line", c.text, c.step, err, got, c.keep)
		}
	}
}

// TestOpenLinesRefused: a log that the system does not open needs no repair.
func TestOpenLinesRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := openLines(filepath.Join(file, "log.jsonl"), 0, 0)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write ") || strings.Contains(err.Error(), "repair") {
		t.Errorf("got %v", err)
	}
}

// FuzzLog plots every log that is accepted.
func FuzzLog(f *testing.F) {
	f.Add(`{"step":1,"loss":1e308,"time":"2026-01-01T00:00:00Z"}` + "\n" + `{"step":2,"loss":-1e308,"time":"2026-01-01T00:00:00Z"}` + "\n")
	f.Add(`{"step":9000000000000000000,"loss":1,"entropy":[1,0.5],"validation":[{"name":"a","value":30}],"time":"2026-01-01T00:00:00Z"}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := readLogText(t, text)
		if err != nil || len(entries) > 100 {
			return
		}
		for _, c := range Courses(entries) {
			c.Width, c.Height = 200, 100
			s := draw.Sheet{Rows: [][]draw.Panel{{c}}}
			if err := s.PNG(io.Discard); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestPace: a run's line shows the means of its last steps, which begin with the first one,
// and the time left.
func TestPace(t *testing.T) {
	var p pace
	p.add(model.Terms{Loss: 0.5}, 2)
	if got, want := p.line(4, 10, 3), "step 4 of 10: loss 0.5000, 2.0 images/s, 9s to go"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.add(model.Terms{Loss: 1}, 7)
	if got, want := p.String(), "loss 0.5100, 2.1 images/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestScalars: TensorBoard shows everything that is logged, stages and clusters counted from 1.
func TestScalars(t *testing.T) {
	e := Entry{
		LR: 7, Terms: &model.Terms{Loss: 1, L1: 2, MSSSIM: 3, Orthogonality: 4}, Rate: 8, Entropy: []float64{.5},
		Posterior: [][]float64{{.25, .75}}, Experts: [][]float64{{9}}, Validation: []eval.Measure{{Name: "a", Value: 30}, {Name: "b", Value: 20}},
	}
	var got []string
	for _, s := range e.scalars() {
		got = append(got, fmt.Sprint(s.Tag, " ", s.Value))
	}
	const want = "train/loss 1,train/l1 2,train/ms_ssim 3,train/orthogonality 4,train/lr 7,train/images_per_s 8,routing/entropy_stage1 0.5," +
		"posterior_stage1/cluster1 0.25,posterior_stage1/cluster2 0.75,experts_stage1/expert01 9,validation/a 30,validation/b 20,validation/mean 25"
	if text := strings.Join(got, ","); text != want {
		t.Errorf("%s, want %s", text, want)
	}
}
