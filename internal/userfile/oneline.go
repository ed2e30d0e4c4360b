package userfile

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine makes a text with file names safe for a terminal: names can contain line
// breaks, escape sequences, characters that reverse what follows and bytes that are not
// characters, which it shows in Go's notation.
func OneLine(text string) string {
	return escape(text, func(r rune) bool {
		return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	})
}

// Text makes a file name valid text for JSON, which would replace all bytes that are not
// characters by the same one: it shows them in Go's notation, so names stay different.
func Text(name string) string { return escape(name, func(rune) bool { return false }) }

// escape shows bytes that are not characters, and the chosen characters, in Go's notation.
func escape(text string, chosen func(rune) bool) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if broken := r == utf8.RuneError && n == 1; broken || chosen(r) {
			quoted := strconv.Quote(text[:n])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

// Lines applies OneLine to each line of a text, and keeps tabs that indent it.
func Lines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		words := strings.TrimLeft(line, "\t")
		lines[i] = line[:len(line)-len(words)] + OneLine(words)
	}
	return strings.Join(lines, "\n")
}

// oneLine is an error whose text is one line.
type oneLine struct{ error }

func (e oneLine) Error() string { return OneLine(e.error.Error()) }
func (e oneLine) Unwrap() error { return e.error }

// InOneLine returns an error with err's text on one line, or nil.
func InOneLine(err error) error {
	if err == nil {
		return nil
	}
	return oneLine{err}
}
