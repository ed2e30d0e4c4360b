package usage

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Choice lists the values of a flag, for shells to complete.
type Choice struct {
	Values func() []string
	Files  bool   // file names complete, too
	List   bool   // the flag takes several values separated by commas
	End    string // follows each value, before more text
}

// Choose returns the choice among fixed values.
func Choose(values ...string) Choice {
	return Choice{Values: func() []string { return values }}
}

// Complete lets shells complete the flags of a command and its subcommands: those of
// OneOf, and those in choices, which are listed by name, or by COMMAND/NAME if commands
// differ.
func Complete(cmd *cobra.Command, choices map[string]Choice) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		choice, ok := choices[cmd.Name()+"/"+f.Name]
		if !ok {
			choice, ok = choices[f.Name]
		}
		if o, is := f.Value.(*oneOf); is {
			choice, ok = Choose(o.values...), true
		}
		if ok {
			// An error would mean that the command completes the flag itself.
			_ = cmd.RegisterFlagCompletionFunc(f.Name, choice.Complete)
		}
	})
	for _, below := range cmd.Commands() {
		Complete(below, choices)
	}
}

// Complete completes a value, or the last one of a list, as cobra asks for it.
func (c Choice) Complete(_ *cobra.Command, _ []string, typed string) (found []string, directive cobra.ShellCompDirective) {
	if !c.Files {
		directive = cobra.ShellCompDirectiveNoFileComp
	}
	before := ""
	if c.List {
		before = typed[:strings.LastIndexByte(typed, ',')+1]
	}
	if c.End != "" || before != "" {
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	for _, v := range c.Values() {
		if v = before + v + c.End; strings.HasPrefix(v, typed) {
			found = append(found, v)
		}
	}
	return found, directive
}
