//go:build !linux

package sysmem

// UserLimit reports no limit: the user's limits are unknown here.
func UserLimit() (int64, bool) { return 0, false }
