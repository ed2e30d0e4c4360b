//go:build cuda

package cuda

import (
	"math"

	"clusir/internal/kernels"
)

// routed counts the multiply-accumulates of routed experts. How many jobs there
// are only the device knows: experts_dispatch adds them to a tally, one for all
// runs with the same work for each job.
type routed map[routedKind]routedRuns

// routedKind is what the work of a job depends on.
type routedKind struct {
	op      string
	C, h, P int
	wanted  expertsWanted
}

type routedRuns struct {
	jobs   kernels.Tensor   // one 64-bit number on the device
	perJob map[string]int64 // by kernel
}

// runs returns the tally of a kind, and where the host notes the work of a job.
func (r routed) runs(b *Backend, kind routedKind) routedRuns {
	runs, ok := r[kind]
	if !ok {
		runs = routedRuns{b.Alloc(2), map[string]int64{}}
		b.Fill(runs.jobs, 0)
		r[kind] = runs
	}
	return runs
}

// addTo adds to macs what the device has counted. It waits for the device.
func (r routed) addTo(macs map[string]int64, b *Backend) {
	var words [2]float32
	for _, runs := range r {
		b.Download(words[:], runs.jobs)
		jobs := int64(math.Float32bits(words[0])) | int64(math.Float32bits(words[1]))<<32
		for name, n := range runs.perJob {
			macs[name] += jobs * n
		}
	}
}
