package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"clusir/internal/dataset"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/kernels/cpu"
	"clusir/internal/model"
	"clusir/internal/sysmem"
	"clusir/internal/testnet"
)

// errand is the task of TestMaxMemory's process.
type errand struct {
	Root   string
	Jobs   int
	Memory int64
}

// outcome is what the process prints.
type outcome struct {
	Peak int64
	Err  string
}

// TestMain is also that process.
func TestMain(m *testing.M) {
	text := os.Getenv("EVAL_ERRAND")
	if text == "" {
		os.Exit(m.Run())
	}
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		panic(err)
	}
	var nets []*infer.Network
	for range e.Jobs {
		nets = append(nets, smallNetwork())
	}
	r, err := Run(context.Background(), nets, Options{Root: e.Root, Benchmarks: ownBenchmark(), Protocol: Protocol{Name: "promptir"}, MaxMemory: e.Memory})
	if err != nil {
		panic(err)
	}
	o := outcome{Peak: sysmem.PeakRSS()}
	if err := r.Failed(); err != nil {
		o.Err = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(o) // missing output fails the test
	os.Exit(0)
}

func ownBenchmark() []*dataset.Benchmark {
	return []*dataset.Benchmark{{Name: "own", Clean: []string{"."}, Sigmas: []float64{25}}}
}

// smallNetwork returns an untrained network that takes little time.
func smallNetwork() *infer.Network {
	b, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		panic(err)
	}
	m, err := model.New(testnet.Small(), b)
	if err != nil {
		panic(err)
	}
	m.Init(1)
	return infer.New(m, b)
}

// TestMaxMemory checks that processes that measure several images in parallel stay
// within their limit: the minimum for one, for two of four, and for all.
func TestMaxMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it restores pictures of half a megapixel")
	}
	const w, h, jobs = 640, 480, 4
	root := t.TempDir()
	for i := range jobs {
		wave(t, filepath.Join(root, fmt.Sprintf("%d.png", i)), w, h, i, false)
	}
	net := network{smallNetwork()}
	defer net.Close()
	pass, images, err := net.need(job{}, h, w)
	if err != nil {
		t.Fatal(err)
	}
	for _, fit := range []int64{1, 2, jobs} {
		memory := infer.ProgramBytes + jobs*net.held() + fit*(pass+images)
		text, err := json.Marshal(errand{root, jobs, memory})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "EVAL_ERRAND="+string(text))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		var o outcome
		if err := json.Unmarshal(out, &o); err != nil {
			t.Fatal(err)
		}
		t.Logf("room for %d: %d of %d MB", fit, o.Peak/1e6, memory/1e6)
		if o.Err != "" || o.Peak > memory {
			t.Errorf("room for %d: %d of %d MB, %s", fit, o.Peak/1e6, memory/1e6, o.Err)
		}
	}
}

// TestJobsWithinMemory: no more networks are loaded than fit beside images.
func TestJobsWithinMemory(t *testing.T) {
	o := options(t)
	const weights = 4 * 2_300_000 // of nano, at most
	loaded := 0
	r := Runner{Options: o, Jobs: 40, Messages: io.Discard, Open: func() (kernels.Backend, string, error) {
		loaded++
		b, err := cpu.New(cpu.Options{Threads: 1})
		return b, "cpu", err
	}}
	r.MaxMemory = infer.ProgramBytes + 2*3*weights
	if _, err := r.Measure(t.Context(), Subject{Model: "nano"}, r.Options); err != nil || loaded != 3 {
		t.Errorf("%d networks are loaded: %v", loaded, err)
	}
}
