package parallel

import (
	"cmp"
	"context"

	"clusir/internal/kernels"
)

// bucketSize is how many numbers are added up together: enough that the ring's latency
// does not matter, few enough that the first are on their way early in the backward
// pass. 4 MiB.
const bucketSize = 1 << 20

// Reducer adds up a device's tensors over a group, in the order given, while the device
// continues computing: tensors are collected in buckets, and a goroutine sums one
// bucket while the next one fills. It belongs to one rank and, like its device, to one
// goroutine. Between Wait and the next Add the group may be used directly.
type Reducer struct {
	Group
	memory kernels.Memory
	gpus   *gpus // if the devices add up themselves; else nil
	size   int   // of a bucket
	jobs   chan *bucket
	done   chan struct{}

	buckets []*bucket // used again after each Wait
	sent    int       // the number of them that are on their way; the next one is filling
	err     error
}

// bucket holds consecutive tensors in data.
type bucket struct {
	tensors []kernels.Tensor
	data    []float32
	summed  chan error
}

// NewReducer returns a reducer for tensors in m, to be closed before the group. say
// receives information about how it works.
func NewReducer(g Group, m kernels.Memory, say func(string)) (*Reducer, error) {
	r := &Reducer{Group: g, memory: m, size: bucketSize, jobs: make(chan *bucket, 64), done: make(chan struct{})}
	if g.Size() > 1 {
		var err error
		if r.gpus, err = joinGPUs(g, m, say); err != nil {
			return nil, err
		}
	}
	go func() {
		defer close(r.done)
		for b := range r.jobs {
			b.summed <- g.AllReduce(b.data)
		}
	}()
	return r, nil
}

// Add starts the sum of t, which must not change until Wait.
func (r *Reducer) Add(t kernels.Tensor) {
	if r.Size() == 1 || r.err != nil {
		return
	}
	if r.gpus != nil {
		r.gpus.add(t, r.size)
		return
	}
	if r.sent == len(r.buckets) {
		r.buckets = append(r.buckets, &bucket{summed: make(chan error, 1)})
	}
	b := r.buckets[r.sent]
	at, n := len(b.data), t.Len()
	if cap(b.data) < at+n {
		b.data = append(make([]float32, 0, max(r.size, at+n)), b.data...)
	}
	b.data = b.data[:at+n]
	r.memory.Download(b.data[at:], t)
	b.tensors = append(b.tensors, t)
	if len(b.data) >= r.size {
		r.send()
	}
}

func (r *Reducer) send() {
	r.jobs <- r.buckets[r.sent]
	r.sent++
}

// Wait returns when every added tensor holds its sum. If the group fails, it returns
// the first error and the values are undefined.
func (r *Reducer) Wait() error {
	if r.gpus != nil {
		r.gpus.wait()
		return r.Err()
	}
	if r.sent < len(r.buckets) && len(r.buckets[r.sent].data) > 0 {
		r.send()
	}
	for _, b := range r.buckets[:r.sent] {
		r.err = cmp.Or(r.err, <-b.summed)
		at := 0
		for _, t := range b.tensors {
			if r.err == nil {
				r.memory.Upload(t, b.data[at:at+t.Len()])
			}
			at += t.Len()
		}
		b.tensors, b.data = b.tensors[:0], b.data[:0]
	}
	r.sent = 0
	return r.err
}

// Sum replaces t by its sum at once. Err reports a failure.
func (r *Reducer) Sum(t kernels.Tensor) {
	if r.Size() == 1 || r.err != nil {
		return
	}
	if r.gpus != nil {
		r.gpus.sum(t)
		return
	}
	b := &bucket{data: make([]float32, t.Len()), summed: make(chan error, 1)}
	r.memory.Download(b.data, t)
	r.jobs <- b
	r.err = cmp.Or(r.err, <-b.summed)
	r.memory.Upload(t, b.data)
}

// Err returns the group's failure, nil if there is none.
func (r *Reducer) Err() error {
	return cmp.Or(r.err, context.Cause(r.Context()))
}

// Explain returns why the device failed with err: the failure of another rank, if
// devices add up themselves and one of them is gone.
func (r *Reducer) Explain(err error) error {
	if err == nil || r.gpus == nil {
		return err
	}
	return explain(r.Group, err)
}

// Close ends the goroutine and the devices' own group, but not the group.
func (r *Reducer) Close() error {
	close(r.jobs)
	<-r.done
	if r.gpus == nil {
		return nil
	}
	return r.gpus.close()
}
