//go:build !linux

package sysmem

// userLimit reports no limit: the user's limits are unknown here.
func userLimit() (int64, bool) { return 0, false }
