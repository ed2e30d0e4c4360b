package parallel

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// How the ranks of a TCP group find each other: all call rank 0, at the address that
// the launcher names, send their number and the port on which they listen for their
// neighbour, and both sides prove that they know the run's secret (auth.go). When all
// have called, rank 0 tells everyone where the others are and a word that keeps other
// runs out, and each calls the next one in the ring.

// protocol is the version of the ranks' protocol.
const protocol = 3

// joinTimeout is how long ranks wait for each other: a cluster may start them minutes
// apart.
const joinTimeout = 10 * time.Minute

// patience is how long a caller may take to identify itself, and neighbours to find
// each other once all are there.
const patience = 10 * time.Second

// hello is a rank's first message.
type hello struct {
	Protocol int    `json:"clusir_protocol"`
	Rank     int    `json:"rank"`
	Size     int    `json:"size"`
	Port     int    `json:"port,omitempty"`  // where its neighbour can call it
	Nonce    string `json:"nonce,omitempty"` // of this connection
}

// welcome is rank 0's answer when all have called: where each rank listens, with "" for
// the host that was called, or why this one is refused.
type welcome struct {
	Ring  []string `json:"ring,omitempty"`
	Word  string   `json:"word,omitempty"`
	Error string   `json:"error,omitempty"`
}

// wire carries JSON values over a connection.
type wire struct {
	net.Conn
	in    *json.Decoder
	limit *io.LimitedReader
	mu    sync.Mutex
	out   *json.Encoder
}

// maxSaid bounds the size of a received value: a welcome names every rank.
const maxSaid = 1 << 20

func newWire(c net.Conn) *wire {
	limit := &io.LimitedReader{R: c, N: maxSaid}
	return &wire{Conn: c, in: json.NewDecoder(limit), limit: limit, out: json.NewEncoder(c)}
}

func (w *wire) read(v any) error {
	w.limit.N = maxSaid
	return w.in.Decode(v)
}

func (w *wire) write(v any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	return w.out.Encode(v)
}

// joinTCP makes this process a rank of a TCP group.
func joinTCP(ctx context.Context, p Place) (Group, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, joinTimeout, fmt.Errorf("not all %d ranks connected within %v", p.Size, joinTimeout))
	defer cancel()
	g := &tcp{ring: ring{rank: p.Rank, size: p.Size}, failure: newFailure(), key: key(p.Secret), silence: p.Timeout}
	join := g.call
	if p.Rank == 0 {
		join = g.invite
	}
	w, neighbour, err := join(ctx, p)
	if neighbour != nil {
		defer neighbour.Close()
		defer context.AfterFunc(ctx, func() { _ = neighbour.Close() })()
	}
	if err == nil {
		w.Word = g.key.mac("ring", w.Word) // a mere listener does not know it
		err = g.closeRing(ctx, w, neighbour)
	}
	if err != nil {
		g.hangUp()
		return nil, fmt.Errorf("rank %d of %d (%s) cannot join at %s: %w", p.Rank, p.Size, p.Launcher, p.Addr, err)
	}
	g.start()
	return g, nil
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	l := net.ListenConfig{KeepAliveConfig: keepAlive}
	return l.Listen(ctx, "tcp", addr)
}

// inUse reports whether a port is in use. On Windows syscall.EADDRINUSE is a number that
// Go invented; the system's is WSAEADDRINUSE.
func inUse(err error) bool {
	const wsaEADDRINUSE = syscall.Errno(10048)
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaEADDRINUSE)
}

// maxCallers bounds the number of callers served at a time; others wait.
const maxCallers = 256

