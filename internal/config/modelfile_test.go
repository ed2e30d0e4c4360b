package config

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestReadModel(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a variant with changes", "variant: nano\ndim: 24\nheads: [1, 2, 3, 6]\n", `nano {"dim":24,"heads":[1,2,3,6]}`},
		{"JSON", `{"dim": 16, "ffn_ratio": 2.0, "prompt_size": [16, 16, 16], "use_moe": true}`,
			`base {"dim":16,"ffn_ratio":2,"prompt_size":[16,16,16],"use_moe":true}`},
		{"indented JSON", "{\n\t\"dim\": 16,\n\t\"enc_blocks\": [\n\t\t1, 1, 1, 1\n\t]\n}\n", `base {"dim":16,"enc_blocks":[1,1,1,1]}`},
		{"nothing", "# the paper's\n", `base {}`},
		{"a configuration", "model: {variant: tiny, dim: 16}\ntrain: {steps: 9}\n", `tiny {"dim":16}`},
		{"one that extends another", "extends: nano\nmodel: {dim: 24}\n", `nano {"dim":24}`},
		{"JSON of a configuration", `{"model": {"variant": "small"}}`, `small {}`},
	} {
		inFolder(t, map[string]string{"net": c.text})
		m, err := ReadModel("net")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		b, err := json.Marshal(m)
		if got := m.Variant + " " + string(b); err != nil || got != c.want {
			t.Errorf("%s: %s, want %s (%v)", c.name, got, c.want, err)
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
		{"dim: 4\nexperts: 0", "net:2: experts = 0: must be 1 or more"},
		{"variant: tinny", "net:1: variant = \"tinny\": must be one of base, small, tiny, nano (did you mean tiny?)"},
		{"[1, 2]", "a configuration must be a list of keys and values"},
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
	if err != nil || m.Variant != "nano" || m.Dim != nil {
		t.Errorf("%+v, %v", m, err)
	}
}
