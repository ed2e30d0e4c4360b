package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"clusir/internal/dataset"
	"clusir/internal/sharedtest"
	"clusir/internal/strict"
)

// TestKeysAreDocumented compares the settings with the table of docs/train.md: it has
// every key, every field and kind of a task, and no key that does not exist.
func TestKeysAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(sharedtest.Root(t), "docs", "train.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "\n## Settings\n")
	section, _, found := strings.Cut(after, "\n## ")
	if !found {
		t.Fatal("docs/train.md has no section Settings")
	}
	keys := Keys()
	must := slices.DeleteFunc(slices.Concat(keys, dataset.Kinds()), func(key string) bool { return strings.HasPrefix(key, "train.vary.") })
	for _, f := range strict.Keys(reflect.TypeFor[dataset.Task]()) {
		must = append(must, f.Name)
	}
	for _, key := range must {
		if !strings.Contains(section, "`"+key+"`") {
			t.Errorf("docs/train.md does not describe %s", key)
		}
	}
	for _, m := range regexp.MustCompile("`((train|eval|model)\\.[a-z0-9_]+)`").FindAllStringSubmatch(string(page), -1) {
		if key := m[1]; key != "train.vary" && !slices.Contains(keys, key) {
			t.Errorf("docs/train.md names %s, which is no key", key)
		}
	}
}
