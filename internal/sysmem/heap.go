package sysmem

import "runtime/metrics"

// LeastHeap is what Go's runtime needs for itself.
const LeastHeap = 16 << 20

// OutsideGo is the memory that the process has in addition to that of Go's runtime: its
// code, and what C and C++ have. It is 0 if that is not known.
func OutsideGo() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return max(RSS()-int64(s[0].Value.Uint64()-s[1].Value.Uint64()), 0)
}
