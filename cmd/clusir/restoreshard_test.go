package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"clusir/internal/restore"
	"clusir/internal/sharedtest"
)

// shardData makes a folder of small pictures, one of which is broken.
func shardData(t *testing.T) (dir string) {
	t.Helper()
	dir = evalData(t)
	small := string(readFile(t, filepath.Join(dir, "photos", "a.png")))
	for i := range 4 {
		writeFile(t, filepath.Join(dir, "photos", "more", fmt.Sprintf("%d.png", i)), small)
	}
	writeFile(t, filepath.Join(dir, "photos", "bad.png"), "no picture")
	return dir
}

// restoredAll checks that the merged results cover all pictures, and that all but the
// broken one are restored.
func restoredAll(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "restored", "results-*.jsonl"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	m, err := restore.MergeResults(files...)
	if err != nil || m.Pictures != 7 || m.Failed() == nil || !strings.Contains(m.Failed().Error(), "1 of 7") {
		t.Errorf("%+v, %v", m, err)
	}
	for _, name := range []string{"a.png", "b.png", "more/0.png", "more/3.png"} {
		if _, err := os.Stat(filepath.Join(dir, "restored", name)); err != nil {
			t.Error(err)
		}
	}
}

// TestRestoreShards restores a folder in two shards, then again.
func TestRestoreShards(t *testing.T) {
	dir := shardData(t)
	codes := 0
	if err := os.Mkdir(filepath.Join(dir, "restored"), 0o755); err != nil {
		t.Fatal(err)
	}
	for k := 1; k <= 2; k++ {
		code, _, _ := evaluate(t, dir, fmt.Sprintf("restore {}/photos -o {}/restored --shard %d/2 --results {}/restored/results-%d.jsonl", k, k))
		codes += code
	}
	if codes != exitError {
		t.Errorf("the exit codes add up to %d: one picture is bad", codes)
	}
	restoredAll(t, dir)
	if code, stdout, stderr := evaluate(t, dir, "merge {}/restored/results-1.jsonl {}/restored/results-2.jsonl"); code != exitError || !strings.Contains(stdout, "bad.png") || !strings.Contains(stderr, "1 of 7") {
		t.Errorf("merge: exit code %d, %s\n%s", code, stderr, stdout)
	}
	if code, stdout, stderr := evaluate(t, dir, "restore {}/photos/a.png {}/alone.png --shard 1/1000"); code != exitOK || !strings.HasPrefix(stdout, "0 pictures restored") {
		t.Errorf("a picture of another shard: exit code %d, %q, %s", code, stdout, stderr)
	}
	for _, bad := range []string{"0/3", "4/3", "1/0", "-1/3", "1", "1/2/3", "a/b"} {
		if code, _, stderr := evaluate(t, dir, "restore {}/photos -o {}/x --shard="+bad); code != exitUsage || !strings.Contains(stderr, "write a shard as 3/16") {
			t.Errorf("--shard %s: exit code %d, %s", bad, code, stderr)
		}
	}
	if code, stdout, stderr := evaluate(t, dir, "restore {}/photos/a.png - --shard 1/1"); code != exitUsage || stdout != "" || !strings.Contains(stderr, "leave one out") {
		t.Errorf("a shard for standard output: exit code %d, %s", code, stderr)
	}
	for _, taken := range []string{"new/b.png", "new/b.affinity.png", "sheets/b.png"} {
		code, _, stderr := evaluate(t, dir, "restore {}/photos -o {}/new --explain --compare {}/sheets --results {}/"+taken)
		if code != exitUsage || !strings.Contains(stderr, "is named twice, for --results and for the ") {
			t.Errorf("--results %s: exit code %d, %s", taken, code, stderr)
		}
	}
	code, _, stderr := evaluate(t, dir, "restore {}/photos -o {}/restored --shard 1/2 --results {}/restored/results-1.jsonl")
	if code != exitError || !strings.Contains(stderr, "--skip-existing") {
		t.Errorf("once more: exit code %d, %s", code, stderr)
	}
}

// TestJobTemplates runs the templates of a Slurm array and of a Kubernetes job the way
// these would.
func TestJobTemplates(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skipf("the templates are for bash: %v", err)
	}
	root := sharedtest.Root(t)
	var job struct {
		Spec struct {
			Completions int
			Template    struct {
				Spec struct {
					Containers []struct {
						Env           []struct{ Name, Value string }
						Command, Args []string
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(readFile(t, filepath.Join(root, "scripts", "restore-kubernetes.yaml")), &job); err != nil {
		t.Fatal(err)
	}
	pod := job.Spec.Template.Spec.Containers[0]
	if pod.Env[0].Value != fmt.Sprint(job.Spec.Completions) {
		t.Errorf("%d completions of %s shards", job.Spec.Completions, pod.Env[0].Value)
	}
	slurm := []string{"bash", filepath.Join(root, "scripts", "restore-slurm.sh"), "photos", "restored"}
	for name, c := range map[string]struct {
		command []string
		env     func(k int) []string
	}{
		"slurm":           {slurm, slurmArray(5, 6, 1)},
		"slurm, in steps": {slurm, slurmArray(5, 7, 2)},
		"slurm, tasks submitted alone": {slurm, func(k int) []string {
			return append(slurmArray(k, k, 1)(1), "SHARDS=2")
		}},
		"kubernetes": {append(pod.Command, pod.Args...), func(k int) []string {
			return []string{fmt.Sprintf("JOB_COMPLETION_INDEX=%d", k-1), "SHARDS=2", "PHOTOS=photos", "RESTORED=restored"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, root)
			dir := shardData(t)
			for _, k := range []int{1, 2, 1} { // the first is restarted
				cmd := exec.Command(c.command[0], c.command[1:]...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), append(c.env(k), "PATH="+s.bin+string(os.PathListSeparator)+os.Getenv("PATH"))...)
				if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != exitError {
					t.Fatalf("%v: %s", err, out)
				}
			}
			restoredAll(t, dir)
		})
	}
}

// slurmArray returns the environment of task k in a Slurm array from, from+step … to.
func slurmArray(from, to, step int) func(k int) []string {
	return func(k int) []string {
		return []string{
			fmt.Sprintf("SLURM_ARRAY_TASK_ID=%d", from+(k-1)*step), fmt.Sprintf("SLURM_ARRAY_TASK_MIN=%d", from),
			fmt.Sprintf("SLURM_ARRAY_TASK_MAX=%d", to), fmt.Sprintf("SLURM_ARRAY_TASK_STEP=%d", step),
			fmt.Sprintf("SLURM_ARRAY_TASK_COUNT=%d", (to-from)/step+1), "SLURM_CPUS_PER_TASK=1",
		}
	}
}
