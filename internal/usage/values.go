package usage

import (
	"errors"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/pflag"
)

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
