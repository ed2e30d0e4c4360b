//go:build !linux

package sysmem

// userLimit reports no limit: the user's limits are unknown here.
func userLimit() (int64, bool) { return 0, false }

// RSS returns 0: it is unknown here.
func RSS() int64 { return 0 }

// ResetPeakRSS does nothing: the peak stays the largest so far.
func ResetPeakRSS() {}
