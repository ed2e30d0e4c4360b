package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"clusir/internal/dataset"
	"clusir/internal/usage"

	"github.com/spf13/pflag"
)

// inFolder makes a folder with the given files the working folder.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func flagSet(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("train", pflag.ContinueOnError)
	fs.String("data", "", "")
	fs.String("device", "auto", "")
	fs.Int("threads", 0, "")
	fs.Uint64("seed", 0, "")
	fs.Float64("lr", 1, "")
	AddSetFlag(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return fs
}

// TestLength: of two lengths, the one at the higher level counts, and zero steps are
// refused.
func TestLength(t *testing.T) {
	for _, c := range []struct {
		name, file, below string
		env, arg          string
		steps             int
		want              string // of an error
	}{
		{name: "epochs above steps", file: "extends: below\ntrain: {epochs: 5}", below: "train: {steps: 9}"},
		{name: "steps above epochs", file: "extends: below\ntrain: {steps: 9}", below: "train: {epochs: 5}", steps: 9},
		{name: "both in one file, as in a recipe", file: "train: {epochs: 150, steps: 9}", steps: 9},
		{name: "no steps beside epochs, as in a recipe", file: "train: {epochs: 150, steps: 0}"},
		{name: "--set epochs over a file's steps", file: "train: {steps: 9}", arg: "--set=train.epochs=2"},
		{name: "a variable over a file", file: "train: {steps: 9}", env: "2"},
		{name: "--steps over all", file: "train: {epochs: 9}", env: "2", arg: "--set=train.steps=7", steps: 7},
		{name: "--steps 0", file: "train: {epochs: 9}", arg: "--set=train.steps=0", want: "--set: train.steps = 0: must be 1 or more"},
		{name: "a trial that ends before the rate is halved", file: "train: {steps: 3, halve_after: 75}", steps: 3},
		{name: "and in epochs", file: "train: {epochs: 3}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFolder(t, map[string]string{"run.yaml": c.file, "below.yaml": c.below})
			t.Setenv("CLUSIR_TRAIN_EPOCHS", c.env)
			got, err := Load("run", flagSet(t, strings.Fields(c.arg)...))
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Train.Steps != c.steps {
				t.Errorf("%d steps, want %d", got.Train.Steps, c.steps)
			}
		})
	}
}

func TestPrecedence(t *testing.T) {
	const file = "extends: below\ntrain: {lr: 3e-4}\ndata: from-file\n"
	const below = "train: {lr: 4e-4, batch: 4}\ndata: from-below\n"
	for _, c := range []struct {
		name, file string
		env        map[string]string
		args       []string
		lr         float64
		data       string
		batch      int
		threads    int
		seed       uint64
	}{
		{name: "nothing", lr: 2e-4, batch: 48},
		{name: "file over what it extends over default", file: "run", lr: 3e-4, data: "from-file", batch: 4},
		{name: "environment over file", file: "run", env: map[string]string{"CLUSIR_TRAIN_LR": "5e-4", "CLUSIR_DATA": "from-env"},
			lr: 5e-4, data: "from-env", batch: 4},
		{name: "environment over default", env: map[string]string{"CLUSIR_TRAIN_LR": "5e-4", "CLUSIR_THREADS": "3", "CLUSIR_TRAIN_SEED": "18446744073709551615"},
			lr: 5e-4, batch: 48, threads: 3, seed: 1<<64 - 1},
		{name: "an empty variable is none", file: "run", env: map[string]string{"CLUSIR_DATA": ""}, lr: 3e-4, data: "from-file", batch: 4},
		{name: "flag over environment", file: "run", env: map[string]string{"CLUSIR_TRAIN_LR": "5e-4", "CLUSIR_DATA": "from-env"},
			args: []string{"--lr=6e-4", "--data=from-flag", "--seed=7"}, lr: 6e-4, data: "from-flag", batch: 4, seed: 7},
		{name: "flag over default, with the zero value", args: []string{"--threads=0", "--lr=1"}, lr: 1, batch: 48},
		{name: "--set over environment", env: map[string]string{"CLUSIR_TRAIN_LR": "5e-4"}, args: []string{"--set=train.lr=7e-4", "--set", "train.batch=6"},
			lr: 7e-4, batch: 6},
		{name: "an unset flag is no setting", file: "run", args: []string{}, lr: 3e-4, data: "from-file", batch: 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFolder(t, map[string]string{"run.yaml": file, "below.yaml": below})
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			got, err := Load(c.file, flagSet(t, c.args...))
			if err != nil {
				t.Fatal(err)
			}
			if got.Train.LR != c.lr || got.Data != c.data || got.Train.Batch != c.batch || got.Threads != c.threads || got.Train.Seed != c.seed {
				t.Errorf("lr %v, data %q, batch %d, threads %d, seed %d", got.Train.LR, got.Data, got.Train.Batch, got.Threads, got.Train.Seed)
			}
		})
	}
}