// invite waits, as rank 0, until all ranks have called.
func (g *tcp) invite(ctx context.Context, p Place) (w welcome, neighbour net.Listener, err error) {
	host := p.bindHost(ctx)
	_, port, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return w, nil, err
	}
	l, err := listen(ctx, net.JoinHostPort(host, port))
	if inUse(err) {
		return w, nil, fmt.Errorf("%w: set another MASTER_PORT for all ranks", err)
	}
	if err != nil {
		return w, nil, err
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	if neighbour, err = listen(ctx, net.JoinHostPort(host, "0")); err != nil {
		return w, nil, err
	}
	g.control = map[int]*wire{}
	w = welcome{Ring: make([]string, p.Size), Word: rand.Text()}
	w.Ring[0] = fmt.Sprint(":", neighbour.Addr().(*net.TCPAddr).Port)
	refused := func(h hello, from net.Addr, err error) {
		if p.Messages != nil {
			fmt.Fprintf(p.Messages, "refused rank %d of %d, which called from %s: %v\n", h.Rank, h.Size, from, err)
		}
	}
	if err := g.answer(l, &w, refused); err != nil {
		return w, neighbour, fmt.Errorf("%w: rank %s did not call", cause(ctx, err), g.missing())
	}
	for r, c := range g.control {
		if err := c.write(w); err != nil {
			return w, neighbour, &RankError{Rank: r, Lost: true, Err: err}
		}
	}
	if _, port, err = net.SplitHostPort(w.Ring[1]); err == nil { // rank 0 itself calls back
		w.Ring[1] = net.JoinHostPort(g.control[1].RemoteAddr().(*net.TCPAddr).IP.String(), port)
	}
	return w, neighbour, err
}

// answer serves all callers in parallel, so that silent ones keep nobody waiting, until
// every rank has called or l is closed. Later callers change nothing any more. It reports
// to refused the ranks that it refuses, of other runs or with another secret, but no mere
// probes of the port.
func (g *tcp) answer(l net.Listener, w *welcome, refused func(h hello, from net.Addr, err error)) error {
	var mu sync.Mutex
	over, slots := false, make(chan struct{}, maxCallers)
	for {
		slots <- struct{}{}
		c, err := l.Accept()
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			over = true
			if g.missing() == "" {
				return nil
			}
			return err
		}
		go func() {
			defer func() { <-slots }()
			c := newWire(c)
			h, err := g.identify(c)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && !over {
				err = g.admit(c, h, w)
			}
			switch {
			case err != nil:
				if !over && h.Protocol > 0 {
					refused(h, c.RemoteAddr(), err)
				}
				_ = c.write(welcome{Error: err.Error()})
				fallthrough
			case over:
				_ = c.Close()
			case g.missing() == "":
				_ = l.Close()
			}
		}()
	}
}

// identify determines who is calling. It refuses anybody who is not one of our ranks:
// ports are scanned and probed.
func (g *tcp) identify(w *wire) (h hello, err error) {
	_ = w.SetReadDeadline(time.Now().Add(patience)) // fails only on a closed connection, as read then does
	if err := w.read(&h); err != nil || h.Protocol != protocol {
		return h, fmt.Errorf("this is a clusir run that speaks version %d", protocol)
	}
	if err := g.key.challenge(w, h); err != nil {
		return h, err
	}
	switch {
	case h.Size != g.size:
		return h, fmt.Errorf("rank 0 is one of %d", g.size)
	case h.Rank < 1 || h.Rank >= g.size:
		return h, fmt.Errorf("the ranks that call are 1 to %d", g.size-1)
	}
	return h, w.SetReadDeadline(time.Time{})
}

// admit makes a caller the rank that it claims to be, and records in w where its
// neighbour can call it.
func (g *tcp) admit(c *wire, h hello, w *welcome) error {
	if before := g.control[h.Rank]; before != nil && before.waits() {
		return fmt.Errorf("there is a rank %d already", h.Rank)
	}
	host := c.RemoteAddr().(*net.TCPAddr).IP
	w.Ring[h.Rank] = net.JoinHostPort(host.String(), fmt.Sprint(h.Port))
	if host.IsLoopback() { // this machine's name for itself, which means a different one elsewhere
		w.Ring[h.Rank] = net.JoinHostPort("", fmt.Sprint(h.Port))
	}
	g.control[h.Rank] = c
	return nil
}

// waits reports whether a rank that has called is still waiting for the answer. A rank
// that died may call again when its launcher has restarted it.
func (w *wire) waits() bool {
	_ = w.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err := w.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded) && w.SetReadDeadline(time.Time{}) == nil
}

