package config

import (
	"reflect"
	"strings"
	"testing"

	"clusir/internal/arch"
)

// TestRejected checks each rule with a file that breaks it: the error must name the
// file, the line, the key and the remedy.
func TestRejected(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		// Form.
		{"lr: 1", "run.yaml:1: unknown key lr: did you mean train.lr?"},
		{"train: {lrr: 1}", "run.yaml:1: unknown key train.lrr: did you mean train.lr?"},
		{"trian:\n  lr: 1", "run.yaml:1: unknown key trian: did you mean train?"},
		{"train:\n  LR: 1", "run.yaml:2: unknown key train.LR: did you mean train.lr?"},
		{"eval: {colour: 1}", "unknown key eval.colour: choose from benchmarks, benchmark_file, protocol, seed, y_channel"},
		{"tasks:\n  - {kind: dehaze, repeats: 1}", "run.yaml:2: unknown key tasks[0].repeats: did you mean tasks[0].repeat?"},
		{"train:\n  lr: 1\n  lr: 2", "train.lr is set a second time"},
		{"train: 5", "run.yaml:1: train must be a block of keys"},
		{"- a", "the text must be a block of keys"},
		{"hello", "the text must be"},
		{"tasks: denoise", "tasks must be a list"},
		{"tasks: [denoise]", "tasks[0] must be a block of keys"},
		{"train:\n  lr:", "run.yaml:2: train.lr has no value"},
		{"train: &t {lr: 1}\nmodel: *t", "unknown key model.lr"},
		{"train: &t {lr: 1}\ntasks: [*t]", "unknown key tasks[0].lr"},
		{"train: {vary: &v {mild: 0.1}, <<: *v}", "run.yaml:1: unknown key train.mild"},
		{"train: &t {vary: *t}", "run.yaml:1: anchor 't' value contains itself"},
		{"train: {lr: fast}", "train.lr: must be a number"},
		{"train: {lr: [1]}", "train.lr: must be a number"},
		{"train: {batch: 1.5}", "train.batch: must be a whole number"},
		{"device: true", "device: must be text"},
		{"device: !!binary aGk=", "device: must be text"},
		{"extends: nano\nextends: tiny", "run.yaml:2: extends is set a second time: keep one of the two"},
		{"tasks: [{kind: pairs, repeat: 1, input: a/, target: ./a}]", `run.yaml:1: tasks[0].input = "a/": must be another folder than target`},
		{"train: {steps: 010}", "train.steps: 010 could be octal: write it without the zero in front"},
		{"train: {lr: 08}", "train.lr: 08 could be octal"},
		{"train: {batch: 99999999999999999999}", "train.batch: must be a whole number"},
		{"train: {seed: -1}", "train.seed: must be a whole number, 0 or more"},
		{"train: {recompute: 3}", "train.recompute: must be true or false"},
		{"model: {heads: [1, x, 2, 2]}", "model.heads[1]: must be a whole number"},
		{"model: {dim: wide}", "model.dim: must be a whole number"},
		{"extends: [a]", "extends must be the name"},
		{"extends: 5", "extends must be the name"},
		{"a: {", "run.yaml: line 1"},
		{"data: a\n---\ndata: b", "more than one YAML document"},
		// Values.
		{"device: gpu", `run.yaml:1: device = "gpu": must be auto, cpu, cuda or cuda:N`},
		{"device: cuda:x", "device"},
		{"device: cpu,auto", "device"},
		{"device: cpu" + strings.Repeat(",cpu", 64), "must be 64 devices at most"},
		{"threads: -1", "threads = -1: must be in 1..1024, or 0"},
		{"threads: 1025", "threads = 1025"},
		{"model: {variant: tinny}", "(did you mean tiny?)"},
		{"model: {dim: 0}", "model.dim: 0 is out of range: use 4 to 4096"},
		{"model: {refine_blocks: -1}", "model.refine_blocks: -1"},
		{"model: {experts: 0}", "model.experts: 0"},
		{"model: {top_experts: 0}", "model.top_experts: cannot keep 0 of 4 experts"},
		{"model: {prompt_len: 0}", "model.prompt_len: 0"},
		{"model: {fsb_kernel: 0}", "model.fsb_kernel: 0"},
		{"model: {fsb_groups: 0}", "model.fsb_groups: 0"},
		{"model: {ffn_ratio: 0}", "model.ffn_ratio: 0 leaves no sensible number of hidden channels"},
		{"model: {expert_ratio: .nan}", "model.expert_ratio: NaN"},
		{"model: {enc_blocks: [1, 2, 3]}", "model.enc_blocks: [1 2 3] has 3 entries: give 4"},
		{"model: {dec_blocks: []}", "model.dec_blocks: [] has 0 entries: give 3"},
		{"model: {heads: [1, 2, 0, 4]}", "model.heads: 0 is out of range"},
		{"model: {clusters: [1]}", "model.clusters"},
		{"model: {top_clusters: [1]}", "model.top_clusters"},
		{"model: {prompt_size: [1]}", "model.prompt_size"},
		{"model: {prototype_init: uniformly}", "model.prototype_init: \"uniformly\" is unknown: use \"orthogonal\" or \"uniform\""},
		{"tasks:\n- {kind: dehaze, repeat: 1}\n- {kind: denoice, repeat: 1, sigmas: [1]}", `run.yaml:3: tasks[1].kind = "denoice": must be one of`},
		{"tasks:\n- {kind: dehaze}", "run.yaml:2: tasks[0].repeat = 0: must be 1 or more"},
		{"tasks: [{kind: dehaze, repeat: -1}]", "tasks[0].repeat = -1: must be in 0..1000000000"},
		{"tasks: [{kind: dehaze, synth: -1}]", "tasks[0].synth = -1"},
		{"tasks: [{kind: derain, transfer: -1}]", "tasks[0].transfer = -1"},
		{"tasks: [{kind: dehaze, repeat: 1, sigmas: [15]}]", "tasks[0].sigmas = [15]: must be left out"},
		{"tasks: [{kind: denoise, repeat: 1}]", "tasks[0].sigmas = []: must be a list, such as"},
		{"tasks: [{kind: denoise, repeat: 1, sigmas: [0]}]", "tasks[0].sigmas = 0: must be above 0"},
		{"tasks: [{kind: denoise, repeat: 1, sigmas: [256]}]", "tasks[0].sigmas = 256"},
		{"tasks: [{kind: denoise, repeat: 1, sigmas: [5], input: x}]", "tasks[0].input"},
		{"tasks: [{kind: derain, repeat: 1, input: x}]", "given together with target"},
		{"tasks: [{kind: pairs, repeat: 1}]", "pairs of one's own"},
		{"train: {steps: -1}", "train.steps = -1: must be in 1..1000000000"},
		{"train: {epochs: 0}", "train.epochs = 0"},
		{"train: {batch: 0}", "train.batch = 0"},
		{"train: {batch: 1}", "train.batch = 1: must be 2 or more: BatchNorm"},
		{"train: {batch: 4, accumulate: 4}", "train.batch = 4: must be 8 or more: BatchNorm"},
		{"train: {accumulate: 0}", "train.accumulate = 0"},
		{"train: {batch: 8, accumulate: 3}", "train.accumulate = 3: must be a divisor of train.batch (8)"},
		{"train: {patch: 100}", "train.patch = 100: must be a multiple of 16"},
		{"train: {patch: 0}", "train.patch = 0"},
		{"train: {patch: 4112}", "train.patch = 4112: must be a multiple of 16 up to 4096"},
		{"train: {lr: 0}", "train.lr = 0: must be above 0"},
		{"train: {lr: 1.001}", "train.lr = 1.001: must be above 0 and at most 1"},
		{"train: {lr: .nan}", "train.lr = NaN"},
		{"train: {lr: .inf}", "train.lr = +Inf"},
		{"train: {min_lr: 1}", "train.min_lr = 1: must be from 0 up to train.lr"},
		{"train: {warmup: -1}", "train.warmup"},
		{"train: {schedule: cosin}", "did you mean cosine?"},
		{"train: {optimizer: muons}", "did you mean muon?"},
		{"train: {steps: 0}", "run.yaml:1: train.steps = 0: must be 1 or more; leave it out to train for train.epochs"},
		{"train: {steps: 10000000000}", "train.steps = 10000000000: must be in 1..1000000000"},
		{"train: {epochs: 0}", "train.epochs = 0: must be in 1..1000000"},
		{"train: {halve_after: 0}", "train.halve_after = 0: must be in 1..1000000"},
		{"train: {ms_ssim_weight: -1}", "train.ms_ssim_weight"},
		{"train: {smooth_l1: -.1}", "train.smooth_l1"},
		{"train: {orthogonality_weight: -1}", "train.orthogonality_weight"},
		{"train: {balance_weight: .inf}", "train.balance_weight = +Inf"},
		{"train: {grad_clip: -1}", "train.grad_clip"},
		{"train: {ema: 1}", "train.ema = 1: must be 0 (none) or below 1"},
		{"train: {cache_mb: -1}", "train.cache_mb"},
		{"train: {cache_mb: 1099511627777}", "train.cache_mb = 1099511627777"},
		{"train: {log_interval: -1}", "train.log_interval"},
		{"train: {checkpoint_interval: -1}", "train.checkpoint_interval"},
		{"train: {validation_interval: -1}", "train.validation_interval"},
		{"eval: {protocol: promptIR}", "did you mean promptir?"},
		{"eval: {benchmarks: [lol, lol]}", `eval.benchmarks = "lol": must be names, each one once`},
		{"eval: {benchmarks: [mine, {Mine: {clean: a, sigmas: [5]}}]}", `eval.benchmarks = "mine": must be names, each one once`},
		{"eval:\n  benchmarks:\n    - cbsd68\n    - mine: {inputs: a}", "run.yaml:4: eval.benchmarks: there is no field inputs: did you mean \"input\"?"},
		{"eval:\n  benchmarks:\n    mine:\n      input: a", "run.yaml:4: eval.benchmarks: benchmark mine: needs input and target"},
		{"eval: {benchmarks: {m: {task: denoize, input: a, target: b}}}", `run.yaml:1: eval.benchmarks: benchmark m: there is no task "denoize"`},
		{"eval: {benchmarks: {m: {input: a, target: b, expected: 1.5}}}", "eval.benchmarks: m.expected: must be a whole number"},
		{"eval: {benchmarks: {m: {}, M: {}}}", "benchmark m is described twice"},
		{"eval: {benchmarks: {m: }}", "eval.benchmarks: benchmark m is empty"},
		{"eval: {benchmarks: lol}", "run.yaml:1: eval.benchmarks: must be a list of names"},
		{"train: {clean: [&b lol]}\neval: {benchmarks: [*b, LOL]}", `eval.benchmarks = "LOL": must be names, each one once`},
		{"eval: {benchmarks: [[lol]]}", "eval.benchmarks: each must be the name of a benchmark"},
		{"eval: {benchmarks: [~]}", "eval.benchmarks: each must be the name of a benchmark"},
	} {
		inFolder(t, map[string]string{"run.yaml": c.text})
		if _, err := Load("run", nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n\terror %q\n\tdoes not say %q", c.text, err, c.want)
		}
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	inFolder(t, map[string]string{"run.yaml": "device: gpu\nthreads: -1\ntrain:\n  lr: 0\n", "form.yaml": "a: 1\nb: 2\n"})
	_, err := Load("run", nil)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three lines, got %v", err)
	}
	if _, err = Load("form", nil); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("want two lines, got %v", err)
	}
}