// TestEnvironmentSetsEveryKey sets each variable to the setting's default value, or a
// valid one if that is empty.
func TestEnvironmentSetsEveryKey(t *testing.T) {
	values := map[string]string{
		"data": "d", "threads": "2", "train.seed": "9", "train.steps": "100", "train.rotate": "true", "train.warmup": "5",
		"train.min_lr": "1e-6", "train.balance_weight": ".1", "train.ema": ".99", "train.grad_clip": "1",
		"train.recompute": "true", "train.relative_error": "true", "train.smooth_l1": ".02", "train.sync_batchnorm": "true", "train.clean": "a,b", "train.exclude": "a.txt,b.txt", "train.keep_overlaps": "true", "train.ignore_lists": "1",
		"eval.benchmarks": "cbsd68,kodak24", "eval.benchmark_file": "own.yaml", "eval.seed": "3", "eval.y_channel": "true",
		"model.dim": "8", "model.enc_blocks": "1,1,2,2", "model.dec_blocks": "1,1,1", "model.refine_blocks": "1", "model.heads": "1,2,2,4",
		"model.ffn_ratio": "2.5", "model.clusters": "2,3,4,5", "model.top_clusters": "2,3,2,2", "model.experts": "3", "model.top_experts": "3",
		"model.expert_ratio": "1", "model.prompt_len": "4", "model.prompt_size": "8,6,4", "model.fsb_kernel": "5", "model.fsb_groups": "4",
		"model.prototype_init": "uniform", "model.use_moe": "false", "model.use_dafmm": "false",
		"device": "cpu", "precision": "tf32", "model.variant": "tiny", "train.epochs": "3", "train.batch": "4", "train.accumulate": "2", "train.patch": "64",
		"train.optimizer": "muon", "train.lr": "1e-3", "train.schedule": "cosine", "train.halve_after": "2", "train.ms_ssim_weight": ".3", "train.orthogonality_weight": ".2",
		"train.vary.mild": ".1", "train.vary.jpeg": ".1", "train.vary.grey": ".1", "train.vary.bars": ".1", "train.vary.graphics": ".1",
		"train.cache_mb": "64", "train.log_interval": "1", "train.checkpoint_interval": "2", "train.validation_interval": "0", "eval.protocol": "gaussian",
	}
	for _, l := range leaves() {
		if env := l.envName(); env != "" {
			v, ok := values[l.key]
			if !ok {
				t.Fatalf("%s: no value in the test", l.key)
			}
			t.Setenv(env, v)
		}
	}
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	unchanged(t, reflect.ValueOf(*c), reflect.ValueOf(Default()), "")
	if got := c.Train.Exclude; len(got) != 2 || got[1] != "b.txt" || c.Model.PromptSize[2] != 4 || c.Model.FFNRatio != 2.5 {
		t.Errorf("lists and numbers: %+v", c)
	}
}

func keyName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

// unchanged fails for each field of a that equals that of b, although it was set.
func unchanged(t *testing.T, a, b reflect.Value, prefix string) {
	t.Helper()
	for i := range a.NumField() {
		key := prefix + keyName(a.Type().Field(i))
		if a.Type().Field(i).Anonymous {
			unchanged(t, a.Field(i), b.Field(i), prefix)
		} else if a.Field(i).Kind() == reflect.Struct {
			unchanged(t, a.Field(i), b.Field(i), key+".")
		} else if key != "tasks" && reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			t.Errorf("%s was not set", key)
		}
	}
}

