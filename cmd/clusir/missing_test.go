package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// TestMissingFiles: if a flag names a file that does not exist, the message names it
// and says what to name instead, without naming a system call.
func TestMissingFiles(t *testing.T) {
	const picture = "../../testdata/images/chelsea-noisy.png"
	const model = "name a checkpoint, or an embedded model: nano"
	for command, want := range map[string]string{
		"restore " + picture + " OUT --model ABSENT":                        model,
		"restore " + picture + " OUT --model-config ABSENT":                 "the built-in ones are",
		"restore ABSENT OUT":                                                "",
		"export ABSENT OUT.safetensors":                                     model,
		"export nano OUT.safetensors --results ABSENT":                      "name the output of clusir eval --json",
		"models ABSENT":                                                     model,
		"eval --benchmark cbsd68 --data . --model ABSENT":                   model,
		"eval --benchmark x --data . --benchmark-file ABSENT":               "name a YAML file of benchmarks",
		"train --config nano --data . --out OUT --init-from ABSENT":         model,
		"train --config nano --data . --out OUT --init-from ABSENT --check": model,
		"train --config ABSENT --data . --out OUT":                          "the built-in ones are",
		"bench --model ABSENT":                                              "name a checkpoint, or base, small, tiny or nano",
		"bench --verify ABSENT":                                             "",
		"merge ABSENT":                                                      "name a file of results of clusir eval",
		"compare ABSENT nano --benchmark cbsd68 --data .":                   model,
		"table 4 --data . --model a=ABSENT":                                 model,
	} {
		t.Run(command, func(t *testing.T) {
			dir := t.TempDir()
			absent := filepath.Join(dir, "absent.safetensors")
			args := strings.Fields(strings.NewReplacer("ABSENT", absent, "OUT.safetensors", filepath.Join(dir, "out.safetensors"), "OUT", filepath.Join(dir, "out.png")).Replace(command))
			var stderr strings.Builder
			code := run(args, io.Discard, &stderr)
			if said := stderr.String(); code != exitError || !strings.Contains(said, absent) || !strings.Contains(said, want) ||
				!strings.Contains(said, "there is no such file") || strings.Contains(said, "open "+absent) {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
}

// TestMissingData: a data folder that does not exist, or is a file, is named as that, and
// a benchmark of a training that does not exist although nothing is validated.
func TestMissingData(t *testing.T) {
	for command, want := range map[string]string{
		"train --config nano --data /nowhere --check":                         "there is no folder /nowhere: name one of data sets",
		"train --config five-task --data /nowhere":                            "there is no folder /nowhere: name one of data sets\n",
		"train --config nano --data train.go --preview /nowhere/x.png":        "train.go is a file, but a folder of data sets is needed",
		"train --config nano --data . --check --set eval.benchmarks=[cbsd86]": `eval.benchmarks: there is no benchmark "cbsd86"`,
	} {
		var stderr strings.Builder
		if code := run(strings.Fields(command), io.Discard, &stderr); code != exitError || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d: %s", command, code, &stderr)
		}
	}
	for _, command := range []string{"train stray", "bench stray", "version stray"} {
		var stderr strings.Builder
		if code := run(strings.Fields(command), io.Discard, &stderr); code != exitUsage || !strings.Contains(stderr.String(), `unknown argument "stray"`) {
			t.Errorf("%s: exit code %d: %s", command, code, &stderr)
		}
	}
}
