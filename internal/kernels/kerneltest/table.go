package kerneltest

import "slices"

// table returns every row, the rows of one operation next to each other.
func table() []Case {
	return slices.Concat(
		convCases(), expertCases(), waveletCases(),
		denseCases(), routerCases(), spatialCases(),
		filterCases(), spectralCases(), lossCases(), optimCases(),
	)
}