func TestListsReplace(t *testing.T) {
	inFolder(t, map[string]string{
		"a.yaml": "extends: three-task\ntasks: [{kind: derain, repeat: 7}]\neval: {benchmarks: [lol]}\n",
	})
	c, err := Load("a", nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []dataset.Task{{Kind: "derain", Repeat: 7}}; !reflect.DeepEqual(c.Tasks, want) || len(c.Eval.Benchmarks) != 1 {
		t.Errorf("tasks %+v, benchmarks %v", c.Tasks, c.Eval.Benchmarks)
	}
	c, err = Load("a", flagSet(t, "--set", "tasks=[{kind: denoise, repeat: 1, sigmas: [25]}]"))
	if want := []dataset.Task{{Kind: "denoise", Repeat: 1, Sigmas: []float64{25}}}; err != nil || !reflect.DeepEqual(c.Tasks, want) {
		t.Errorf("%v, tasks %+v", err, c.Tasks)
	}
}

func TestRejectedEnvironmentAndFlags(t *testing.T) {
	for _, c := range []struct {
		env, value string
		set        string
		want       string
	}{
		{env: "CLUSIR_TRAIN_LR", value: "fast", want: "CLUSIR_TRAIN_LR=fast: train.lr: must be a number"},
		{env: "CLUSIR_THREADS", value: "1.5", want: "CLUSIR_THREADS=1.5: threads: must be a whole number"},
		{env: "CLUSIR_THREADS", value: "010", want: "CLUSIR_THREADS=010: threads: 010 could be octal"},
		{env: "CLUSIR_MODEL_HEADS", value: "1,2,010,8", want: "CLUSIR_MODEL_HEADS=1,2,010,8: model.heads[2]: 010 could be octal"},
		{set: "model.heads=[1, 2, 010, 8]", want: "model.heads[2]: 010 could be octal"},
		{env: "CLUSIR_MODEL_DIM", value: "wide", want: "CLUSIR_MODEL_DIM=wide: model.dim: must be a whole number"},
		{env: "CLUSIR_TRAIN_SEED", value: "-1", want: "must be a whole number, 0 or more"},
		{env: "CLUSIR_TRAIN_RECOMPUTE", value: "maybe", want: "must be true or false"},
		{env: "CLUSIR_MODEL_HEADS", value: "1,two", want: "model.heads[1]: must be a whole number"},
		{env: "CLUSIR_TRAIN_LR", value: "-1", want: "CLUSIR_TRAIN_LR: train.lr = -1: must be above 0"},
		{env: "CLUSIR_DEVICE", value: "gpu", want: `CLUSIR_DEVICE: device = "gpu": must be auto`},
		{env: "CLUSIR_TRAIN_RL", value: "1", want: "CLUSIR_TRAIN_RL sets nothing: did you mean CLUSIR_TRAIN_LR?"},
		{env: "CLUSIR_TASKS", value: "denoise", want: "CLUSIR_TASKS sets nothing: a variable cannot hold tasks"},
		{set: "train.lr=fast", want: "--set train.lr=fast: train.lr: must be a number"},
		{set: "train.lr=-1", want: "--set: train.lr = -1: must be above 0"},
		{set: "train.rl=1", want: "did you mean train.lr?"},
		{set: "train.lr", want: "write KEY=VALUE"},
		{set: "=1", want: "write KEY=VALUE"},
		{set: "train..lr=1", want: "write KEY=VALUE"},
		{set: "train.lr=", want: "has no value"},
		{set: "train.lr=[", want: "--set train.lr=["},
		{set: "train.lr=1, steps: 5", want: "train.lr: must be a number"},
		{set: "train.exclude=x.txt", want: "train.exclude must be a list, e.g. [x.txt]"},
		{set: "eval.benchmarks=cbsd68,sots", want: "must be a list of names"},
		{set: "extends=tiny", want: "--config"},
	} {
		t.Run(c.env+c.set, func(t *testing.T) {
			var args []string
			if c.env != "" {
				t.Setenv(c.env, c.value)
			} else {
				args = []string{"--set", c.set}
			}
			_, err := Load("", flagSet(t, args...))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v does not say %q alone", err, c.want)
			}
			if !errors.As(err, new(usage.Error)) {
				t.Errorf("not a mistake in the command line: %v", err)
			}
		})
	}
}

