package main

import (
	"fmt"
	"os"

	"clusir/internal/arch"
	"clusir/internal/infer"
)

// modelVariable names the environment variable with the model of commands without
// --model.
const modelVariable = "CLUSIR_MODEL"

// modelOfEnvironment takes the model from the environment if no flag names one. It
// verifies that the model exists, so that the error can name the variable; random
// allows the variants, with random weights.
func modelOfEnvironment(changed func(flag string) bool, name *string, random bool) error {
	value := os.Getenv(modelVariable)
	if value == "" || changed("model") {
		return nil
	}
	*name = value
	if _, variant := arch.Variants()[value]; variant && random {
		return nil
	}
	f, err := infer.Open(value)
	if err != nil {
		return fmt.Errorf("%s: %w", modelVariable, err)
	}
	return f.Close()
}
