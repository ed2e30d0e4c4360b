//go:build !unix

package sysmem

// PeakRSS is unknown here.
func PeakRSS() int64 { return 0 }

// RSS is unknown here.
func RSS() int64 { return 0 }

// ResetPeakRSS has nothing to reset.
func ResetPeakRSS() {}
