package published

// Size is a row of the paper's Table 7: the cost of a variant of ClusIR.
type Size struct {
	Method  string
	Variant string  // our name for it
	Params  float64 // in 10⁶
	FLOPs   float64 // in 10⁹; these are multiply-accumulates at 128×128
}

// Sizes is the paper's Table 7.
var Sizes = []Size{
	{"ClusIR-T", "tiny", 6.89, 3.79},
	{"ClusIR-S", "small", 25.03, 13.42},
	{"ClusIR-Base", "base", 54.66, 28.85},
}