// missing lists the ranks that have not called.
func (g *tcp) missing() string {
	var rs []string
	for r := 1; r < g.size; r++ {
		if g.control[r] == nil {
			rs = append(rs, fmt.Sprint(r))
		}
	}
	return strings.Join(rs, ", ")
}

// call calls rank 0 until it answers.
func (g *tcp) call(ctx context.Context, p Place) (w welcome, neighbour net.Listener, err error) {
	c, err := dial(ctx, p.Addr)
	if err != nil {
		return w, nil, err
	}
	g.control = map[int]*wire{0: newWire(c)}
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if neighbour, err = listen(ctx, net.JoinHostPort(p.neighbourHost(c), "0")); err != nil {
		return w, nil, err
	}
	h := hello{Protocol: protocol, Rank: p.Rank, Size: p.Size, Port: neighbour.Addr().(*net.TCPAddr).Port, Nonce: rand.Text()}
	if err := g.key.prove(g.control[0], h); err != nil {
		return w, neighbour, cause(ctx, err)
	}
	switch err := g.control[0].read(&w); {
	case err != nil:
		return w, neighbour, noAnswer(cause(ctx, err))
	case w.Error != "":
		return w, neighbour, errors.New(w.Error)
	case len(w.Ring) != g.size:
		return w, neighbour, fmt.Errorf("rank 0 names %d ranks of %d", len(w.Ring), g.size)
	}
	called, _, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return w, neighbour, err
	}
	for i, addr := range w.Ring {
		if host, port, err := net.SplitHostPort(addr); err == nil && host == "" {
			w.Ring[i] = net.JoinHostPort(called, port)
		}
	}
	return w, neighbour, nil
}

// noAnswer is the error of a rank that could not read what rank 0 says.
func noAnswer(err error) error {
	if errors.As(err, new(*json.SyntaxError)) || errors.As(err, new(*json.UnmarshalTypeError)) {
		return errors.New("another program answers there: set MASTER_ADDR and MASTER_PORT to where rank 0 listens")
	}
	return fmt.Errorf("rank 0 did not answer: %w", err)
}

var dialer = net.Dialer{KeepAliveConfig: keepAlive, Timeout: patience}

// dial calls addr repeatedly until somebody answers or ctx ends.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	for {
		c, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: nobody answers: %w", context.Cause(ctx), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// closeRing calls the next rank and answers the previous one.
func (g *tcp) closeRing(ctx context.Context, w welcome, l net.Listener) (err error) {
	next := g.nextRank()
	if g.next, err = dialer.DialContext(ctx, "tcp", w.Ring[next]); err != nil {
		return &RankError{Rank: next, Lost: true, Err: err}
	}
	late := time.AfterFunc(2*patience, func() { _ = l.Close() })
	defer late.Stop()
	greeting := func(rank int) []byte { return fmt.Appendf(nil, "rank %d of %d in run %s\n", rank, g.size, w.Word) }
	if _, err := g.next.Write(greeting(g.rank)); err != nil {
		return err
	}
	previous := g.prevRank()
	for {
		c, err := l.Accept()
		if err != nil {
			return &RankError{Rank: previous, Lost: true, Err: fmt.Errorf("it did not call its neighbour: %w", cause(ctx, err))}
		}
		if greets(c, greeting(previous)) {
			g.prev = c
			return nil
		}
		_ = c.Close()
	}
}

// greets reports whether a caller sends the expected greeting. It reads no further,
// because numbers follow.
func greets(c net.Conn, want []byte) bool {
	got := make([]byte, len(want))
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
		return false
	}
	return c.SetReadDeadline(time.Time{}) == nil
}

// hangUp closes all connections.
func (g *tcp) hangUp() {
	for _, w := range g.control {
		_ = w.Close()
	}
	for _, c := range []net.Conn{g.next, g.prev} {
		if c != nil {
			_ = c.Close()
		}
	}
}

// cause returns why ctx ended, if that explains err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
