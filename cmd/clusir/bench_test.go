package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/kernels/ref"
	"clusir/internal/model"
)

func TestBenchOptions(t *testing.T) {
	for _, c := range []struct {
		args   string
		env    string
		want   benchOptions
		device string
	}{
		{want: benchOptions{network: network{Model: "nano"}, Sizes: []string{"256"}, Threads: []int{0}}},
		{args: "--model base --size 128 --threads 2 --runs 3 --json",
			want: benchOptions{network: network{Model: "base"}, Sizes: []string{"128"}, Threads: []int{2}, Runs: 3, Format: "json", JSON: true}},
		{args: "--size 128,256,480x320 --threads 1,2 --batch 4 --isa portable --device cpu --warmup 0 --runs 0 --seed 7",
			want: benchOptions{network: network{Model: "nano", ISA: "portable"}, Sizes: []string{"128", "256", "480x320"}, Threads: []int{1, 2}, Batch: 4, Seed: 7, Warmup: -1, Runs: -1}, device: "cpu"},
		{args: "--train 4 --objective l1 --profile --peak=false --format go",
			want: benchOptions{network: network{Model: "nano"}, Sizes: []string{"256"}, Threads: []int{0}, Train: 4, Objective: "l1", Profile: true, Format: "go"}},
		{args: "--model-config net.yaml", want: benchOptions{network: network{ModelConfig: "net.yaml"}, Sizes: []string{"256"}, Threads: []int{0}}},
		{args: "--model a.safetensors --model-config net.yaml --verify b.safetensors",
			want: benchOptions{network: network{Model: "a.safetensors", ModelConfig: "net.yaml"}, Verify: "b.safetensors", Sizes: []string{"256"}, Threads: []int{0}}},
		{args: "--verify b.safetensors", want: benchOptions{network: network{}, Verify: "b.safetensors", Sizes: []string{"256"}, Threads: []int{0}}},
		{env: "3", want: benchOptions{network: network{Model: "nano"}, Sizes: []string{"256"}, Threads: []int{3}}},
		{env: "3", args: "--threads 2", want: benchOptions{network: network{Model: "nano"}, Sizes: []string{"256"}, Threads: []int{2}}},
	} {
		t.Setenv("CLUSIR_THREADS", c.env)
		want := withBenchDefaults(c.want, strings.Contains(c.args, "--peak=false"))
		ran := false
		cmd := newBenchCmd(func(o *benchOptions) error {
			ran = true
			got := *o
			if want := cmp.Or(c.device, "auto"); got.config.Device != want || got.config.Precision != "auto" {
				t.Errorf("%s: device %s and precision %s, want %s and auto", c.args, got.config.Device, got.config.Precision, want)
			}
			got.streams, got.config, got.settings = streams{}, nil, nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\n%+v, want\n%+v", c.args, got, want)
			}
			return nil
		})
		cmd.SetArgs(strings.Fields(c.args))
		if err := cmd.Execute(); err != nil || !ran {
			t.Errorf("%s: %v, ran %v", c.args, err, ran)
		}
	}
}

// withBenchDefaults fills in what the table leaves out; -1 stands for 0.
func withBenchDefaults(o benchOptions, noPeak bool) benchOptions {
	number := func(v *int, otherwise int) {
		if *v == 0 {
			*v = otherwise
		} else if *v < 0 {
			*v = 0
		}
	}
	text := func(v *string, otherwise string) {
		if *v == "" {
			*v = otherwise
		}
	}
	number(&o.Batch, 1)
	number(&o.Warmup, 1)
	number(&o.Runs, 5)
	text(&o.Objective, "full")
	text(&o.Format, "text")
	o.Peak = !noPeak
	return o
}

// benchFiles writes a network's weights with and without their configuration.
func benchFiles(t *testing.T) (with, without, config string) {
	t.Helper()
	c := arch.Variants()["nano"]
	c.Dim, c.PromptSize = 8, []int{4, 4, 4}
	m, err := model.New(c, ref.New())
	if err != nil {
		t.Fatal(err)
	}
	m.Init(3)
	dir := t.TempDir()
	with, without, config = filepath.Join(dir, "with.safetensors"), filepath.Join(dir, "without.safetensors"), filepath.Join(dir, "net.json")
	text, _ := json.Marshal(c)
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, contents := range map[string]checkpoint.Contents{with: {Tensors: m.State(), Config: c}, without: {Tensors: m.State()}} {
		if err := checkpoint.Write(path, contents); err != nil {
			t.Fatal(err)
		}
	}
	return with, without, config
}

const goldenSmall = "../../internal/model/testdata/small.safetensors"

// TestBenchDevices: --devices honours --format, as it does --json.
func TestBenchDevices(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run([]string{"bench", "--devices", "--format", "json"}, &stdout, &stderr); code != exitOK || !strings.HasPrefix(stdout.String(), `{"name":"cpu"`) {
		t.Errorf("exit code %d\nstdout: %s\nstderr: %s", code, &stdout, &stderr)
	}
}

