//go:build cuda

package cuda

// Launches are queued in batches. A training step, or the inference of pictures of one
// size, queues the same batches again and again, at the same addresses (see
// cache.take): the second time a batch occurs it is made a graph, and from then on one
// driver call launches it.

/*
#include <cuda.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"hash/maphash"
	"unsafe"

	"gorgonia.org/cu"
)

const (
	// A batch holds at most that many launches: few at first, so that the device need
	// not wait long, and twice as many each time until the program waits for the
	// device.
	firstBatch, largestBatch = 64, 512
	leastGraph               = 16      // fewer launches are not worth a graph
	mostInGraphs             = 1 << 15 // launches; beyond that, all graphs are dropped
	mostSeen                 = 1 << 12 // batches that occurred once
)

// batch holds launches that are not yet on their way to the worker.
type batch struct {
	launches []*launched
	key      []byte // identifies the batch
	limit    int    // launches; 0 means firstBatch
}

// queue adds a launch to the batch.
func (b *Backend) queue(l *launched) {
	if b.watch != nil {
		b.watch(l)
	}
	q := &b.batch
	if len(q.launches) == 0 {
		q.limit = max(q.limit, firstBatch)
		q.launches, q.key = make([]*launched, 0, q.limit), make([]byte, 0, 128*q.limit)
	}
	q.launches = append(q.launches, l)
	q.key = l.appendKey(q.key)
	if len(q.launches) == q.limit || b.debug {
		q.limit = min(2*q.limit, largestBatch)
		b.flush()
	}
}

// appendKey appends what identifies a launch: launches with equal keys do the same.
func (l *launched) appendKey(key []byte) []byte {
	words := []uint64{uint64(uintptr(unsafe.Pointer(l.kernel))), uint64(l.grid.x)<<32 | uint64(l.grid.y), uint64(l.grid.z)<<32 | uint64(l.grid.shared)}
	key = append(key, bytesOf(words)...)
	for i := range l.args {
		key = append(key, bytesOf([]uint64{l.args[i].bits})...)
	}
	return key
}

// bytesOf returns the memory of words.
func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words))
}

// flush posts the batch.
func (b *Backend) flush() {
	q := b.batch
	if len(q.launches) == 0 {
		return
	}
	b.batch = batch{limit: q.limit}
	b.worker.post(func() { b.runBatch(q) })
}

// post queues a task of the worker, after the launches before it.
func (b *Backend) post(task func()) {
	b.flush()
	b.worker.post(task)
}

// do runs a task after what is queued and waits for it.
func (b *Backend) do(task func()) {
	b.flush()
	b.batch.limit = firstBatch
	b.worker.do(task)
}

// runBatch launches a batch, as a graph if it has occurred before. Worker only.
func (b *Backend) runBatch(q batch) {
	if b.fault != nil {
		return
	}
	if g := b.graphFor(q); g != nil {
		b.replay(g)
		return
	}
	for _, l := range q.launches {
		b.run(l)
	}
}

// graph is a batch that one driver call launches.
type graph struct {
	exec     C.CUgraphExec
	launches []*launched
}

// String names the first and the last launch.
func (g *graph) String() string {
	return fmt.Sprintf("%d launches as a graph, %v to %v", len(g.launches), g.launches[0], g.launches[len(g.launches)-1])
}

// graphs holds the graphs by the keys of their batches. Worker only.
type graphs struct {
	made     map[string]*graph
	launches int // in made
	seen     map[uint64]bool
	seed     maphash.Seed
}

// graphFor returns the graph of a batch, which it makes the second time that the batch
// occurs; if nil, the launches are made one by one. Worker only.
func (b *Backend) graphFor(q batch) *graph {
	if b.debug || b.around != nil || len(q.launches) < leastGraph {
		return nil
	}
	if g := b.graphs.made[string(q.key)]; g != nil {
		return g
	}
	if b.graphs.seen == nil || len(b.graphs.seen) == mostSeen {
		b.graphs.seen, b.graphs.seed = map[uint64]bool{}, maphash.MakeSeed()
	}
	hash := maphash.Bytes(b.graphs.seed, q.key)
	if !b.graphs.seen[hash] {
		b.graphs.seen[hash] = true
		return nil
	}
	return b.makeGraph(q)
}

// makeGraph captures a batch. It returns nil if that fails, which is a fault, or if
// there is no memory for a graph, which is not: the launches need less. Worker only.
func (b *Backend) makeGraph(q batch) *graph {
	if b.graphs.launches+len(q.launches) > mostInGraphs {
		b.failLater("forgetting graphs", b.forgetGraphs())
	}
	g := &graph{launches: q.launches}
	captured, err := b.capture(g)
	if err == nil && b.fault == nil {
		err = code(C.cuGraphInstantiate(&g.exec, captured, 0))
		if errors.Is(err, cu.OutOfMemory) {
			err = b.forgetGraphs()
		}
	}
	if captured != nil {
		err = errors.Join(err, code(C.cuGraphDestroy(captured)))
	}
	if g.exec != nil { // kept even if there is an error, to be destroyed
		b.graphs.made[string(q.key)] = g
		b.graphs.launches += len(g.launches)
	}
	if err != nil {
		b.failLater(fmt.Sprintf("preparing %v", g), err)
	}
	if b.fault != nil || g.exec == nil {
		return nil
	}
	return g
}

// capture returns a graph's launches, including notes of progress, in the driver's
// form. Worker only.
func (b *Backend) capture(g *graph) (captured C.CUgraph, err error) {
	stream := cstream(b.stream)
	if err := code(C.cuStreamBeginCapture(stream, C.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)); err != nil {
		return nil, err
	}
	noted := 0
	for i, l := range g.launches {
		if b.call(l); b.fault != nil {
			break
		}
		if note := b.trail.note(i+1-noted, i == len(g.launches)-1); note != nil {
			noted = i + 1
			b.call(note)
		}
	}
	return captured, code(C.cuStreamEndCapture(stream, &captured))
}

// replay launches a graph. Worker only.
func (b *Backend) replay(g *graph) {
	b.failLater("noting progress", b.trail.exact(b.stream))
	if b.fault != nil {
		return
	}
	if err := code(C.cuGraphLaunch(g.exec, cstream(b.stream))); err != nil {
		b.failLater(fmt.Sprintf("launching %v", g), err)
		return
	}
	b.trail.addNoted(g.launches)
}

// forgetGraphs destroys all graphs when none is running. Worker only.
func (b *Backend) forgetGraphs() error {
	b.settle()
	return errors.Join(b.stream.Synchronize(), b.graphs.close())
}

// close destroys all graphs, none of which may be running. Worker only.
func (gs *graphs) close() error {
	var errs []error
	for _, g := range gs.made {
		errs = append(errs, code(C.cuGraphExecDestroy(g.exec)))
	}
	clear(gs.made)
	gs.launches = 0
	return errors.Join(errs...)
}

// cstream returns s's handle: a cu.Stream is a struct with nothing else.
func cstream(s cu.Stream) C.CUstream { return *(*C.CUstream)(unsafe.Pointer(&s)) }
