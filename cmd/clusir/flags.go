package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/arch"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/device"
	"clusir/internal/imageio"
	"clusir/weights"
)

// choices are the values of flags by their names, and by COMMAND/NAME where commands
// differ; a name that stands for files as well completes both.
var choices = map[string]func() []string{
	"device":         fixed("auto", "cpu", "cuda", "cuda:0"),
	"precision":      fixed("auto", "float32", "tf32", "bf16"),
	"isa":            device.ISAs,
	"protocol":       fixed("promptir", "gaussian"),
	"objective":      fixed("full", "l1"),
	"restore/format": formats,
	"bench/format":   fixed("text", "json", "go"),
	"format":         fixed("text", "markdown", "csv", "latex", "json"),
	"model":          weights.Names,
	"bench/model":    variants,
	"init-from":      weights.Names,
	"config":         config.Names,
	"model-config":   config.Names,
	"benchmark":      func() []string { return dataset.Standard().Names() },
	"set":            func() []string { return suffixed(config.Keys(), "=") },
}

// withFiles are the flags that take the path of a file as well.
var withFiles = []string{"model", "init-from", "config", "model-config"}

// lists are the flags that take several values separated by commas.
var lists = []string{"benchmark", "device"}

func fixed(values ...string) func() []string { return func() []string { return values } }

func formats() (names []string) {
	for _, f := range imageio.Formats {
		names = append(names, strings.TrimPrefix(f.Ext(), "."))
	}
	return names
}

func variants() []string { return arch.Names() }

func suffixed(values []string, end string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v + end
	}
	return out
}

// completeFlags lets shells complete the values of a command's flags, and those of the
// commands below it.
func completeFlags(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		values, ok := choices[cmd.Name()+"/"+f.Name]
		if !ok {
			values, ok = choices[f.Name]
		}
		if !ok {
			return
		}
		// An error would mean that the command completes the flag by itself.
		_ = cmd.RegisterFlagCompletionFunc(f.Name, completion(f.Name, values))
	})
	for _, below := range cmd.Commands() {
		completeFlags(below)
	}
}

// completion completes a flag's value, of a list its last.
func completion(flag string, values func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		directive := cobra.ShellCompDirectiveNoFileComp
		if slices.Contains(withFiles, flag) {
			directive = cobra.ShellCompDirectiveDefault
		}
		before := ""
		if at := strings.LastIndexByte(typed, ','); at >= 0 && slices.Contains(lists, flag) {
			before = typed[:at+1]
		}
		if flag == "set" || len(before) > 0 {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		var found []string
		for _, v := range values() {
			if v = before + v; strings.HasPrefix(v, typed) {
				found = append(found, v)
			}
		}
		return found, directive
	}
}

// completeModels completes the names of embedded models and of files.
func completeModels(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return completion("model", weights.Names)(nil, nil, typed)
}
