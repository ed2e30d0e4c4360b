package train

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/draw"
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
		{good[:30], "log.jsonl:1", 0}, {good[:30] + "\n" + good, "log.jsonl:1", 0}, {good + "[]\n", "log.jsonl:2", 0},
		{`{"step":-1}` + "\n", "step -1", 0}, {`{"entropy":[` + strings.Repeat("1,", 300) + "1]}\n", "301 stages", 0},
	} {
		got, err := readLogText(t, c.text)
		if len(got) != c.entries || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: %d entries, %v; want %d, %q", c.text, len(got), err, c.entries, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "train.Entry") {
			t.Errorf("the error shows a type of ours: %v", err)
		}
	}
}

// FuzzLog draws every log that is accepted.
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
