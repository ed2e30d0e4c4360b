package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"clusir/internal/suggest"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

var (
	atLine    = regexp.MustCompile(`(?s)^line (\d+): (.*)$`)
	setTwice  = regexp.MustCompile(`(?s)^field (.*) already set in type .+$`)
	wrongType = regexp.MustCompile(`(?s)^cannot unmarshal !+(\S*)(?: ` + "`(.*)`" + `)? into (.+)$`)
)

// yamlNames are the user's terms for the kinds of YAML values and for what is expected
// instead.
var yamlNames = map[string]string{
	"seq": "a list", "map": "a block of keys", "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false",
	"null": "nothing", "timestamp": "a date", "binary": "binary data",
}

// Mistake is an error in a YAML text, and its line; 0 if unknown.
type Mistake struct {
	Line int
	Text string
}

// Mistakes are an error.
type Mistakes []Mistake

func (fs Mistakes) orNil() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

func (fs Mistakes) Error() string {
	var lines []string
	for _, f := range fs {
		if f.Line > 0 {
			f.Text = fmt.Sprintf("line %d: %s", f.Line, f.Text)
		}
		lines = append(lines, f.Text)
	}
	return strings.Join(lines, "; ")
}

func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// decodeStrict reads a node, all of whose keys must be known.
func decodeStrict(n *yaml.Node, into any) Mistakes {
	mistakes, whole := decode(n, into)
	if whole {
		mistakes = append(mistakes, checkFields(n, reflect.TypeOf(into), "")...)
	}
	slices.SortStableFunc(mistakes, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return mistakes
}

// decode reads a node; whole is false if the node cannot be traversed, such as an alias
// within itself.
func decode(n *yaml.Node, into any) (mistakes Mistakes, whole bool) {
	var wrong *yaml.TypeError
	err := n.Decode(into)
	switch {
	case errors.As(err, &wrong):
		for _, e := range wrong.Errors {
			mistakes = append(mistakes, plainLine(e))
		}
	case err != nil:
		return Mistakes{{n.Line, userfile.PlainYAML(err).Error()}}, false
	}
	return mistakes, true
}

// plainLine converts an error of the YAML library to one without the names of Go types.
func plainLine(text string) Mistake {
	var f Mistake
	if m := atLine.FindStringSubmatch(text); m != nil {
		f.Line, _ = strconv.Atoi(m[1]) // digits
		text = m[2]
	}
	f.Text = text
	if m := setTwice.FindStringSubmatch(text); m != nil {
		f.Text = "the field " + m[1] + " is listed twice"
	}
	if m := wrongType.FindStringSubmatch(text); m != nil {
		is := cmp.Or(yamlNames[m[1]], "a value of type "+m[1])
		if m[2] != "" {
			is += " (" + m[2] + ")"
		}
		f.Text = is + ", but " + wanted(m[3]) + " is needed"
	}
	return f
}

// wanted returns the user's term for the YAML form of a Go type.
func wanted(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["), strings.Contains(goType, "struct"), strings.HasSuffix(goType, "enchmark"):
		return "a block of keys"
	case strings.HasPrefix(goType, "int"):
		return "a whole number"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	}
	return "text"
}

// checkFields finds mistakes that the decoder ignores: unknown keys, numbers that it would
// read as octal, and fractions in integer fields, where it would truncate 1.5 to 1.
func checkFields(n *yaml.Node, t reflect.Type, key string) (mistakes Mistakes) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.AliasNode:
		return checkFields(n.Alias, t, key)
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			mistakes = append(mistakes, checkFields(item, t.Elem(), key)...)
		}
		return mistakes
	case n.Kind == yaml.ScalarNode && (t.Kind() == reflect.Int || t.Kind() == reflect.Float64) && usage.Octal(n.Value):
		return Mistakes{{n.Line, fmt.Sprintf("%s: %s could be octal: write it without the zero in front", strings.TrimPrefix(key, "."), n.Value)}}
	case n.Kind == yaml.ScalarNode && t.Kind() == reflect.Int && n.ShortTag() == "!!float":
		return Mistakes{{n.Line, fmt.Sprintf("%s is %s, but a whole number is needed", strings.TrimPrefix(key, "."), n.Value)}}
	case n.Kind != yaml.MappingNode || t.Kind() != reflect.Map && t.Kind() != reflect.Struct:
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		field, known := reflect.Type(nil), true
		switch {
		case k.ShortTag() == "!!merge":
			mistakes = append(mistakes, checkMerged(v, t, key)...)
			continue
		case t.Kind() == reflect.Map:
			field = t.Elem()
		default:
			field, known = yamlField(t, k.Value)
		}
		if !known {
			mistakes = append(mistakes, Mistake{k.Line, "there is no field " + k.Value + ": " + suggest.Or(k.Value, yamlFields(t))})
			continue
		}
		mistakes = append(mistakes, checkFields(v, field, key+"."+k.Value)...)
	}
	return mistakes
}

// checkMerged does what checkFields does for the value of <<: more keys of the same type,
// or a list of such blocks.
func checkMerged(n *yaml.Node, t reflect.Type, key string) (mistakes Mistakes) {
	if n.Kind != yaml.SequenceNode {
		return checkFields(n, t, key)
	}
	for _, block := range n.Content {
		mistakes = append(mistakes, checkFields(block, t, key)...)
	}
	return mistakes
}

// yamlField returns the type of a struct's field by its YAML name.
func yamlField(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); yamlName(f) == name && name != "" {
			return f.Type, true
		}
	}
	return nil, false
}

// yamlFields returns the YAML names of a struct's fields.
func yamlFields(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if name := yamlName(t.Field(i)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// yamlName returns a field's name in YAML, "" if it has none.
func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return strings.TrimPrefix(name, "-")
}
