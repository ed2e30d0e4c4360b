//go:build !race

package sharedtest

// Race reports that the race detector is on. It takes up to ten times the memory, so
// that limits of memory cannot be tested.
const Race = false
