//go:build !unix

package sysmem

// PeakRSS is not known here.
func PeakRSS() int64 { return 0 }

// RSS is not known here.
func RSS() int64 { return 0 }

// ResetPeakRSS has nothing to count anew.
func ResetPeakRSS() {}
