//go:build !race

package serve

const memoryFactor = 1
