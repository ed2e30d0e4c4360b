package userfile

import (
	"encoding/json"
	"testing"
)

// TestPlainJSON: errors name the value of the wrong kind, but no Go type.
func TestPlainJSON(t *testing.T) {
	type part struct{ B int }
	for text, want := range map[string]string{
		`[]`: "it is an array", `{"A": []}`: `its "A" is an array`, `{"P": {"B": {}}}`: `its "P.B" is an object`, `5`: "it is a number",
		`{"A": 1.5}`: `its "A" is a number`, `{"A": true}`: `its "A" is a bool`, `{"A": "x"}`: `its "A" is a string`, `{`: "unexpected end of JSON input",
	} {
		var v struct {
			A int
			P part
		}
		if err := PlainJSON(json.Unmarshal([]byte(text), &v)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if PlainJSON(nil) != nil {
		t.Error("nil is an error")
	}
}
