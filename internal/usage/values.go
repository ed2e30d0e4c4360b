package usage

import (
	"errors"
	"regexp"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var octal = regexp.MustCompile(`^([-+]?)0+([0-9_]+)$`)

// Octal reports whether libraries would read a whole number as octal, such as 010, which
// nobody means.
func Octal(text string) bool { return octal.MatchString(text) }

// Decimal makes the flags of a command and its subcommands read such numbers as decimal.
func Decimal(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if slices.Contains([]string{"int", "int64", "uint64"}, f.Value.Type()) {
			f.Value = decimal{f.Value}
		}
	})
	for _, below := range cmd.Commands() {
		Decimal(below)
	}
}

// decimal is a whole number.
type decimal struct{ pflag.Value }

// Set parses the number.
func (d decimal) Set(text string) error { return d.Value.Set(octal.ReplaceAllString(text, "$1$2")) }

// OneOf defines a flag whose value, if it is given, is one of a few. Complete completes
// it.
func OneOf(f *pflag.FlagSet, to *string, name, value, help string, values []string) {
	*to = value
	f.Var(&oneOf{to, values}, name, help)
}

// oneOf is a [pflag.Value].
type oneOf struct {
	to     *string
	values []string
}

// String returns the value.
func (o *oneOf) String() string { return *o.to }

// Type is that of other flags with text.
func (o *oneOf) Type() string { return "string" }

// Set sets the value.
func (o *oneOf) Set(text string) error {
	if !slices.Contains(o.values, text) {
		return errors.New("choose " + english.WordSeries(o.values, "or"))
	}
	*o.to = text
	return nil
}

// Bytes defines a flag with an amount of bytes, such as 2GB; "" is 0.
func Bytes(f *pflag.FlagSet, to *int64, name, value, help string) {
	b := &amount{to: to}
	if err := b.Set(value); err != nil {
		panic(err) // the program's own default
	}
	f.Var(b, name, help)
}

// amount is a [pflag.Value].
type amount struct {
	to   *int64
	text string
}

// String returns the amount as it was written.
func (a *amount) String() string { return a.text }

// Type is that of other flags with text.
func (a *amount) Type() string { return "string" }

// Set parses an amount.
func (a *amount) Set(text string) error {
	n, err := uint64(0), error(nil)
	if text != "" {
		if n, err = humanize.ParseBytes(text); err != nil || n == 0 || n > 1<<60 {
			return errors.New("write an amount such as 500MB or 2GiB")
		}
	}
	*a.to, a.text = int64(n), text
	return nil
}
