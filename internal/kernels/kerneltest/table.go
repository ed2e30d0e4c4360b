package kerneltest

import "slices"

// table returns every row, the rows of one operation next to each other.
func table() []Case {
	return slices.Concat(
		pointwiseCases(), denseCases(), routerCases(), spatialCases(), convCases(),
		haarCases(), waveletCases(), attentionCases(), expertsCases(), fftCases(),
		spectralCases(), filterCases(), lossCases(), msssimCases(), optimCases(),
	)
}
