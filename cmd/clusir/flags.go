package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/arch"
	"clusir/internal/bench"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/device"
	"clusir/internal/imageio"
	"clusir/internal/tabular"
	"clusir/weights"
)

// choices maps flags to functions that list their values, by name, or by COMMAND/NAME
// if commands differ; if the flag is in withFiles, file names complete too.
var choices = map[string]func() []string{
	"device":         fixed("auto", "cpu", "cuda", "cuda:0"),
	"precision":      fixed("auto", "float32", "tf32", "bf16"),
	"isa":            device.ISAs,
	"protocol":       fixed("promptir", "gaussian"),
	"objective":      fixed("full", "l1"),
	"restore/format": formats,
	"bench/format":   fixed(bench.Formats...),
	"format":         fixed(tabular.Formats...),
	"model":          weights.Names,
	"bench/model":    variants,
	"init-from":      weights.Names,
	"config":         config.Names,
	"model-config":   config.Names,
	"benchmark":      func() []string { return dataset.Standard().Names() },
	"set":            func() []string { return suffixed(config.Keys(), "=") },
}

// withFiles lists the flags that also take the path of a file.
var withFiles = []string{"model", "init-from", "config", "model-config"}

// lists names the flags that take several values separated by commas.
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

// completeFlags lets shells complete the flag values of a command and its subcommands.
func completeFlags(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		values, ok := choices[cmd.Name()+"/"+f.Name]
		if !ok {
			values, ok = choices[f.Name]
		}
		if !ok {
			return
		}
		// An error would mean that the command completes the flag itself.
		_ = cmd.RegisterFlagCompletionFunc(f.Name, completion(f.Name, values))
	})
	for _, below := range cmd.Commands() {
		completeFlags(below)
	}
}

// completion completes a flag's value, or the last one of a list.
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

// completeModels completes the names of embedded models and files.
func completeModels(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return completion("model", weights.Names)(nil, nil, typed)
}
