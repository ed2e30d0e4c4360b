package train

import (
	"bytes"
	"encoding/json"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"clusir/internal/draw"
	"clusir/internal/eval"
	"clusir/internal/model"
)

// writeLog writes a log as a run does.
func writeLog(t *testing.T, dir string, entries []Entry) {
	t.Helper()
	var b bytes.Buffer
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	if err := os.WriteFile(filepath.Join(dir, logName), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// course returns a log with the given number of lines, with or without validation and
// routing.
func course(lines int, rich bool) []Entry {
	var entries []Entry
	for i := range lines {
		x := float64(i)
		e := Entry{Step: 50 * (i + 1), LR: 1e-4, Terms: &model.Terms{Loss: .1/(1+x/20) + .01*math.Sin(9*x)}}
		if rich {
			e.Entropy = []float64{1 - x/1e3, .98, .95, .9 + .05*math.Cos(x)}
		}
		entries = append(entries, e)
		if rich && i%20 == 19 {
			entries = append(entries, Entry{Step: e.Step, Validation: []eval.Measure{
				{Name: "cbsd68-15", Value: 28 + math.Log(x)}, {Name: "rain100l", Value: 24 + math.Log(x)}, {Name: "lol", Value: 15 + math.Log(x)},
			}})
		}
	}
	return entries
}

// TestCurve: the plot has a panel for each quantity that was logged.
func TestCurve(t *testing.T) {
	const panel = 2 * panelHeight // pixels, at the sheets' two per point; legends and margins add to it
	for _, c := range []struct {
		name    string
		entries []Entry
		panels  int
	}{
		{"all", course(200, true), 3},
		{"loss alone", course(30, false), 1},
		{"one line", course(1, false), 1},
		{"nothing logged", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			writeLog(t, dir, c.entries)
			if err := writeCurve(dir); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(filepath.Join(dir, curveName))
			if c.panels == 0 {
				if err == nil {
					t.Error("an empty log gives a picture")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			m, err := png.Decode(f)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Bounds().Dy() / panel; got != c.panels {
				t.Errorf("%d pixels high, want %d panels of %d", m.Bounds().Dy(), c.panels, panel)
			}
			if keep := os.Getenv("CLUSIR_TEST_CURVE"); keep != "" && c.panels == 3 {
				b, _ := os.ReadFile(filepath.Join(dir, curveName))
				_ = os.WriteFile(keep, b, 0o644)
			}
		})
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, logName), []byte("no log\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeCurve(dir); err == nil {
		t.Error("a file that is not a log gives a curve")
	}
}

func TestSmooth(t *testing.T) {
	s := draw.Series{Points: make([]draw.Point, 80)} // windows of 7
	s.Points[0].Y, s.Points[9].Y = 8, 6
	got := smooth(s).Points
	for i, want := range map[int]float64{0: 2, 1: 8. / 5, 3: 8. / 7, 4: 0, 6: 6. / 7, 9: 6. / 7, 12: 6. / 7, 13: 0, 79: 0} {
		if math.Abs(got[i].Y-want) > 1e-12 {
			t.Errorf("value %d is %g, want %g", i, got[i].Y, want)
		}
	}
	if s.Points[9].Y != 6 {
		t.Error("the raw values have changed")
	}
}
