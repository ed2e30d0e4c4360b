package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// groupKey is the annotation of a flag that names its group.
const groupKey = "clusir_group"

// addFlags adds flags to a command. Those of a group are listed under its title in the
// help.
func addFlags(cmd *cobra.Command, group string, define ...func(*pflag.FlagSet)) {
	f := pflag.NewFlagSet(group, pflag.ContinueOnError)
	for _, d := range define {
		d(f)
	}
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Annotations == nil {
			flag.Annotations = map[string][]string{}
		}
		flag.Annotations[groupKey] = []string{group}
	})
	cmd.Flags().AddFlagSet(f)
	if group != "" {
		cobra.AddTemplateFunc("groupedFlags", groupedFlags)
		cmd.SetUsageTemplate(strings.Replace(cmd.UsageTemplate(), "Flags:\n{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}", "{{groupedFlags .}}", 1))
	}
}

// groupedFlags lists a command's flags group by group.
func groupedFlags(cmd *cobra.Command) string {
	var titles []string
	groups := map[string]*pflag.FlagSet{}
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		title := strings.Join(flag.Annotations[groupKey], "")
		if groups[title] == nil {
			titles = append(titles, title)
			groups[title] = pflag.NewFlagSet(title, pflag.ContinueOnError)
		}
		groups[title].AddFlag(flag)
	})
	slices.Sort(titles) // the command's own first
	var parts []string
	for _, title := range titles {
		parts = append(parts, strings.TrimRight(strings.TrimSpace(title+" flags")+":\n"+groups[title].FlagUsages(), "\n"))
	}
	text := strings.Join(parts, "\n\n")
	return strings.ToUpper(text[:1]) + text[1:]
}

// noArguments refuses arguments and says what to write instead.
func noArguments(instead string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage("unknown argument %q: %s", args[0], instead)
		}
		return nil
	}
}

// exactly requires n arguments and says what they are.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("%s", what)
		}
		return nil
	}
}

// atLeast requires n or more arguments and says what they are.
func atLeast(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return usage("%s", what)
		}
		return nil
	}
}

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
