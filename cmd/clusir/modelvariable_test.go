package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestModelVariable(t *testing.T) {
	for _, c := range []struct {
		args, value string
		code        int
		want        string // in the messages
	}{
		{"restore a.png b.png", "foo", exitError, `CLUSIR_MODEL: model "foo": no embedded model has that name`},
		{"restore a.png b.png", "./gone.safetensors", exitError, "CLUSIR_MODEL: cannot read ./gone.safetensors"},
		{"restore a.png b.png", "tiny", exitError, `CLUSIR_MODEL: model "tiny": no embedded model has that name`},
		{"restore a.png b.png --model bar", "foo", exitError, `model "bar"`},
		{"eval --benchmark cbsd68 --data .", "foo", exitError, "CLUSIR_MODEL: model"},
		{"bench --runs 0 --size 32", "foo", exitError, "CLUSIR_MODEL: model"},
		{"bench --runs 0 --size 32", "tiny", exitOK, "tiny"},
		{"bench --runs 0 --size 32 --model nano", "foo", exitOK, "nano"},
	} {
		t.Setenv("CLUSIR_MODEL", c.value)
		var out, messages bytes.Buffer
		code := run(strings.Fields(c.args), &out, &messages)
		if all := out.String() + messages.String(); code != c.code || !strings.Contains(all, c.want) {
			t.Errorf("CLUSIR_MODEL=%s clusir %s: exit %d\n%s", c.value, c.args, code, all)
		}
	}
}