// TestOneFaultOneLine: what only follows from another fault is not named.
func TestOneFaultOneLine(t *testing.T) {
	for _, text := range []string{"train: {batch: 0}", "train: {lr: 0, min_lr: 1e-6}"} {
		inFolder(t, map[string]string{"run.yaml": text})
		if _, err := Load("run", nil); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: want one line, got %v", text, err)
		}
	}
}

func TestAcceptedLimits(t *testing.T) {
	for _, text := range []string{
		"device: cuda:0", "device: cuda", "device: cuda:0,cuda:1", "device: cpu" + strings.Repeat(",cpu", 63), "threads: 1024", "model: {use_dafmm: false}\ntrain: {batch: 1}",
		"train: {schedule: constant, epochs: 1}", "train: {ema: 0.999}", "train: {seed: 18446744073709551615}",
		"tasks: [{kind: pairs, repeat: 1, input: a, target: b}]", "tasks: [{kind: denoise, repeat: 1, sigmas: [0.5, 255], target: a}]",
		"train: {lr: 1, min_lr: 1}", "train: {lr: &x 1, min_lr: *x}", "data: extends\nextends: nano", "tasks: [{kind: desnow, synth: 2}, {kind: cdd11, repeat: 1, kinds: [haze]}]", "model: {refine_blocks: 0}", "data: 5",
	} {
		inFolder(t, map[string]string{"run.yaml": text})
		if _, err := Load("run", nil); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestModelNames: the fields of a model have the same names in files as in checkpoints,
// and every variant and built-in configuration is valid.
func TestModelNames(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[arch.Config]()) {
		if got, want := keyName(f), f.Tag.Get("json"); got != want || got == "" {
			t.Errorf("%s is %q in files and %q in checkpoints", f.Name, got, want)
		}
	}
	for _, name := range arch.Names() {
		c, err := loadText([]byte("model: {variant: " + name + "}"))
		if err != nil || !reflect.DeepEqual(c.Model.Config, arch.Variants()[name]) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	inFolder(t, nil)
	for _, name := range Names() {
		if _, err := Load(name, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
