package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/checkpoint"
	"clusir/internal/model"
	"clusir/internal/sharedtest"
)

// standIn replaces PyTorch in bench_peers.py: it returns prepared weights and fixed
// times.
const standIn = `
import json, os, pathlib, shutil, sys
files = pathlib.Path(__file__).parent
if sys.argv[1] == "prepare":
    folder = pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("weights.safetensors", "config.json", "verify.safetensors"):
        shutil.copy(files / name, folder / name)
    assert json.loads(pathlib.Path(sys.argv[4]).read_text())["dim"] == 16
    sys.exit()
if os.environ.get("STAND_IN_FAILS"):
    sys.exit("no libraries here")
print(json.dumps({"version": "stand-in 1", "import_rss_mb": 5}), flush=True)
for i, _ in enumerate(sys.stdin):
    print(json.dumps({"ms": 1e6 * (i + 1), "peak_rss_mb": 1e4}), flush=True)
`

// peerFiles makes a folder with the stand-in and the golden network's weights,
// configuration and expected output.
func peerFiles(t *testing.T, change func(output []float32)) string {
	t.Helper()
	f, err := checkpoint.Open(goldenSmall)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := model.ReadConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	var weights, expected []checkpoint.Tensor
	for _, name := range f.Names() {
		x, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if x.Name, _ = strings.CutPrefix(name, "model."); x.Name != name {
			weights = append(weights, x)
		} else if name == "in.image" || name == "eval.output" {
			expected = append(expected, x)
		}
		if name == "eval.output" {
			change(x.Data())
		}
	}
	dir := t.TempDir()
	config, _ := json.Marshal(c)
	for name, write := range map[string]func(path string) error{
		"weights.safetensors": func(p string) error { return checkpoint.Write(p, checkpoint.Contents{Tensors: weights}) },
		"verify.safetensors":  func(p string) error { return checkpoint.Write(p, checkpoint.Contents{Tensors: expected}) },
		"config.json":         func(p string) error { return os.WriteFile(p, config, 0o600) },
		"stand_in.py":         func(p string) error { return os.WriteFile(p, []byte(standIn), 0o600) },
	} {
		if err := write(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// peers runs bench_peers.py with the stand-in, and returns what it printed and wrote.
func peers(t *testing.T, program, files string, args ...string) (stdout, stderr string, report []byte, err error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "peers.json")
	cmd := exec.Command("python3", append([]string{filepath.Join(sharedtest.Root(t), "scripts", "bench_peers.py"),
		"--clusir", program, "--peer", "python3 " + filepath.Join(files, "stand_in.py"), "--exported", "python3 " + filepath.Join(files, "stand_in.py"), "--work", filepath.Join(files, "work"), "--out", out,
		"--threads", "1", "--pause", "0"}, args...)...)
	var o, e strings.Builder
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	report, _ = os.ReadFile(out)
	return o.String(), e.String(), report, err
}

func TestBenchPeers(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		sharedtest.Absent(t, fmt.Errorf("bench_peers.py needs python3: %w", err))
	}
	program := filepath.Join(t.TempDir(), "clusir")
	if text, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	same := func([]float32) {}
	t.Run("alternating rounds", func(t *testing.T) { peersMeasure(t, program, peerFiles(t, same)) })
	t.Run("another output", func(t *testing.T) {
		_, stderr, report, err := peers(t, program, peerFiles(t, func(x []float32) { x[3]++ }), "nano:32")
		if err == nil || report != nil || !strings.Contains(stderr, "verifying nano failed") || !strings.Contains(stderr, "the output differs") {
			t.Errorf("%v\n%s", err, stderr)
		}
	})
	t.Run("a peer that dies", func(t *testing.T) {
		t.Setenv("STAND_IN_FAILS", "1")
		_, stderr, report, err := peers(t, program, peerFiles(t, same), "nano:32", "--modes", "eager")
		if err == nil || report != nil || !strings.Contains(stderr, "eager failed with exit code 1\nno libraries here") {
			t.Errorf("%v\n%s", err, stderr)
		}
	})
	t.Run("usage", func(t *testing.T) {
		for _, args := range [][]string{{"nanny:32"}, {"train:nano:32"}, {"nano:32", "--rounds", "0"}, {"nano:32", "--modes", "lazy"}} {
			if _, stderr, _, err := peers(t, program, t.TempDir(), args...); err == nil || !strings.Contains(stderr, "usage:") {
				t.Errorf("%v: %v\n%s", args, err, stderr)
			}
		}
	})
}

func peersMeasure(t *testing.T, program, files string) {
	stdout, stderr, report, err := peers(t, program, files, "nano:32", "train:nano:2x32", "--rounds", "3", "--modes", "eager,channels-last,inductor")
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	var got struct {
		Machine struct{ CPU string }
		Cases   []struct {
			Case       string
			GMACs      float64
			Difference float64 `json:"output_difference"`
			Contenders []struct {
				Name, Version string
				Ms            []float64
				Median        float64 `json:"ms_median"`
				RSS           float64 `json:"peak_rss_mb"`
			}
		}
	}
	if err := json.Unmarshal(report, &got); err != nil {
		t.Fatalf("%v: %s", err, report)
	}
	if len(got.Cases) != 2 || got.Cases[0].Case != "nano 32²" || got.Cases[1].Case != "train nano 2×32²" || len(got.Cases[0].Contenders) != 4 ||
		len(got.Cases[1].Contenders) != 3 || got.Cases[1].GMACs != 6*got.Cases[0].GMACs {
		t.Fatalf("%s", report)
	}
	for _, c := range got.Cases {
		if d := c.Difference; !(d > 0 && d < 1e-5) {
			t.Errorf("%s: outputs differ by %g", c.Case, d)
		}
		for i, x := range c.Contenders {
			if len(x.Ms) != 3 || x.RSS <= 0 || x.Version == "" {
				t.Errorf("%s: %+v", c.Case, x)
			}
			if i > 0 && x.Median != 2e6 {
				t.Errorf("%s: %s has a median of %g, want that of 1e6, 2e6, 3e6", c.Case, x.Name, x.Median)
			}
		}
	}
	for _, want := range []string{"channels-last  2000000  1000000  3000000", "10000          5", "train nano 2×32²"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the table lacks %q:\n%s", want, stdout)
		}
	}
}
