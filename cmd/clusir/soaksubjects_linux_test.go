package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"clusir/internal/checkpoint"
	"clusir/internal/restore"
	"clusir/internal/train"
)

// soakSubjects returns the commands that write files.
func soakSubjects(t *testing.T) []*subject {
	if seccompCall == 0 {
		t.Skipf("no numbers of system calls are known for %s", runtime.GOARCH)
	}
	picture, data := "../../testdata/images/chelsea-noisy.png", evalData(t)
	steps, photos := smallestRun(t, 4), filepath.Join(data, "photos")
	return []*subject{
		{name: "restore", old: map[string]string{"out.png": older}, whole: replaced, same: equal, args: func(out string) []string {
			return []string{"restore", picture, filepath.Join(out, "out.png"), "--overwrite", "--tile", "128", "--device", "cpu"}
		}},
		{name: "folder", whole: pictures, same: results, args: func(out string) []string {
			return []string{"restore", photos, "-o", out, "--skip-existing", "--results", filepath.Join(out, "r.jsonl"), "--device", "cpu"}
		}},
		{name: "serve", use: posts(picture, filepath.Join(photos, "a.png")), whole: pictures, same: equal, args: func(string) []string {
			return []string{"serve", "--addr", "127.0.0.1:0", "--model", "nano", "--device", "cpu"}
		}},
		{name: "export", old: map[string]string{"model.safetensors": older}, whole: replaced, same: equal, args: func(out string) []string {
			return []string{"export", "nano", filepath.Join(out, "model.safetensors"), "--overwrite"}
		}},
		{name: "train", whole: checkpointed, same: trained, args: func(out string) []string {
			return slices.Concat(resumable("train", out, "last.safetensors"), steps[1:], []string{"--out", out, "--device", "cpu"})
		}},
		{name: "eval", whole: func(out, done string) error { return measured(out, done, false) },
			same: func(out, done string) error { return measured(out, done, true) }, args: func(out string) []string {
				return append(resumable("eval", out, "r.jsonl"), "--benchmark", "mine", "--benchmark-file", filepath.Join(data, "mine.yaml"),
					"--data", data, "--results", filepath.Join(out, "r.jsonl"), "--device", "cpu")
			}},
	}
}

// older is the contents of a file that a command replaces.
const older = "an older result"

// resumable returns the first arguments of a command that continues from a file if it
// exists.
func resumable(command, out, file string) []string {
	if _, err := os.Stat(filepath.Join(out, file)); err != nil {
		return []string{command}
	}
	return []string{command, "--resume"}
}

// replaced requires every file to be as before or as without a fault.
func replaced(out, done string) error {
	return each(done, func(name, want string) error {
		if got := contents(out, name); got != want && got != older {
			return fmt.Errorf("%s holds %d bytes that are neither the old ones nor the %d new ones", name, len(got), len(want))
		}
		return nil
	})
}

// pictures requires every existing picture to be as without a fault.
func pictures(out, done string) error {
	return each(out, func(name, got string) error {
		if filepath.Ext(name) == ".png" && got != contents(done, name) {
			return fmt.Errorf("%s holds %d bytes that differ from the %d of a run without a fault", name, len(got), len(contents(done, name)))
		}
		return nil
	})
}

// results requires all pictures, and the results of all.
func results(out, done string) error {
	want, err := restore.MergeResults(filepath.Join(done, "r.jsonl"))
	if err != nil {
		return err
	}
	got, err := restore.MergeResults(filepath.Join(out, "r.jsonl"))
	if err == nil {
		err = errors.Join(got.Failed(), pictures(done, out))
	}
	if err == nil && len(got.Records) != len(want.Records) {
		err = fmt.Errorf("r.jsonl has the results of %d pictures, want %d", len(got.Records), len(want.Records))
	}
	return err
}

// equal requires exactly the files that a run without a fault leaves.
func equal(out, done string) error {
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(done, e.Name())); err != nil && !strings.HasPrefix(e.Name(), ".") {
			return fmt.Errorf("%s should not be there", e.Name())
		}
	}
	return each(done, func(name, want string) error {
		if got := contents(out, name); got != want {
			return fmt.Errorf("%s holds %d bytes, which differ from the %d of a run without a fault", name, len(got), len(want))
		}
		return nil
	})
}

// each calls f with the name and the contents of every file in a folder.
func each(dir string, f func(name, text string) error) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if err == nil {
			err = f(e.Name(), contents(dir, e.Name()))
		}
	}
	return err
}

func contents(dir, name string) string {
	text, _ := os.ReadFile(filepath.Join(dir, name)) // empty if absent
	return string(text)
}

// checkpointed requires whole checkpoints and a readable log.
func checkpointed(out, _ string) error {
	files, err := filepath.Glob(filepath.Join(out, "*.safetensors"))
	if err != nil {
		return err
	}
	for _, path := range files {
		f, err := checkpoint.Open(path)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return err
		}
	}
	if log := filepath.Join(out, "log.jsonl"); contents(out, "log.jsonl") != "" {
		_, err = train.ReadLog(log)
	}
	return err
}

// trained requires the weights and the curve of an uninterrupted run, to the bit, and
// each step once in the log.
func trained(out, done string) error {
	for _, name := range []string{"last.safetensors", "curve.png"} {
		if contents(out, name) != contents(done, name) {
			return fmt.Errorf("%s differs from that of a run without a fault", name)
		}
	}
	got, err := train.ReadLog(filepath.Join(out, "log.jsonl"))
	if err != nil {
		return err
	}
	want, err := train.ReadLog(filepath.Join(done, "log.jsonl"))
	if err == nil && len(got) != len(want) {
		err = fmt.Errorf("the log has %d entries, want %d", len(got), len(want))
	}
	return err
}

// measured requires the results to be those of a run without a fault, all or some of
// them; the last line may be incomplete until the run is resumed.
func measured(out, done string, all bool) error {
	rows := func(dir string) (rows []string, err error) {
		for line := range strings.Lines(contents(dir, "r.jsonl")) {
			row := map[string]any{}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				if !strings.HasSuffix(line, "\n") && !all {
					break
				}
				return nil, fmt.Errorf("r.jsonl: %q: %w", line, err)
			}
			delete(row, "ms")
			rows = append(rows, fmt.Sprint(row))
		}
		slices.Sort(rows)
		return rows, nil
	}
	got, err := rows(out)
	if err != nil {
		return err
	}
	want, err := rows(done)
	if err != nil {
		return err
	}
	for _, row := range got {
		if !slices.Contains(want, row) {
			return fmt.Errorf("r.jsonl has a line that no run without a fault writes: %s", row)
		}
	}
	if all && !slices.Equal(got, want) {
		return fmt.Errorf("r.jsonl has %d lines, want %d", len(got), len(want))
	}
	return nil
}
