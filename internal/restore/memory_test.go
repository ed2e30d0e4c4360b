package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/imageio"
	"clusir/internal/infer/infertest"
	"clusir/internal/sharedtest"
	"clusir/internal/sysmem"
	"clusir/internal/testnet"
)

// errand is the task of TestMaxMemory's process.
type errand struct {
	Job    Job
	Memory int64
	Tile   int
	Stdin  int64 // bytes of standard input
}

// report is what the process prints.
type report struct {
	Peak  int64
	Tiles int
	Err   string
}

// TestMain is also that process.
func TestMain(m *testing.M) {
	text := os.Getenv("RESTORE_ERRAND")
	if text == "" {
		os.Exit(m.Run())
	}
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		panic(err)
	}
	var r report
	o := Options{Choices: Choices{Strength: 1, Tile: e.Tile}, MaxMemory: e.Memory, Stdin: io.LimitReader(endless{}, e.Stdin), Stdout: io.Discard,
		Done: func(got Result) {
			r.Tiles = got.Tiles
			if got.Err != nil {
				r.Err = got.Err.Error()
			}
		}}
	t := &process{}
	n := infertest.New(t, testnet.Small(), 1)
	_, err := Run(context.Background(), n, slices.Values([]Job{e.Job}), o)
	if err != nil {
		panic(err)
	}
	r.Peak = sysmem.PeakRSS()
	_ = json.NewEncoder(os.Stdout).Encode(r) // missing output fails the test
	os.Exit(0)
}

// process stands for a test in its own process.
type process struct{ testing.TB }

func (process) Helper()           {}
func (process) Cleanup(func())    {}
func (process) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// endless is a PNG without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i)
	}
	copy(b, "\x89PNG\r\n\x1a\n")
	return len(b), nil
}

// send runs an errand.
func send(t *testing.T, e errand) (r report) {
	t.Helper()
	text, err := json.Marshal(e)
	must(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RESTORE_ERRAND="+string(text))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	must(t, json.Unmarshal(out, &r))
	return r
}

// TestMaxMemory: processes stay within their limit, which is the minimum that the
// planner asks for.
func TestMaxMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it restores pictures of megapixels")
	}
	if sharedtest.Race {
		t.Skip("the race detector takes several times the memory")
	}
	const side = 512
	dir := t.TempDir()
	for _, c := range []struct {
		name    string
		in      imageio.Info
		out     imageio.Format
		compare imageio.Format
	}{
		{"in strips", imageio.Info{Format: imageio.PNG, W: 3000, H: 2000, Depth: 16, Alpha: true}, imageio.PNG, imageio.PNG},
		{"as a whole", imageio.Info{Format: imageio.JPEG, W: 2000, H: 1500}, imageio.TIFF, 0},
		{"written as a whole", imageio.Info{Format: imageio.PNG, W: 1500, H: 1000}, imageio.WebP, 0},
		{"both as a whole", imageio.Info{Format: imageio.BMP, W: 2000, H: 1500}, imageio.BMP, imageio.BMP},
	} {
		path := noisy(t, dir, c.in)
		probe, err := imageio.ProbeFile(path, imageio.Limits{})
		must(t, err)
		p := planner{config: testnet.Small(), padded: func(n int) int { return n }, limit: 1}
		s := subject{Probe: probe, out: c.out, compare: c.compare != 0}
		smallest, err := p.layout(s, side)
		must(t, err)
		j := Job{In: path, Out: filepath.Join(dir, "out"), Format: c.out}
		if s.compare {
			j.Compare = filepath.Join(dir, "cmp"+c.compare.Ext())
		}
		r := send(t, errand{Job: j, Memory: smallest.need() * 101 / 100, Tile: side})
		if r.Err != "" || r.Tiles < 4 || r.Peak > smallest.need()*101/100 {
			t.Errorf("%s: %d MB of %d in %d tiles, %s", c.name, r.Peak/megabyte, smallest.need()/megabyte, r.Tiles, r.Err)
		}
	}
	r := send(t, errand{Job: Job{In: Std, Out: Std}, Memory: 200 * megabyte, Tile: TileAuto, Stdin: 1 << 40})
	if !strings.Contains(r.Err, "is longer than 100 MB") || r.Peak > 200*megabyte {
		t.Errorf("endless standard input: %d MB, %s", r.Peak/megabyte, r.Err)
	}
}

// noisy writes a picture of noise, which no format compresses.
func noisy(t *testing.T, dir string, info imageio.Info) string {
	t.Helper()
	if info.Depth == 0 {
		info.Depth = 8
	}
	path := filepath.Join(dir, fmt.Sprintf("in-%d%v", info.Depth, info.Format.Ext()))
	r := rand.New(rand.NewPCG(1, 1))
	rgb, alpha := make([]float32, 3*info.W), make([]float32, info.W)
	must(t, imageio.WriteFile(path, info, imageio.Options{Quality: 95}, func(w *imageio.Writer) error {
		for range info.H {
			for i := range rgb {
				rgb[i] = r.Float32()
			}
			for i := range alpha {
				alpha[i] = r.Float32()
			}
			if !info.Alpha {
				alpha = nil
			}
			if err := w.Rows(rgb, alpha); err != nil {
				return err
			}
		}
		return nil
	}))
	return path
}
