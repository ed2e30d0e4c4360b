package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"clusir/internal/suggest"
)

// keyName returns the name of a field in files.
func keyName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

// fields lists the settings and sections of a struct, including those of embedded
// structs.
func fields(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Anonymous })
}

func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range fields(t) {
		if keyName(f) == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// leaf is a setting that is not a section.
type leaf struct {
	key string
	typ reflect.Type
}

// leaves lists all settings in field order.
var leaves = sync.OnceValue(func() []leaf { return appendLeaves(nil, reflect.TypeFor[Config](), "") })

// Keys lists the settings, as used in --set.
func Keys() []string {
	var keys []string
	for _, l := range leaves() {
		keys = append(keys, l.key)
	}
	return keys
}

func appendLeaves(ls []leaf, t reflect.Type, prefix string) []leaf {
	for _, f := range fields(t) {
		key := prefix + keyName(f)
		if f.Type.Kind() == reflect.Struct {
			ls = appendLeaves(ls, f.Type, key+".")
		} else {
			ls = append(ls, leaf{key, f.Type})
		}
	}
	return ls
}

// envName returns the environment variable that sets key, "" for lists of structs, which
// text cannot set.
func (l leaf) envName() string {
	if l.typ.Kind() == reflect.Slice && l.typ.Elem().Kind() == reflect.Struct &&
		!reflect.PointerTo(l.typ.Elem()).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return ""
	}
	return envPrefix + strings.ToUpper(strings.ReplaceAll(l.key, ".", "_"))
}

// unknown formats the error for a key that struct t does not have. It suggests the key
// of that name in another section, the nearest in this one, or all of this one's.
func unknown(t reflect.Type, prefix, name string) string {
	key := prefix + name
	alone := prefix == "" && t != reflect.TypeFor[Config]() // a file with one section's fields
	for _, l := range leaves() {
		if !alone && (strings.HasSuffix(l.key, "."+name) || l.key == name) {
			return fmt.Sprintf("unknown key %s: did you mean %s?", key, l.key)
		}
	}
	var names []string
	for _, f := range fields(t) {
		names = append(names, keyName(f))
	}
	if prefix == "" && !alone {
		names = append(names, "extends")
	}
	if near, ok := suggest.Nearest(name, names); ok {
		return fmt.Sprintf("unknown key %s: did you mean %s%s?", key, prefix, near)
	}
	return fmt.Sprintf("unknown key %s: choose from %s", key, strings.Join(names, ", "))
}
