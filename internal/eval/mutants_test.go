package eval

import (
	"testing"

	"clusir/internal/sharedtest"
)

// TestMutants reads damaged results and makes tables and comparisons of those that are
// accepted.
func TestMutants(t *testing.T) {
	r := sharedtest.Reader{Name: "results", Seeds: [][]byte{sampleResults(t)}, Read: useResults}
	r.Try(t)
}
