package sysmem

import "runtime/metrics"

// LeastHeap is what Go's runtime needs for itself.
const LeastHeap = 16 << 20

// OutsideGo returns the process's memory outside Go's runtime: its code, and that of C
// and C++. It is 0 if unknown.
func OutsideGo() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return max(RSS()-int64(s[0].Value.Uint64()-s[1].Value.Uint64()), 0)
}
