package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"clusir/internal/usage"

	"github.com/spf13/cobra"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string // what they contain; "" means that they are empty
	}{
		{"version", exitOK, "clusir " + programVersion(), ""},
		{"version --json", exitOK, `"version":"` + programVersion() + `"`, ""},
		{"--help", exitOK, "Available Commands", ""},
		{"version --help", exitOK, "--json", ""},
		{"--version", exitOK, "clusir " + programVersion(), ""},
		{"restore a b --strenght 1", exitUsage, "", "there is no flag --strenght: did you mean --strength?"},
		{"train --bacth 3", exitUsage, "", "did you mean --batch?"},
		{"train --config nano --data d --json", exitUsage, "", "--json does nothing without --check"},
		{"train --config nano --data d --overwrite", exitUsage, "", "--overwrite does nothing without --preview"},
		{"train --config nano --data d --preview p.jpg", exitUsage, "", "--preview p.jpg: what it draws is a PNG: let its name end in .png"},
		{"train --config nano --data d --check --preview p.png", exitUsage, "", "--check and --preview cannot be used together"},
		{"train --config nano --data d --resume --init-from nano", exitUsage, "", "--resume and --init-from cannot be used together"},
		{"train --config nano --data d --lr nan", exitUsage, "", "--lr: train.lr = NaN: must be above 0"},
		{"restore --zzzzzzzz", exitUsage, "", "there is no flag --zzzzzzzz\n"},
		{"restore -x.png out.png", exitUsage, "", "there is no flag -x: for a file called -x.png write ./-x.png\n"},
		{"eval -benchmark cbsd68", exitUsage, "", "there is no flag -benchmark: did you mean --benchmark?\n"},
		{"eval -benchmrk=cbsd68", exitUsage, "", "there is no flag -benchmrk: did you mean --benchmark?\n"},
		{"restore in.png -output out", exitUsage, "", "there is no flag -output: did you mean --output?\n"},
		{"restore in.png -o", exitUsage, "", "-o needs a value\n"},
		{"restore in.png out.png --model", exitUsage, "", "--model needs a value\n"},
		{"evaluate", exitUsage, "", "\teval\n"},
		{"denoise a.png b.png", exitUsage, "", "\trestore\n"},
		{"restore https://example.org/a.png a.png", exitUsage, "", "https://example.org/a.png is an address"},
		{"restore a.png s3://bucket/a.png", exitUsage, "", "s3://bucket/a.png is an address"},
		{"restore -x out.png", exitUsage, "", "there is no flag -x\n"},
		{"train --batch many", exitUsage, "", "--batch many: must be a whole number\n"},
		{"train --seed -1", exitUsage, "", "--seed -1: must be a whole number, 0 or more\n"},
		{"train --lr 1e999", exitUsage, "", "--lr 1e999: must be a number\n"},
		{"train --resume=maybe", exitUsage, "", "--resume maybe: must be true or false\n"},
		{"train --config nano --data d --threads -1", exitUsage, "", "--threads: threads = -1: must be in 1..1024"},
		{"train --config nano --data d --steps 0", exitUsage, "", "--steps: train.steps = 0: must be 1 or more"},
		{"train --config nano --data d --steps -3", exitUsage, "", "--steps: train.steps = -3: must be in 1..1000000000"},
		{"train --config nano --data d --precision int8", exitUsage, "", "--precision: precision = \"int8\": must be one of"},
		{"train --config nano --data d --device gpu", exitUsage, "", "--device: device = \"gpu\": must be auto"},
		{"train --config nano --data d --isa sse", exitUsage, "", "--isa sse: choose amx"},
		{"train --config nano --data d --set train.lr=fast", exitUsage, "", "--set train.lr=fast: train.lr: must be a number"},
		{"train --config nano", exitUsage, "", "no data folder: name it with --data"},
		{"train --config absent --data d", exitError, "", "no configuration absent"},
		{"bench --threads 1,x", exitUsage, "", "--threads 1,x: must be whole numbers separated by commas\n"},
		{"restore --strength much", exitUsage, "", "--strength much: must be a number\n"},
		{"restore --ensemble=4", exitUsage, "", "--ensemble 4: choose flips or turns\n"},
		{"restore a.png b.png --ensemble flips", exitUsage, "", "--ensemble flips: the value of this flag follows =: write --ensemble=flips, or ./flips for a file"},
		{"restore --ensemble turns a.png b.png", exitUsage, "", "write --ensemble=turns"},
		{"restore absent.png b.png --ensemble", exitError, "", "absent.png"},
		{"restore absent.png b.png -- --ensemble flips", exitUsage, "", "with several inputs"},
		{"train --config nano --data d --resume true", exitUsage, "", "write --resume=true"},
		{"export a b --note x", exitUsage, "", "--note x: must be KEY=VALUE\n"},
		{"export a b --note =x", exitUsage, "", "--note =x: must be KEY=VALUE\n"},
		{"export nano -", exitUsage, "", "OUT -: only clusir restore IN OUT"},
		{"man -", exitUsage, "", "DIR -: only clusir restore IN OUT"},
		{"restore a.png -o -", exitUsage, "", "--output -: only clusir restore IN OUT"},
		{"restore a.png b.png --results -", exitUsage, "", "--results -: only clusir restore IN OUT"},
		{"train --config nano --data d --out -", exitUsage, "", "--out -: only clusir restore IN OUT"},
		{"serve --token-file -", exitUsage, "", "--token-file -: only clusir restore IN OUT"},
		{"restore absent.png --suffix -", exitError, "", "absent.png"},
		{"export a b --note licence=x --note licence=y", exitUsage, "", "--note licence is given twice: keep one of the two"},
		{"export a b --note affinity=x", exitUsage, "", "clusir writes affinity itself: choose another key"},
		{"train --config nano --data d --threads -010", exitUsage, "", "threads = -10: must be in"},
		{"__complete train --config five-task", exitOK, "five-task\n:0", "Completion ended"},
		{"__complete train --set train.lr", exitOK, "train.lr=\n:6", "Completion ended"},
		{"__complete bench --model b", exitOK, "base\n:0", "Completion ended"},
		{"__complete bench --format g", exitOK, "go\n:4", "Completion ended"},
		{"__complete restore --format w", exitOK, "webp\n:4", "Completion ended"},
		{"__complete restore --ensemble=f", exitOK, "flips\n:4", "Completion ended"},
		{"__complete figure tsne al", exitOK, "all\n:4", "Completion ended"},
		{"__complete figure all --compare n", exitOK, "nano\n:0", "Completion ended"},
		{"__complete degrade photos --kind n", exitOK, "noise\n:4", "Completion ended"},
		{"__complete models n", exitOK, "nano\n:0", "Completion ended"},
		{"__complete table 7", exitOK, "7\n:4", "Completion ended"},
		{"__complete train --device cpu,cu", exitOK, "cpu,cuda\ncpu,cuda:0\n:6", "Completion ended"},
		{"__complete restore --isa avx", exitOK, "avx512\navx2\n:4", "Completion ended"},
		{"help restoer", exitUsage, "", "unknown command \"restoer\""},
		{"help restore", exitOK, "Restore pictures", ""},
		{"completion ksh", exitUsage, "", "unknown command \"ksh\""},
		{"completion", exitUsage, "", "name the shell"},
		{"merge {}", exitUsage, "", "an argument is empty: give it a value, or leave it out"},
		{"export nano {}", exitUsage, "", "an argument is empty"},
		{"restore {} out.png", exitUsage, "", "an argument is empty"},
		{"version extra", exitUsage, "", "unknown argument"},
		{"version --jsn", exitUsage, "", "Run 'clusir version --help'"},
		{"versoin", exitUsage, "", "Did you mean this?"},
	} {
		var stdout, stderr bytes.Buffer
		args := strings.Fields(c.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "{}", "")
		}
		code := run(args, &stdout, &stderr)
		if code != c.code || !holds(stdout.String(), c.stdout) || !holds(stderr.String(), c.stderr) {
			t.Errorf("%s: exit code %d, want %d\nstdout: %s\nstderr: %s", c.args, code, c.code, &stdout, &stderr)
		}
	}
}

