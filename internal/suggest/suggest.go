// Package suggest finds what a misspelt name was meant to be.
package suggest

import (
	"fmt"
	"strings"
)

// maxName bounds the work on texts too long to be a misspelt name.
const maxName = 64

// Nearest returns the candidate that is the fewest edits away from name, unless even
// that one is too different.
func Nearest(name string, candidates []string) (string, bool) {
	if len(name) > maxName {
		return "", false
	}
	best, nearest := "", 1+max(1, len(name)/3)
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < nearest {
			best, nearest = c, d
		}
	}
	return best, best != ""
}

// Or returns the end of a message about an unknown name: the candidate that was
// probably meant, or all of them.
func Or(name string, candidates []string) string {
	if near, ok := Nearest(name, candidates); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "choose among " + strings.Join(candidates, ", ")
}

// OneOf completes "must be ..." about an unknown name: all candidates, and the one that
// was probably meant.
func OneOf(name string, candidates []string) string {
	must := "one of " + strings.Join(candidates, ", ")
	if near, ok := Nearest(name, candidates); ok {
		must += " (did you mean " + near + "?)"
	}
	return must
}

// distance returns the smallest number of insertions, deletions, replacements and swaps
// of neighbouring bytes that turn a into b (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1) // rows[i][j] is that of a[:i] and b[:j]
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
