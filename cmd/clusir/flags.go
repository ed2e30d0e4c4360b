package main

import (
	"strings"

	"clusir/internal/arch"
	"clusir/internal/bench"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/device"
	"clusir/internal/imageio"
	"clusir/internal/tabular"
	"clusir/internal/usage"
	"clusir/weights"
)

var (
	precisions = []string{"auto", "float32", "tf32", "bf16"}
	objectives = []string{"full", "l1"}
)

// choices are what shells complete: see usage.Complete.
var choices = map[string]usage.Choice{
	"device":         {Values: usage.Choose("auto", "cpu", "cuda", "cuda:0").Values, List: true},
	"precision":      usage.Choose(precisions...),
	"isa":            {Values: device.ISAs},
	"protocol":       usage.Choose("promptir", "gaussian"),
	"objective":      usage.Choose(objectives...),
	"restore/format": {Values: formats},
	"bench/format":   usage.Choose(bench.Formats...),
	"format":         usage.Choose(tabular.Formats...),
	"model":          modelChoice,
	"bench/model":    {Values: arch.Names, Files: true},
	"init-from":      modelChoice,
	"config":         {Values: config.Names, Files: true},
	"model-config":   {Values: config.Names, Files: true},
	"benchmark":      {Values: func() []string { return dataset.Standard().Names() }, List: true},
	"set":            {Values: config.Keys, End: "="},
}

// modelChoice is that of an embedded model or a file.
var modelChoice = usage.Choice{Values: weights.Names, Files: true}

func formats() (names []string) {
	for _, f := range imageio.Formats {
		names = append(names, strings.TrimPrefix(f.Ext(), "."))
	}
	return names
}
