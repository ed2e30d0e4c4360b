package kerneltest

import "slices"

// table returns every row, with the rows of one operation adjacent.
func table() []Case {
	return slices.Concat(
		pointwiseCases(), denseCases(), routerCases(), spatialCases(), convCases(),
		haarCases(), waveletCases(), attentionCases(), expertsCases(), fftCases(),
		spectralCases(), filterCases(), lossCases(), msssimCases(), optimCases(),
	)
}
