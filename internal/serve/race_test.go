//go:build race

package serve

// memoryFactor is how many times as much memory a test may take: the race detector needs
// up to ten times as much.
const memoryFactor = 10
