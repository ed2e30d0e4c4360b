package config

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"clusir/internal/arch"
)

// TestRecipe: a recipe is a valid configuration file and can be read back unchanged;
// recipes of earlier versions can be read, too.
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
		names := regexp.MustCompile(`{"Name":("\w+"),"Own":null}`) // only names were in the list
		before, err := ParseRecipe(names.ReplaceAllString(string(old), "$1"))
		if err != nil {
			t.Fatal(err)
		}
		before.Model = c.Model // earlier versions left out the variant
		for from, got := range map[string]*Config{"pasted": pasted, "parsed": parsed, "of before": before} {
			want, is := recipeOf(t, *c), recipeOf(t, *got)
			if want != is {
				t.Errorf("%s, %s: %s, want %s", name, from, is, want)
			}
		}
	}
	for _, damaged := range []string{"", "[]", "5", `{"train": 5}`, `{"train": {"lr": "fast"}}`, `{"Train": 5}`, `{"tasks": {}}`,
		`{"train": {"batch": 1.5}}`, `{"threads": 0.5}`, `{"eval": {"seed": 1.5}}`, `{"model": {"dim": 16.5}}`, `{"model": {"enc_blocks": [2.5, 2, 2, 1]}}`,
		`{"tasks": [{"kind": "denoise", "repeat": 1.5}]}`, `{"train": {"seed": -1}}`, `{"Train": {"Batch": 1.5}}`,
	} {
		if c, err := ParseRecipe(damaged); err == nil {
			t.Errorf("%q is read as %+v", damaged, c)
		}
	}
	if c, err := ParseRecipe(`{"train": {"lr": 1, "later": 2}, "sometime": {}}`); err != nil || c.Train.LR != 1 {
		t.Errorf("a later version's: %+v, %v", c, err)
	}
}

// TestRecipeOfOwnBenchmarks: a run's recipe keeps the benchmarks that its configuration
// describes, and the known fields of a later version's descriptions.
func TestRecipeOfOwnBenchmarks(t *testing.T) {
	const block = "mine: {task: derain, input: [rainy, wet], target: clean, match: rain}"
	for _, text := range []string{"eval: {benchmarks: {" + block + "}}", "eval:\n  benchmarks:\n    - " + block} {
		c, err := loadText([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		recipe := recipeOf(t, *c)
		const want = `"benchmarks":[{"mine":{"input":["rainy","wet"],"match":"rain","target":"clean","task":"derain","title":"mine"}}]`
		if !strings.Contains(recipe, want) {
			t.Errorf("%s: the recipe is %s", text, recipe)
		}
		again, err := ParseRecipe(recipe)
		if err != nil || recipeOf(t, *again) != recipe || !again.Eval.Benchmarks[0].Own.Own {
			t.Errorf("%s: %+v, %v", text, again, err)
		}
	}
	c, err := ParseRecipe(`{"eval": {"benchmarks": ["a", {"mine": {"task": "unheard", "later": 5}}]}}`)
	if err != nil || len(c.Eval.Benchmarks) != 2 || c.Eval.Benchmarks[1].Own.Task != "unheard" {
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

// TestModelOf finds the variant that a recipe of an earlier version left out.
func TestModelOf(t *testing.T) {
	for _, c := range []struct {
		from   string
		change func(*arch.Config)
		want   string
	}{
		{"nano", func(*arch.Config) {}, `"model":{"variant":"nano"}`},
		{"base", func(*arch.Config) {}, `"model":{"variant":"base"}`},
		{"small", func(*arch.Config) {}, `"model":{"variant":"small"}`},
		{"small", func(c *arch.Config) { c.Dim = 48 }, `"model":{"variant":"base"}`},
		{"nano", func(c *arch.Config) { c.Dim, c.EncBlocks = 20, []int{1, 1, 1, 1} }, `"model":{"dim":20,"enc_blocks":[1,1,1,1],"variant":"nano"}`},
		{"tiny", func(c *arch.Config) { c.UseMoE, c.UseDAFMM = false, false }, `"model":{"use_dafmm":false,"use_moe":false,"variant":"tiny"}`},
	} {
		network := arch.Variants()[c.from]
		c.change(&network)
		if got := recipeOf(t, Config{Model: ModelOf(network)}); !strings.Contains(got, c.want) {
			t.Errorf("%s changed: %s, want %s", c.from, got, c.want)
		}
	}
}
