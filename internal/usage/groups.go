package usage

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// groupKey is the annotation of a flag that names its group.
const groupKey = "clusir_group"

// Group returns the group of a flag, "" if it is in none.
func Group(flag *pflag.Flag) string { return strings.Join(flag.Annotations[groupKey], "") }

// AddFlags adds flags to a command. Those of a group are listed under its title in the
// help.
func AddFlags(cmd *cobra.Command, group string, define ...func(*pflag.FlagSet)) {
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
		title := Group(flag)
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
