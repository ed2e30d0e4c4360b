package parallel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
	"unsafe"
)

// tcp is a rank of a group over TCP. Numbers travel round the ring. In addition every
// rank has a connection with rank 0, which only carries signs of life, goodbyes and
// failures; by its end or silence rank 0 learns that a rank has died or hangs, and the
// others that rank 0 has.
type tcp struct {
	ring
	failure
	next, prev net.Conn
	control    map[int]*wire // by rank: rank 0 has one to each other rank, which has one to rank 0
	key        key
	silence    time.Duration // after which a rank counts as lost; 0 for never
	wg         sync.WaitGroup
}

// note is a message on the control connections, one JSON value each; if it has nothing
// but the rank, it is a sign of life.
type note struct {
	Rank  int    `json:"rank"`
	Bye   bool   `json:"bye,omitempty"`
	Lost  bool   `json:"lost,omitempty"`
	Error string `json:"error,omitempty"`
}

// keepAlive turns a machine's silence into an error within some ten seconds.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 4 * time.Second, Interval: 2 * time.Second, Count: 3}

// hearsay is how long a rank whose neighbour is gone waits to learn why.
const hearsay = time.Second

// start begins to listen to the control connections.
func (g *tcp) start() {
	g.link = g
	for r, w := range g.control {
		g.wg.Go(func() { g.listen(r, w) })
		g.wg.Go(func() { g.beat(w) })
	}
	context.AfterFunc(g.ctx, func() { // ends waiting for a neighbour
		_ = g.next.Close()
		_ = g.prev.Close()
	})
}

// listen receives from rank r until it leaves, or ends the group if it fails.
func (g *tcp) listen(r int, w *wire) {
	for {
		var n note
		if g.silence > 0 {
			_ = w.SetReadDeadline(time.Now().Add(g.silence)) // fails only on a closed connection, as read then does
		}
		err := w.read(&n)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("it has not responded for %v: is it stopped, or its machine out of memory? (%s sets how long to wait)", g.silence, timeoutVariable)
		} else if errors.Is(err, io.EOF) {
			err = errors.New("its connection ended")
		} else if err != nil {
			err = fmt.Errorf("its connection ended: %w", err)
		}
		switch {
		case g.ctx.Err() != nil:
			return
		case err != nil:
			g.fail(&RankError{Rank: r, Lost: true, Err: err})
			return
		case n.Bye:
			return
		case n.Error != "":
			g.fail(&RankError{Rank: n.Rank, Lost: n.Lost, Err: errors.New(n.Error)})
			return
		}
	}
}

// beat sends signs of life on a connection until the group ends.
func (g *tcp) beat(w *wire) {
	if g.silence == 0 {
		return
	}
	tick := time.NewTicker(g.silence / 5)
	defer tick.Stop()
	for {
		select {
		case <-g.ctx.Done():
			return
		case <-tick.C:
			if w.write(note{Rank: g.rank}) != nil {
				return // listen reports what is wrong
			}
		}
	}
}

// fail ends the group and tells the ranks on the control connections why.
func (g *tcp) fail(e *RankError) {
	g.end(e)
	if cause := new(RankError); errors.As(g.err(), &cause) {
		for _, w := range g.control {
			_ = w.write(note{Rank: cause.Rank, Lost: cause.Lost, Error: cause.Err.Error()}) // the rank may be gone
		}
	}
}

// Abort ends the group for all ranks.
func (g *tcp) Abort(err error) { g.fail(&RankError{Rank: g.rank, Err: err}) }

// Close says goodbye and leaves.
func (g *tcp) Close() error {
	for _, w := range g.control {
		_ = w.write(note{Rank: g.rank, Bye: true}) // the rank may be gone
	}
	g.end(errLeft)
	for _, w := range g.control {
		_ = w.Close()
	}
	g.wg.Wait()
	return nil
}

// shift implements link.
func (g *tcp) shift(out, in []float32) error {
	if err := g.err(); err != nil {
		return err
	}
	sent := make(chan error, 1)
	if len(out) > 0 {
		go func() { sent <- send(g.next, out) }()
	} else {
		sent <- nil
	}
	var received error
	if len(in) > 0 {
		received = g.receive(in)
	}
	if received != nil {
		_ = g.next.Close() // or the sending might never end
	}
	if err := <-sent; err != nil && received == nil {
		received = g.why(g.nextRank(), err)
	}
	return received
}

// send writes a message: the number of its elements, then the elements, little-endian
// as on every processor that we build for.
func send(c net.Conn, x []float32) error {
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(x)))
	parts := net.Buffers{head, bytesOf(x)}
	_, err := parts.WriteTo(c)
	return err
}

func (g *tcp) receive(x []float32) error {
	from := g.prevRank()
	var head [4]byte
	if _, err := io.ReadFull(g.prev, head[:]); err != nil {
		return g.why(from, err)
	}
	if n := int(binary.LittleEndian.Uint32(head[:])); n != len(x) {
		return outOfStep(from, n, g.rank, len(x))
	}
	if _, err := io.ReadFull(g.prev, bytesOf(x)); err != nil {
		return g.why(from, err)
	}
	return nil
}

// why returns the reason for a neighbour's silence: what rank 0 says about it, or else
// the error seen here.
func (g *tcp) why(neighbour int, seen error) error {
	select {
	case <-g.ctx.Done():
		return g.err()
	case <-time.After(hearsay):
		if errors.Is(seen, io.EOF) {
			seen = errLeft
		}
		return &RankError{Rank: neighbour, Lost: true, Err: seen}
	}
}

// bytesOf returns the memory of x.
func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}
