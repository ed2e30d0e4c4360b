package main

import (
	"fmt"
	"slices"
	"strings"
)

// formerly maps former flags of eval to the commands that replace them.
var formerly = map[string]string{"--merge": "merge", "--compare": "compare", "--table": "table", "--figure": "figure"}

// renamed rewrites command lines of earlier versions: 'eval --table 2' is now 'table
// 2'. The note says so; it is "" for all other lines.
func renamed(args []string) (now []string, note string) {
	if len(args) == 0 || args[0] != "eval" {
		return args, ""
	}
	for i, a := range args {
		flag, value, hasValue := strings.Cut(a, "=")
		command := formerly[flag]
		if command == "" {
			continue
		}
		now = slices.Concat(args[1:i], args[i+1:])
		if hasValue {
			now = append([]string{value}, now...)
		} else if i+1 < len(args) && (flag == "--table" || flag == "--figure") {
			now = append([]string{args[i+1]}, slices.Delete(now, i-1, i)...)
		}
		return append([]string{command}, now...), fmt.Sprintf("'eval %s' is 'clusir %s' now", flag, command)
	}
	return args, ""
}
