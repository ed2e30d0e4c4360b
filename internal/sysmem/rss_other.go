//go:build !unix

package sysmem

// PeakRSS returns 0: it is unknown here.
func PeakRSS() int64 { return 0 }

// RSS returns 0: it is unknown here.
func RSS() int64 { return 0 }

// ResetPeakRSS does nothing.
func ResetPeakRSS() {}
