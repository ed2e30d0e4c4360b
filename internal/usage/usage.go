// Package usage is what commands have in common: mistakes in a command line, groups of
// flags in the help, completion of values and manual pages.
package usage

import (
	"fmt"
	"os"
	"slices"
	"strings"

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

// Arguments requires a number of arguments that valid accepts, and says what they are.
func Arguments(valid cobra.PositionalArgs, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if valid(cmd, args) != nil {
			return Errorf("%s", what)
		}
		return nil
	}
}

// Values refuses what a shell left in flags: no text, of a variable that is not set, and ~,
// which it does not replace in --out=~/x. It also refuses - for a file.
func Values(f *pflag.FlagSet) (err error) {
	f.Visit(func(flag *pflag.Flag) {
		text := flag.Value.String()
		kind, _ := pflag.UnquoteUsage(flag)
		switch {
		case flag.Value.Type() != "string":
		case text == "":
			err = Errorf("--%s has no value: give it one, or leave it out", flag.Name)
		case flag.Shorthand != "" && flag.Shorthand+text == flag.Name: // -output is -o utput
			err = Errorf("there is no flag -%s: did you mean --%[1]s?", flag.Name)
		case text == "-" && slices.Contains([]string{"FILE", "FOLDER", "DIR"}, kind):
			err = NoStream("--"+flag.Name, text)
		case strings.HasPrefix(text, "~/"):
			err = Errorf("--%s %s: the shell did not replace ~ by your folder: write $HOME, or ./~ for a folder of that name", flag.Name, text)
		}
	})
	return err
}

// Detached refuses a value that follows a flag which takes one only after =, as in
// --ensemble flips, where it would be an argument. args follow the command's name. A file of
// that name is an argument.
func Detached(f *pflag.FlagSet, args []string) error {
	for i, arg := range args {
		if arg == "--" || i == len(args)-1 {
			break
		}
		name, long := strings.CutPrefix(arg, "--")
		flag, value := f.Lookup(name), args[i+1]
		if !long || flag == nil || flag.NoOptDefVal == "" {
			continue
		}
		values := strings.Split(flag.Value.Type(), "|")
		if flag.Value.Type() == "bool" {
			values = []string{"true", "false"}
		}
		if _, err := os.Lstat(value); err != nil && slices.Contains(values, value) {
			return Errorf("--%s %s: the value of this flag follows =: write --%[1]s=%[2]s, or ./%[2]s for a file or folder of that name", name, value)
		}
	}
	return nil
}

// NoStream refuses - as a path where it does not stand for standard input or output. what
// names the flag or the argument.
func NoStream(what, path string) error {
	if path != "-" {
		return nil
	}
	return Errorf("%s -: only clusir restore IN OUT takes - for standard input and output: name a file or a folder, or ./- for one of that name", what)
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

// StrictDefaults makes mistakes in the arguments of cobra's own commands errors, for
// which it would print help and succeed. The output is set before: cobra looks at it when
// it makes them.
func StrictDefaults(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				_, _, err := root.Find(args)
				return err
			}
		case "completion":
			cmd.RunE = func(*cobra.Command, []string) error {
				return Errorf("name the shell: clusir completion bash, zsh, fish or powershell")
			}
		}
	}
}