// TestFilesAreNotUsage: a fault in a file is none of the command line, even beside one.
func TestFilesAreNotUsage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	for text, of := range map[string]bool{"train: {lr: -1}": false, "train: {steps: 0}": false, "train: {lr: 1}": true} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, flagSet(t, "--set", "train.batch=-1"))
		if err == nil || errors.As(err, new(usage.Error)) != of {
			t.Errorf("%s: of the command line is not %v: %v", text, of, err)
		}
	}
}

func TestForeignVariablesAreLeftAlone(t *testing.T) {
	for _, env := range []string{"CLUSIR_SHARED", "CLUSIR_GOLDEN", "CLUSIR_TRAINING"} {
		t.Setenv(env, "x")
	}
	if _, err := Load("", nil); err != nil {
		t.Error(err)
	}
}

// TestLoadUntrained: a run's variables, even invalid ones, do not affect a command that
// does not train; its own do.
func TestLoadUntrained(t *testing.T) {
	for env, value := range map[string]string{
		"CLUSIR_TRAIN_STEPS": "5", "CLUSIR_TRAIN_LR": "fast", "CLUSIR_TRAIN_RL": "1", "CLUSIR_MODEL_DIM": "-8", "CLUSIR_TASKS": "denoise",
		"CLUSIR_THREADS": "3", "CLUSIR_EVAL_SEED": "4",
	} {
		t.Setenv(env, value)
	}
	c, err := LoadUntrained(flagSet(t, "--data=here"))
	if err != nil {
		t.Fatal(err)
	}
	if want := Default().Train; !reflect.DeepEqual(c.Train, want) || c.Threads != 3 || c.Eval.Seed != 4 || c.Data != "here" {
		t.Errorf("%+v", c)
	}
	t.Setenv("CLUSIR_EVAL_SEDE", "4")
	if _, err := LoadUntrained(nil); err == nil || !strings.Contains(err.Error(), "did you mean CLUSIR_EVAL_SEED?") {
		t.Errorf("a mistyped variable of eval gives %v", err)
	}
}

// TestReplacedList: a fault in a list is not said to be in a list that it replaced.
func TestReplacedList(t *testing.T) {
	inFolder(t, map[string]string{"below.yaml": "tasks: [{kind: cdd11, repeat: 1, kinds: [haze]}]\n", "above.yaml": "extends: below\n\ntasks:\n- {kind: cdd11, synth: -1}\n"})
	for _, c := range []struct{ name, set, want string }{
		{"below", "tasks=[{kind: cdd11, repeat: 1, kinds: [hazy]}]", "--set: tasks[0].kinds"},
		{"above", "train.batch=4", "above.yaml:4: tasks[0].synth"},
	} {
		if _, err := Load(c.name, flagSet(t, "--set", c.set)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestDocumentedSets: what documents and scripts write after --set is accepted.
func TestDocumentedSets(t *testing.T) {
	pair := regexp.MustCompile(`--set (?:"([^"$]*(?:\$PWD)?[^"$]*)"|([a-z_.]+=[^\s` + "`" + `)]+))`)
	found := 0
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "docs/*.md", "scripts/*.py", "scripts/*.md", "scripts/*.sh"} {
		files, err := filepath.Glob(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range pair.FindAllStringSubmatch(string(text), -1) {
				found++
				if _, err := Load("nano", flagSet(t, "--set", m[1]+m[2])); err != nil {
					t.Errorf("%s: --set %s: %v", file, m[1]+m[2], err)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("%d uses of --set: the documents have more", found)
	}
}
