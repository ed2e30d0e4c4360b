//go:build cuda

package cuda

import (
	"errors"
	"sync/atomic"
	"unsafe"

	"gorgonia.org/cu"
)

// trail remembers what was launched lately and how far the device has come, so
// that a fault that shows long after its launch still names it. The device
// writes the number of finished launches to pinned memory, once every few of
// them: that word can be read after the device is lost.
type trail struct {
	recent   [1 << 12]*launched
	issued   uint32
	every    uint32
	finished *uint32 // pinned; nil where the device cannot write to it
}

// withBarrier is CU_STREAM_WRITE_VALUE_DEFAULT. The number orders nothing, but the
// driver's version 2 of this call refuses CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER.
const withBarrier = 0

// open makes the word that the device writes to. Worker only.
func (t *trail) open(debug bool) error {
	t.every = 8
	if debug {
		t.every = 1
	}
	p, err := hostAlloc(4)
	if err != nil {
		return err
	}
	t.finished = (*uint32)(p)
	*t.finished = 0
	return nil
}

func (t *trail) close() error {
	if t.finished == nil {
		return nil
	}
	p := t.finished
	t.finished = nil
	return cu.MemFreeHost(unsafe.Pointer(p))
}

// add notes a launch that the driver took. Worker only.
func (t *trail) add(l *launched, s cu.Stream) error {
	t.recent[t.issued%uint32(len(t.recent))] = l
	t.issued++
	if t.issued%t.every != 0 || t.finished == nil {
		return nil
	}
	word := cu.DevicePtr(uintptr(unsafe.Pointer(t.finished))) // one address space for host and device
	err := s.WriteValue32(word, t.issued, withBarrier)
	if errors.Is(err, cu.NotSupported) {
		return t.close() // some virtual GPUs; unfinished then names the latest
	}
	return err
}

// unfinished names the launches of which one has failed. Worker only.
func (t *trail) unfinished() []string {
	first := t.issued - min(t.issued, 16)
	if t.finished != nil {
		first = atomic.LoadUint32(t.finished)
	}
	last := min(first+t.every, t.issued)
	if t.finished == nil {
		last = t.issued
	}
	if t.issued-first > uint32(len(t.recent)) {
		return nil
	}
	var names []string
	for i := first; i < last; i++ {
		names = append(names, t.recent[i%uint32(len(t.recent))].String())
	}
	return names
}
