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
	unknown, invalid := new(pflag.NotExistError), new(pflag.InvalidValueError)
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(f, unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames())
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		if must := valueOf(flag); must != "" {
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
	near, ok := Nearest(name, names)
	switch {
	case strings.Contains(written, "."):
		return fmt.Errorf("there is no flag %s: for a file called %s write ./%[2]s", flag, written)
	case ok && letters == "":
		return fmt.Errorf("there is no flag %s: did you mean --%s?", flag, near)
	}
	return fmt.Errorf("there is no flag %s", flag)
}

// valueOf describes the values of a flag, "" if its own error does.
func valueOf(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return "true or false"
	case "int", "int64":
		return "a whole number"
	case "uint64":
		return "a whole number, 0 or more"
	case "float32", "float64":
		return "a number"
	case "intSlice":
		return "whole numbers separated by commas"
	case "float64Slice":
		return "numbers separated by commas"
	case "duration":
		return "a time such as 90s or 10m"
	}
	return ""
}
