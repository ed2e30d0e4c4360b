package config

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestRecipe: a recipe is a configuration when it is written into a file, and comes
// back the same; those of before are read, too.
func TestRecipe(t *testing.T) {
	for _, name := range Names() {
		c, err := Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Data = "/home/somebody"
		text, err := c.Recipe()
		if err != nil || strings.Contains(text, "somebody") {
			t.Fatalf("%s: %s, %v", name, text, err)
		}
		c.Data = ""
		inFolder(t, map[string]string{"pasted.yaml": text})
		pasted, err := Load("pasted", nil)
		if err != nil {
			t.Fatalf("%s, pasted into a file: %v", name, err)
		}
		parsed, err := ParseRecipe(text)
		if err != nil {
			t.Fatal(err)
		}
		old, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		before, err := ParseRecipe(string(old))
		if err != nil {
			t.Fatal(err)
		}
		before.Model = c.Model // its variant was left out
		for from, got := range map[string]*Config{"pasted": pasted, "parsed": parsed, "of before": before} {
			want, is := recipeOf(t, *c), recipeOf(t, *got)
			if want != is {
				t.Errorf("%s, %s: %s, want %s", name, from, is, want)
			}
		}
	}
	for _, damaged := range []string{"", "[]", "5", `{"train": 5}`, `{"train": {"lr": "fast"}}`, `{"Train": 5}`, `{"tasks": {}}`} {
		if c, err := ParseRecipe(damaged); err == nil {
			t.Errorf("%q is read as %+v", damaged, c)
		}
	}
	if c, err := ParseRecipe(`{"train": {"lr": 1, "later": 2}, "sometime": {}}`); err != nil || c.Train.LR != 1 {
		t.Errorf("a later version's: %+v, %v", c, err)
	}
}

func recipeOf(t *testing.T, c Config) string {
	t.Helper()
	text, err := c.Recipe()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
