//go:build cuda

package cuda

import (
	"errors"
	"testing"

	"gorgonia.org/cu"
)

// Streams run in parallel and wait for each other's events, memory moves between
// devices, and events measure the time between them: not needed by the backend of one
// device, but by that of several.
func TestStreamsAndEvents(t *testing.T) {
	needSoftware(t)
	t.Setenv("SOFTDEVICE_COUNT", "2")
	b, other := open(t, Options{}), openOn(t, 1)
	x, y := uploaded(b, numbers(1000)...), other.Alloc(1000)
	other.Fill(y, 0)
	from, to := b.buffer(x).addr, other.buffer(y).addr // which ends putting off the fill
	if err := errors.Join(b.Sync(), other.Sync()); err != nil {
		t.Fatal(err)
	}
	var ms float64
	var err error
	b.do(func() { ms, err = copyBehindWork(b, from, to) })
	if err != nil {
		t.Fatal(err)
	}
	if !(ms > 0) {
		t.Errorf("100 fills took %v ms", ms)
	}
	for i, v := range downloaded(other, y) {
		if v != float32(i) {
			t.Fatalf("element %d of the copy is %v", i, v)
		}
	}
}

// openOn returns a backend on device i.
func openOn(t *testing.T, i int) *Backend {
	t.Helper()
	b, err := Open(i, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// copyBehindWork copies x to y on a second stream, after 100 fills on the first that
// leave x unchanged, and returns how long those took. Worker only.
func copyBehindWork(b *Backend, x, y cu.DevicePtr) (ms float64, err error) {
	second, err := cu.MakeStream(cu.NonBlocking)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, second.Destroy()) }()
	begin, err1 := cu.MakeEvent(cu.DefaultEvent)
	end, err2 := cu.MakeEvent(cu.DefaultEvent)
	defer func() { err = errors.Join(err, cu.DestroyEvent(&begin), cu.DestroyEvent(&end)) }()
	if err := errors.Join(err1, err2, begin.Record(b.stream)); err != nil {
		return 0, err
	}
	for range 100 {
		if err := cu.MemsetD32Async(x, 0, 1, b.stream); err != nil {
			return 0, err
		}
	}
	err = errors.Join(end.Record(b.stream), second.Wait(end, 0),
		cu.MemcpyDtoDAsync(y, x, 4000, second),
		second.Synchronize(), end.Synchronize())
	if err != nil {
		return 0, err
	}
	return begin.Elapsed(end)
}
