//go:build !linux

package sysmem

// UserLimit is what remains of the user's limits, which are not known here.
func UserLimit() (int64, bool) { return 0, false }
