package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"clusir/internal/suggest"
)

var (
	wrongField = regexp.MustCompile(`(?s)^(line \d+: )field (.*) (not found|already set) in type (.+)$`)
	wrongType  = regexp.MustCompile(`(?s)^(line \d+: )cannot unmarshal !+(\S*)(?: ` + "`(.*)`" + `)? into (.+)$`)
)

// yamlNames are the kinds of YAML's values, and of what is wanted in their place,
// as a user calls them.
var yamlNames = map[string]string{
	"seq": "a list", "map": "a block of keys", "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false",
	"null": "nothing", "timestamp": "a date", "binary": "binary data",
}

// plainYAML is an error of the YAML library without the names of our types.
func plainYAML(err error) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var lines []string
	for _, e := range wrong.Errors {
		lines = append(lines, plainLine(e))
	}
	return errors.New(strings.Join(lines, "; "))
}

func plainLine(text string) string {
	if m := wrongField.FindStringSubmatch(text); m != nil {
		line, field, goType := m[1], m[2], m[4]
		switch {
		case m[3] == "already set":
			return line + "the field " + field + " is listed twice"
		case strings.HasSuffix(goType, ".Benchmark"):
			return line + "there is no field " + field + ": " + suggest.Or(field, benchmarkFields)
		}
		return line + "there is no field " + field + ": " + suggest.Or(field, []string{"benchmarks", "groups"})
	}
	if m := wrongType.FindStringSubmatch(text); m != nil {
		line, tag, value := m[1], m[2], m[3]
		is := cmp.Or(yamlNames[tag], "a value of type "+tag)
		if value != "" {
			is += " (" + value + ")"
		}
		return line + is + ", and " + wanted(m[4]) + " is needed"
	}
	return text
}

// benchmarkFields are those that a file may set.
var benchmarkFields = []string{"title", "task", "clean", "input", "target", "match", "sigmas", "made", "kinds", "expected", "get"}

// wanted names what a value of a Go type is written as.
func wanted(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["), strings.Contains(goType, "struct"), strings.HasSuffix(goType, "Benchmark"):
		return "a block of keys"
	case strings.HasPrefix(goType, "int"):
		return "a whole number"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	}
	return "text"
}

// mustBeWhole refuses other numbers where a field is an integer: the decoder would cut
// 1.5 to 1.
func mustBeWhole(n *yaml.Node, t reflect.Type, key string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var of func(name string) (reflect.Type, bool)
	switch {
	case n.Kind == yaml.DocumentNode && len(n.Content) == 1:
		return mustBeWhole(n.Content[0], t, key)
	case n.Kind == yaml.ScalarNode && t.Kind() == reflect.Int && n.ShortTag() == "!!float":
		return fmt.Errorf("line %d: %s is %s, and a whole number is needed", n.Line, strings.TrimPrefix(key, "."), n.Value)
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		of = func(string) (reflect.Type, bool) { return t.Elem(), true }
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		of = func(name string) (reflect.Type, bool) { return yamlField(t, name) }
	default:
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		if field, ok := of(name); ok {
			if err := mustBeWhole(n.Content[i+1], field, key+"."+name); err != nil {
				return err
			}
		}
	}
	return nil
}

// yamlField is the type of a struct's field by its name in YAML.
func yamlField(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if tag == name || tag == "" && strings.ToLower(f.Name) == name {
			return f.Type, true
		}
	}
	return nil, false
}
