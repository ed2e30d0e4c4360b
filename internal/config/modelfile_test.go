package config

import (
	"reflect"
	"strings"
	"testing"

	"clusir/internal/arch"
)

func TestReadModel(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a variant with changes", "variant: nano\ndim: 24\nheads: [1, 2, 3, 6]\n", "{dim: 24, heads: [1, 2, 3, 6], variant: nano}"},
		{"JSON", `{"dim": 16, "ffn_ratio": 2.0, "prompt_size": [16, 16, 16], "use_moe": true}`,
			"{dim: 16, ffn_ratio: 2, prompt_size: [16, 16, 16], variant: base}"},
		{"indented JSON", "{\n\t\"dim\": 16,\n\t\"enc_blocks\": [\n\t\t1, 1, 1, 1\n\t]\n}\n", "{dim: 16, enc_blocks: [1, 1, 1, 1], variant: base}"},
		{"nothing", "# the paper's\n", "{variant: base}"},
		{"a configuration", "model: {variant: tiny, dim: 32}\ntrain: {steps: 9}\n", "{dim: 32, variant: tiny}"},
		{"one that extends another", "extends: nano\nmodel: {dim: 24}\n", "{dim: 24, variant: nano}"},
		{"JSON of a configuration", `{"model": {"variant": "small"}}`, "{variant: small}"},
	} {
		inFolder(t, map[string]string{"net": c.text})
		m, err := ReadModel("net")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got, err := Flow(m); err != nil || got != c.want {
			t.Errorf("%s: %s (%v), want %s", c.name, got, err, c.want)
		}
	}
}

func TestReadModelRejects(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"dimm: 16", "net:1: unknown key dimm: did you mean dim?"},
		{"lr: 1", "net:1: unknown key lr: choose from variant, dim, enc_blocks"},
		{"model: {dimm: 16}", "net:1: unknown key model.dimm: did you mean model.dim?"},
		{"extends: base", "no configuration base"},
		{"model: {dim: 16}\ntrain: {lr: 7}", "net:2: train.lr = 7"},
		{"dim: wide", "net:1: dim: must be a whole number"},
		{"dim: 4\nexperts: 0", "net:2: experts: 0 is out of range: use 1 to 64"},
		{"variant: tinny", "net:1: variant = \"tinny\": must be one of base, nano, small, tiny (did you mean tiny?)"},
		{"[1, 2]", "the text must be a block of keys"},
		{"a: {", "net: line 1"},
	} {
		inFolder(t, map[string]string{"net": c.text})
		if _, err := ReadModel("net"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := ReadModel("absent.json"); err == nil || !strings.Contains(err.Error(), "absent.json") {
		t.Errorf("an absent file: %v", err)
	}
}

// TestReadModelOfBuiltIn: the name of a configuration stands for its model, and the
// environment does not change it.
func TestReadModelOfBuiltIn(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("CLUSIR_MODEL_DIM", "8")
	m, err := ReadModel("denoise-nano")
	if err != nil || !reflect.DeepEqual(m.Config, arch.Variants()["nano"]) {
		t.Errorf("%+v, %v", m, err)
	}
}
