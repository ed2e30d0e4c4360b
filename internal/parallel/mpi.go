//go:build mpi

package parallel

/*
#cgo pkg-config: ompi-c
#include <stdlib.h>
#include "mpi_shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

// hasMPI reports whether this binary can join its ranks by MPI.
const hasMPI = true

// mpi is a rank of MPI's world. MPI supports one group per process.
type mpi struct {
	ring
	failure
	calls chan func()
	done  chan struct{}
}

// joinMPI makes this process a rank of MPI's world.
func joinMPI(p Place) (Group, error) {
	g := &mpi{failure: newFailure(), calls: make(chan func()), done: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // all calls from the thread that initialised: MPI_THREAD_FUNNELED
		defer close(g.done)
		for call := range g.calls {
			call()
		}
	}()
	var rank, size C.int
	if err := g.do(func() C.int { return C.clusir_mpi_open(&rank, &size) }); err != nil {
		return nil, err
	}
	if int(rank) != p.Rank || int(size) != p.Size {
		return nil, errors.Join(fmt.Errorf("%s says that this is rank %d of %d, but the MPI library that this binary is linked with says %d of %d: start it with that library's own mpirun",
			p.Launcher, p.Rank, p.Size, int(rank), int(size)), g.Close())
	}
	g.ring = ring{link: g, rank: p.Rank, size: p.Size}
	return g, nil
}

// do makes a call on MPI's thread and turns its code into an error.
func (g *mpi) do(call func() C.int) (err error) {
	done := make(chan struct{})
	g.calls <- func() {
		defer close(done)
		if code := call(); code != 0 {
			text := (*C.char)(C.calloc(1, C.CLUSIR_MPI_TEXT))
			defer C.free(unsafe.Pointer(text))
			C.clusir_mpi_text(code, text)
			err = errors.New(C.GoString(text))
		}
	}
	<-done
	return err
}

// shift implements link.
func (g *mpi) shift(out, in []float32) error {
	if err := g.err(); err != nil {
		return err
	}
	next, prev := g.nextRank(), g.prevRank()
	var pin runtime.Pinner
	defer pin.Unpin()
	got := C.int(0)
	err := g.do(func() C.int {
		return C.clusir_mpi_shift(start(&pin, out), C.int(len(out)), C.int(next), start(&pin, in), C.int(len(in)), C.int(prev), &got)
	})
	if err != nil {
		return fmt.Errorf("MPI between ranks %d, %d and %d: %w", prev, g.rank, next, err)
	}
	if int(got) != len(in) {
		return outOfStep(prev, int(got), g.rank, len(in))
	}
	return nil
}

// start returns the address of x, nil if it is empty.
func start(pin *runtime.Pinner, x []float32) *C.float {
	if len(x) == 0 {
		return nil
	}
	pin.Pin(&x[0])
	return (*C.float)(&x[0])
}

// Abort ends all ranks, including this process: MPI has no other way to reach a rank
// that waits.
func (g *mpi) Abort(err error) {
	if g.err() != nil {
		return
	}
	g.end(&RankError{Rank: g.rank, Err: err})
	fmt.Fprintf(os.Stderr, "clusir: rank %d of %d: %v\n", g.rank, g.size, err)
	C.clusir_mpi_abort() // from any thread: nothing follows
}

// Close leaves MPI.
func (g *mpi) Close() error {
	g.end(errLeft)
	err := g.do(func() C.int { return C.clusir_mpi_close() })
	close(g.calls)
	<-g.done
	return err
}