func TestBench(t *testing.T) {
	with, without, config := benchFiles(t)
	absent := filepath.Join(t.TempDir(), "absent.safetensors")
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string // what they contain; "" means that they are empty
	}{
		{"--model base --size 128 --runs 0", exitOK, "55,674,691  29.20 ", ""},
		{"--model small --size 128 --runs 0", exitOK, "25,273,347  13.22 ", ""},
		{"--model tiny --size 128 --runs 0", exitOK, "6,715,331   3.49 ", ""},
		{"--devices --format go", exitUsage, "", "measure nothing for --format go"},
		{"--model " + with + " --size 32 --runs 1 --format go", exitOK, "BenchmarkForward/with/32-1\t1\t", ""},
		{"--model " + without + " --model-config " + config + " --size 32 --runs 1", exitOK, "without.safetensors", ""},
		{"--model-config " + config + " --size 32 --runs 1 --profile", exitOK, "GatedFFN", ""},
		{"--model-config " + config + " --size 32 --runs 1 --train 2 --objective l1", exitOK, "three forward passes", ""},
		{"--verify " + goldenSmall, exitOK, "differs by", ""},
		{"--verify " + goldenSmall + " --json", exitOK, `"tolerance":0.0001`, ""},

		{"--model " + without + " --size 32", exitError, "", "--model-config FILE"},
		{"--model " + with + " --model-config " + config, exitError, "", "leave out --model-config"},
		{"--model " + absent, exitError, "", "name a checkpoint, or base, small, tiny or nano"},
		{"--verify " + with, exitError, "", "holds no weights (model....): name a checkpoint with --model"},
		{"--model " + with + " --verify " + goldenSmall, exitError, "differs by 1 ", "differs from eval.output"},
		{"--model " + with + " --verify " + with, exitError, "", `no tensor "in.image"`},
		{"--model-config " + absent, exitError, "", "absent.safetensors"},
		{"--size 250", exitUsage, "", "--size 250: the network takes"},
		{"--batch 0", exitUsage, "", "--batch 0: use 1 or more"},
		{"--runs -1", exitUsage, "", "--runs -1 after --warmup 1"},
		{"--threads 2000", exitUsage, "", "--threads 2000: use 1 to 1024"},
		{"--threads 2,-1", exitUsage, "", "--threads -1: give numbers"},
		{"--isa mmx", exitUsage, "", "--isa mmx: choose"},
		{"--device cuda:77", exitError, "", "cuda:77"},

		{"--size big", exitUsage, "", "WIDTHxHEIGHT"},
		{"--threads two", exitUsage, "", "--threads"},
		{"--format xml", exitUsage, "", "choose text, json or go"},
		{"--objective l2", exitUsage, "", "choose full or l1"},
		{"--precision int4", exitUsage, "", "must be one of auto, float32, tf32, bf16"},
		{"--train 0", exitUsage, "", "1 or more"},
		{"--train 1", exitUsage, "", "--train 1: BatchNorm needs 2"},
		{"--train 2 --batch 2", exitUsage, "", "cannot be used together"},
		{"--json --format go", exitUsage, "", "cannot be used together"},
		{"--verify x --size 32", exitUsage, "", "cannot be used together"},
		{"--verify x --format go", exitUsage, "", "choose text or json"},
		{"--model nano --verify x", exitUsage, "", "random weights"},
		{"--model nano --model-config x", exitUsage, "", "has its configuration"},
		{"nano", exitUsage, "", "nano"},
	} {
		args := "bench " + c.args
		for flag, value := range map[string]string{"--threads": "1", "--device": "cpu"} {
			if !strings.Contains(c.args, flag) {
				args += " " + flag + " " + value
			}
		}
		var stdout, stderr bytes.Buffer
		code := run(strings.Fields(args), &stdout, &stderr)
		if code != c.code || !holds(stdout.String(), c.stdout) || !holds(stderr.String(), c.stderr) {
			t.Errorf("%s: exit code %d, want %d\nstdout: %s\nstderr: %s", c.args, code, c.code, &stdout, &stderr)
		}
	}
}

// TestBenchVerifyFails: the numbers are printed even if they are wrong.
func TestBenchVerifyFails(t *testing.T) {
	f, err := checkpoint.Open(goldenSmall)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := model.ReadConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	contents := checkpoint.Contents{Config: c}
	for _, name := range f.Names() {
		x, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "eval.output" {
			x.Data()[0]++
		}
		contents.Tensors = append(contents.Tensors, x)
	}
	path := filepath.Join(t.TempDir(), "corrupted.safetensors")
	if err := checkpoint.Write(path, contents); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "json"} {
		var stdout, stderr bytes.Buffer
		code := run([]string{"bench", "--device", "cpu", "--verify", path, "--format", format}, &stdout, &stderr)
		if code != exitError || !strings.Contains(stderr.String(), "the output differs from eval.output") || !strings.Contains(stdout.String(), "differ") {
			t.Errorf("%s: exit code %d\nstdout: %s\nstderr: %s", format, code, &stdout, &stderr)
		}
	}
}

// TestBenchJSON checks the names and values of the fields that scripts read.
func TestBenchJSON(t *testing.T) {
	_, _, config := benchFiles(t)
	var stdout, stderr bytes.Buffer
	if code := run(strings.Fields("bench --model-config "+config+" --size 32 --device cpu --threads 2 --runs 3 --json"), &stdout, &stderr); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	var got map[string]any
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, &stdout)
	}
	for _, key := range []string{"params", "gmacs", "ms_median", "ms_min", "ms_max", "gmacs_per_s", "images_per_s", "peak_rss_mb", "peak_gmacs_per_s", "share_of_peak"} {
		if v, ok := got[key].(float64); !ok || v <= 0 {
			t.Errorf("%s is %v", key, got[key])
		}
	}
	for key, want := range map[string]any{"model": config, "size": 32.0, "threads": 2.0, "batch": 1.0, "train": false, "precision": "float32"} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if device := fmt.Sprint(got["device"]); device != "cpu "+fmt.Sprint(got["isa"]) {
		t.Errorf("device %q, instruction set %v", device, got["isa"])
	}
}
