//go:build cuda

package cuda

import (
	"errors"
	"sync/atomic"
	"unsafe"

	"gorgonia.org/cu"
)

// trail records recent launches and the device's progress, so that a fault that shows
// long after its launch still names it. The device writes the number of finished
// launches to pinned memory, once every few launches: that word can be read even if the
// device is lost. In a graph a kernel counts.
type trail struct {
	recent   [1 << 15]*launched
	issued   uint32
	noted    uint32 // of them, when the device was last asked to write
	every    uint32
	finished *uint32 // pinned; nil if the device cannot write to it
	counting *kernel // trail_note
}

// withBarrier is CU_STREAM_WRITE_VALUE_DEFAULT. The write orders nothing, but the
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

// add records a launch that the driver accepted. Worker only.
func (t *trail) add(l *launched, s cu.Stream) error {
	t.recent[t.issued%uint32(len(t.recent))] = l
	t.issued++
	if t.issued-t.noted < t.every {
		return nil
	}
	return t.exact(s)
}

// addNoted records launches of a graph, which counts them itself. Worker only.
func (t *trail) addNoted(ls []*launched) {
	for _, l := range ls {
		t.recent[t.issued%uint32(len(t.recent))] = l
		t.issued++
	}
	t.noted = t.issued
}

// note returns the launch in a graph that counts those since the last note as finished;
// nil if none is due.
func (t *trail) note(since int, last bool) *launched {
	if t.finished == nil || !last && since < int(t.every) {
		return nil
	}
	return &launched{kernel: t.counting, grid: over(1, 1), args: []argument{
		{uint64(uintptr(unsafe.Pointer(t.finished))), 8, "finished"}, {uint64(since), 4, since},
	}}
}

// exact makes the device write the number of launches so far, when it gets there.
func (t *trail) exact(s cu.Stream) error {
	if t.finished == nil || t.noted == t.issued {
		return nil
	}
	t.noted = t.issued
	word := cu.DevicePtr(uintptr(unsafe.Pointer(t.finished))) // one address space for host and device
	err := s.WriteValue32(word, t.issued, withBarrier)
	if errors.Is(err, cu.NotSupported) {
		return t.close() // some virtual GPUs; unfinished then names the latest
	}
	return err
}

// unfinished names the launches, one of which has failed. Worker only.
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
