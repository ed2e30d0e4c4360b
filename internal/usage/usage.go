// Package usage is what commands have in common: mistakes in a command line, groups of
// flags in the help, completion of values and manual pages.
package usage

import (
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Error is a mistake in a command line or in a request, evident whatever the files
// contain.
type Error struct{ error }

// Unwrap returns the error itself.
func (e Error) Unwrap() error { return e.error }

// Errorf formats an Error.
func Errorf(format string, a ...any) error { return Error{fmt.Errorf(format, a...)} }

// Of returns err as an Error, or nil.
func Of(err error) error {
	if err == nil {
		return nil
	}
	return Error{err}
}

// NoArguments refuses arguments and says what to write instead.
func NoArguments(instead string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return Errorf("unknown argument %q: %s", args[0], instead)
		}
		return nil
	}
}

// Exactly requires n arguments and says what they are.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return Errorf("%s", what)
		}
		return nil
	}
}

// AtLeast requires n or more arguments and says what they are.
func AtLeast(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return Errorf("%s", what)
		}
		return nil
	}
}

// Bytes parses a flag with an amount of bytes, 0 if not given.
func Bytes(flag, amount string) (int64, error) {
	if amount == "" {
		return 0, nil
	}
	n, err := humanize.ParseBytes(amount)
	if err != nil || n == 0 || n > 1<<60 {
		return 0, Errorf("--%s %s: write an amount such as 500MB or 2GiB", flag, amount)
	}
	return int64(n), nil
}

// OneOf requires a flag's value to be one of the choices.
func OneOf(flag, value string, choices []string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return Errorf("--%s %s: choose %s", flag, value, english.WordSeries(choices, "or"))
}

// Exclusive refuses pairs of flags that contradict each other.
func Exclusive(f *pflag.FlagSet, pairs [][2]string) error {
	for _, pair := range pairs {
		if f.Changed(pair[0]) && f.Changed(pair[1]) {
			return Errorf("--%s and --%s cannot be used together: leave one out", pair[0], pair[1])
		}
	}
	return nil
}
