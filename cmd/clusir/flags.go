package main

import (
	"clusir/internal/arch"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/imageio"
	"clusir/internal/usage"
	"clusir/weights"
)

// choices are what shells complete: see usage.Complete.
var choices = map[string]usage.Choice{
	"device":         {Values: usage.Choose("auto", "cpu", "cuda", "cuda:0").Values, List: true},
	"ensemble":       usage.Choose("flips", "turns"),
	"precision":      usage.Choose("auto", "float32", "tf32", "bf16"),
	"protocol":       usage.Choose("promptir", "gaussian"),
	"restore/format": {Values: imageio.FormatNames},
	"kind":           {Values: dataset.MakeableKinds},
	"figure/compare": modelChoice,
	"model":          modelChoice,
	"bench/model":    {Values: arch.Names, Files: true},
	"init-from":      modelChoice,
	"config":         {Values: config.Names, Files: true},
	"model-config":   {Values: config.Names, Files: true},
	"benchmark":      {Values: func() []string { return dataset.Standard().Names() }, List: true},
	"set":            {Values: config.Keys, End: "="},
}

var modelChoice = usage.Choice{Values: weights.Names, Files: true}
