package sysmem

import "sort"

// Largest is the largest number of low to high that fits; low-1 if none does. Whatever is
// smaller than what fits does, too.
func Largest(low, high int, fits func(n int) bool) int {
	return low - 1 + sort.Search(max(high-low+1, 0), func(i int) bool { return !fits(low + i) })
}
