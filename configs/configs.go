// Package configs holds the built-in configurations: the paper's settings, those of its
// ablations, and the recipes of the embedded models.
package configs

import "embed"

// FS holds the YAML files; package config reads them.
//
//go:embed *.yaml
var FS embed.FS
