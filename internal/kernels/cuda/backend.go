//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"os"

	"clusir/internal/kernels"

	"gorgonia.org/cu"
)

// Backend runs every operation on one GPU. It must not be used by several goroutines at
// once. Operations are queued and run in order; see the package comment.
type Backend struct {
	*worker
	index     int
	precision Precision
	debug     bool
	info      Info

	sharedPerBlock int // the most shared memory that a block of the device can have

	// Used by the goroutine that calls the methods:
	cache   cache
	kernels map[string]*kernel
	roots   map[int]kernels.Tensor
	tables  tables
	batch   batch
	watch   func(*launched) // called for every launch and transfer before it is queued; for tests

	// Used by the worker:
	stream  cu.Stream
	modules []cu.Module
	trail   trail
	graphs  graphs
	pinned  pinnedPool
	fault   *Fault
	ranks   collective
	cleanup []func() error                 // undoes Open, last first
	around  func(*launched) (after func()) // called before a launch; its result is called after it; for tests
}

var _ kernels.Backend = (*Backend)(nil)

// Open makes a backend on device i.
func Open(i int, o Options) (*Backend, error) {
	if o.Precision == "" {
		o.Precision = Float32
	}
	if _, err := ParsePrecision(string(o.Precision)); err != nil {
		return nil, err
	}
	info, err := checkDevice(i)
	if err != nil {
		return nil, err
	}
	b := newBackend(o.Precision)
	b.index, b.info, b.debug = i, info, o.Debug || os.Getenv("CLUSIR_CUDA_DEBUG") == "1"
	b.do(func() { err = b.open() })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cuda:%d: opening: %w", i, err), b.Close())
	}
	return b, nil
}

// newBackend returns a backend without a device, with its worker running.
func newBackend(p Precision) *Backend {
	return &Backend{
		worker: newWorker(), precision: p, kernels: map[string]*kernel{}, roots: map[int]kernels.Tensor{}, tables: tables{},
		cache: cache{held: map[*buffer]bool{}}, graphs: graphs{made: map[string]*graph{}},
	}
}

// open makes what a backend needs on its device, and records how to undo it. Worker
// only.
func (b *Backend) open() error {
	device, err := cu.GetDevice(b.index)
	if err != nil {
		return err
	}
	if b.sharedPerBlock, err = sharedPerBlock(device); err != nil {
		return err
	}
	context, err := device.RetainPrimaryCtx()
	if err != nil {
		return err
	}
	b.undo(func() error {
		if err := device.ReleasePrimaryCtx(); err != nil {
			return errors.Join(err, device.ResetPrimaryCtx()) // for this process, so that its memory is not lost to others
		}
		return nil
	})
	if err := cu.SetCurrentContext(context); err != nil {
		return err
	}
	b.modules, err = loadModules(b.info)
	for _, m := range b.modules {
		b.undo(m.Unload)
	}
	if err != nil {
		return err
	}
	if b.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
		return err
	}
	b.undo(b.stream.Destroy)
	b.undo(b.pinned.close)
	if err := b.trail.open(b.debug); err != nil {
		return err
	}
	b.undo(b.trail.close)
	b.undo(b.graphs.close)
	b.trail.counting = &kernel{name: "trail_note"}
	return b.find(b.trail.counting)
}

func (b *Backend) undo(f func() error) { b.cleanup = append(b.cleanup, f) }

// Name identifies what results are computed with: device and precision.
func (b *Backend) Name() string {
	return fmt.Sprintf("cuda:%d %s %s", b.index, b.info.Name, b.precision)
}

// Precision implements kernels.Precise.
func (b *Backend) Precision() string { return string(b.precision) }

// Sync waits for all work and returns the first fault since the last Sync. After a
// fault that loses the device, every Sync returns it.
func (b *Backend) Sync() error {
	var fault *Fault
	b.do(func() {
		b.settle()
		if b.fault == nil {
			b.failLater("waiting for the device", b.stream.Synchronize())
		}
		if fault = b.fault; fault != nil && !fault.Lost {
			b.fault = nil
		}
	})
	if fault != nil || len(b.tables) > mostTables {
		for _, t := range b.tables { // after a fault some may not have been uploaded
			b.Free(t)
		}
		clear(b.tables)
	}
	if fault == nil {
		return nil
	}
	return fault
}

// Close frees everything, including tensors that were not freed. It returns errors from
// doing so, unless the device was lost before.
func (b *Backend) Close() error {
	var errs []error
	lost := false
	b.do(func() {
		lost = b.fault != nil && b.fault.Lost
		if b.stream != (cu.Stream{}) && !lost {
			errs = append(errs, b.ranks.wait(), b.stream.Synchronize())
		}
		errs = append(errs, b.cache.close())
		for i := len(b.cleanup) - 1; i >= 0; i-- {
			errs = append(errs, b.cleanup[i]())
		}
	})
	b.stop()
	if err := errors.Join(errs...); err != nil && !lost {
		return fmt.Errorf("cuda:%d: closing: %w", b.index, err)
	}
	return nil
}