func holds(text, part string) bool {
	if part == "" {
		return text == ""
	}
	return strings.Contains(text, part)
}

func TestVersionOptions(t *testing.T) {
	for _, c := range []struct {
		args []string
		json bool
	}{{nil, false}, {[]string{"--json"}, true}} {
		ran := false
		cmd := newVersionCmd(func(o *versionOptions) error {
			ran = true
			if o.JSON != c.json || o.out == nil {
				t.Errorf("%v: options %+v", c.args, o)
			}
			return nil
		})
		cmd.SetArgs(append([]string{}, c.args...))
		if err := cmd.Execute(); err != nil || !ran {
			t.Errorf("%v: %v, ran %v", c.args, err, ran)
		}
	}
}

// TestErrorsAndPanics runs commands that fail in every possible way.
func TestErrorsAndPanics(t *testing.T) {
	for _, c := range []struct {
		name  string
		fail  func() error
		debug string
		code  int
		want  string
	}{
		{"error", func() error { return errors.New("no such picture") }, "", exitError, "clusir: no such picture\n"},
		{"usage", func() error { return usage.Errorf("give %s", "two files") }, "", exitUsage, "clusir: give two files\nRun 'clusir fail --help'"},
		{"panic", func() error { panic("index out of range") }, "", exitError, "internal error: index out of range\nThis is a bug."},
		{"panic with its stack", func() error { panic("x") }, "1", exitError, "goroutine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CLUSIR_DEBUG", c.debug)
			build := func(started *bool) *cobra.Command {
				root := newRoot(started)
				root.AddCommand(&cobra.Command{Use: "fail", RunE: func(*cobra.Command, []string) error { return c.fail() }})
				return root
			}
			var stderr bytes.Buffer
			if code := execute(build, []string{"fail"}, io.Discard, &stderr); code != c.code || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit code %d, want %d; stderr %q", code, c.code, &stderr)
			}
		})
	}
}

// TestStandardOutputFails: failing to print is an error, for every command.
func TestStandardOutputFails(t *testing.T) {
	picture := filepath.Join("..", "..", "testdata", "images", "chelsea-noisy.png")
	for _, args := range [][]string{
		{"--help"}, {"version"}, {"models"}, {"models", "nano", "--json"}, {"completion", "bash"},
		{"restore", picture, "OUT", "--json"}, {"restore", picture, "-"}, {"restore", picture, "OUT", "--explain"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			args = slices.Clone(args)
			for i := range args {
				args[i] = strings.Replace(args[i], "OUT", filepath.Join(t.TempDir(), "out.png"), 1)
			}
			var stderr bytes.Buffer
			code := run(args, &fullWriter{}, &stderr)
			if code != exitError || !strings.HasPrefix(stderr.String(), "clusir: cannot write standard output: no space left on device\n") {
				t.Errorf("exit code %d, stderr %q", code, &stderr)
			}
		})
	}
}

// fullWriter fails like a full disk.
type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "stdout", Err: syscall.ENOSPC}
}
