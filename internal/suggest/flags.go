package suggest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// FlagError rewrites pflag's error about a command line: with the flag that was
// probably meant, or with what a value must be.
func FlagError(f *pflag.FlagSet, err error) error {
	unknown, invalid, lacking := new(pflag.NotExistError), new(pflag.InvalidValueError), new(pflag.ValueRequiredError)
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(f, unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames())
	case errors.As(err, &lacking) && lacking.GetSpecifiedShortnames() != "":
		return fmt.Errorf("-%s needs a value", lacking.GetSpecifiedName())
	case errors.As(err, &lacking):
		return fmt.Errorf("--%s needs a value", lacking.GetSpecifiedName())
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		if must := values[flag.Value.Type()]; must != "" {
			return fmt.Errorf("--%s %s: must be %s", flag.Name, invalid.GetValue(), must)
		}
		return fmt.Errorf("--%s %s: %w", flag.Name, invalid.GetValue(), errors.Unwrap(invalid))
	}
	return err
}

// unknownFlag returns the error of a flag that does not exist, or of a file whose name
// looks like one.
func unknownFlag(f *pflag.FlagSet, name, letters string) error {
	flag, written := "--"+name, "--"+name
	if letters != "" {
		flag, written = "-"+name, "-"+letters
	}
	var names []string
	f.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	word, _, _ := strings.Cut(strings.TrimLeft(written, "-"), "=")
	near, ok := Nearest(word, names)
	switch {
	case strings.Contains(written, "."):
		return fmt.Errorf("there is no flag %s: for a file called %s write ./%[2]s", flag, written)
	case ok && len(word) > 1:
		return fmt.Errorf("there is no flag %s: did you mean --%s?", written[:strings.Index(written, word)+len(word)], near)
	}
	return fmt.Errorf("there is no flag %s", flag)
}

// values describes the values of flags by their types, but not of those whose own errors
// do.
var values = map[string]string{
	"bool":         "true or false",
	"int":          "a whole number",
	"int64":        "a whole number",
	"uint64":       "a whole number, 0 or more",
	"float32":      "a number",
	"float64":      "a number",
	"intSlice":     "whole numbers separated by commas",
	"float64Slice": "numbers separated by commas",
	"duration":     "a time such as 90s or 10m",
}
