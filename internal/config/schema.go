package config

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"clusir/internal/strict"
	"clusir/internal/suggest"
)

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
	for _, k := range strict.Keys(t) {
		if k.Type.Kind() == reflect.Struct {
			ls = appendLeaves(ls, k.Type, prefix+k.Name+".")
		} else {
			ls = append(ls, leaf{prefix + k.Name, k.Type})
		}
	}
	return ls
}

// envName returns the environment variable that sets key, "" for tasks, which text cannot
// set.
func (l leaf) envName() string {
	if l.key == "tasks" {
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
	for _, k := range strict.Keys(t) {
		names = append(names, k.Name)
	}
	if prefix == "" && !alone {
		names = append(names, "extends")
	}
	if near, ok := suggest.Nearest(name, names); ok {
		return fmt.Sprintf("unknown key %s: did you mean %s%s?", key, prefix, near)
	}
	return fmt.Sprintf("unknown key %s: choose from %s", key, strings.Join(names, ", "))
}
