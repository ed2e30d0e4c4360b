package parallel

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// How the ranks of a TCP group find each other: all call rank 0, at the address
// that the launcher names, say who they are and on which port they wait for
// their neighbour. When all have come, rank 0 tells everyone where the others
// are and a secret that keeps other runs out, and each calls the next in the ring.

// protocol is the version of what ranks say to each other.
const protocol = 1

// joinTimeout is how long ranks wait for each other: a cluster may start them
// minutes apart.
const joinTimeout = 10 * time.Minute

// patience is how long a caller may take to say who it is, and neighbours to
// find each other once all are there.
const patience = 10 * time.Second

// hello is what a rank says first.
type hello struct {
	Protocol int    `json:"clusir_protocol"`
	Rank     int    `json:"rank"`
	Size     int    `json:"size"`
	Port     int    `json:"port,omitempty"`   // where its neighbour can call it
	Secret   string `json:"secret,omitempty"` // to a neighbour
}

// welcome is rank 0's answer: where each rank waits, "" as the host being the
// one that was called, or why this one is not welcome.
type welcome struct {
	Ring   []string `json:"ring,omitempty"`
	Secret string   `json:"secret,omitempty"`
	Error  string   `json:"error,omitempty"`
}

// wire carries JSON values over a connection.
type wire struct {
	net.Conn
	in  *json.Decoder
	mu  sync.Mutex
	out *json.Encoder
}

// mostSaid bounds what a connection may make us read: a welcome names every rank.
const mostSaid = 1 << 20

func newWire(c net.Conn) *wire {
	return &wire{Conn: c, in: json.NewDecoder(io.LimitReader(c, mostSaid)), out: json.NewEncoder(c)}
}

func (w *wire) read(v any) error { return w.in.Decode(v) }

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
	ctx, cancel := context.WithTimeoutCause(ctx, joinTimeout, fmt.Errorf("not all %d ranks came within %v", p.Size, joinTimeout))
	defer cancel()
	g := &tcp{ring: ring{rank: p.Rank, size: p.Size}, failure: newFailure()}
	neighbour, err := listen(ctx, ":0")
	if err != nil {
		return nil, err
	}
	defer neighbour.Close()
	defer context.AfterFunc(ctx, func() { _ = neighbour.Close() })()
	port := neighbour.Addr().(*net.TCPAddr).Port
	var w welcome
	if p.Rank == 0 {
		w, err = g.invite(ctx, p, port)
	} else {
		w, err = g.call(ctx, p, port)
	}
	if err == nil {
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

// invite waits, as rank 0, until all ranks have called.
func (g *tcp) invite(ctx context.Context, p Place, port int) (welcome, error) {
	l, err := listen(ctx, p.listenAddr())
	if err != nil {
		return welcome{}, err
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	g.control = make([]*wire, p.Size)
	w := welcome{Ring: make([]string, p.Size), Secret: rand.Text()}
	w.Ring[0] = net.JoinHostPort("", fmt.Sprint(port))
	for missing := p.Size - 1; missing > 0; {
		c, err := l.Accept()
		if err != nil {
			return w, fmt.Errorf("%w: rank %s did not call", cause(ctx, err), g.missing())
		}
		r, addr, first := g.admit(newWire(c))
		if addr != "" {
			w.Ring[r] = addr
		}
		if first {
			missing--
		}
	}
	for r, c := range g.control {
		if c == nil {
			continue
		}
		if err := c.write(w); err != nil {
			return w, &RankError{Rank: r, Lost: true, Err: err}
		}
	}
	return w, nil
}

// admit hears who calls. Whoever is no rank of ours is sent away: ports are
// scanned and probed. addr is where the rank's neighbour can call it; first says
// that it had not called before.
func (g *tcp) admit(w *wire) (rank int, addr string, first bool) {
	var h hello
	_ = w.SetReadDeadline(time.Now().Add(patience)) // it only fails on a closed connection, as read then does
	if err := w.read(&h); err != nil || h.Protocol != protocol {
		_ = w.write(welcome{Error: fmt.Sprintf("this is a clusir run that speaks version %d", protocol)})
		_ = w.Close()
		return 0, "", false
	}
	why := ""
	switch {
	case h.Size != g.size:
		why = fmt.Sprintf("rank 0 is one of %d", g.size)
	case h.Rank < 1 || h.Rank >= g.size:
		why = fmt.Sprintf("the ranks that call are 1 to %d", g.size-1)
	case g.control[h.Rank] != nil && g.control[h.Rank].waits():
		why = fmt.Sprintf("there is a rank %d already", h.Rank)
	}
	if why != "" {
		_ = w.write(welcome{Error: why})
		_ = w.Close()
		return 0, "", false
	}
	_ = w.SetReadDeadline(time.Time{})
	host := w.RemoteAddr().(*net.TCPAddr).IP
	addr = net.JoinHostPort(host.String(), fmt.Sprint(h.Port))
	if host.IsLoopback() { // this machine's name for itself, which means another one elsewhere
		addr = net.JoinHostPort("", fmt.Sprint(h.Port))
	}
	first = g.control[h.Rank] == nil
	g.control[h.Rank] = w
	return h.Rank, addr, first
}

// waits reports whether a rank that has called still waits for the answer. One
// that has died may call again when its launcher has started it anew.
func (w *wire) waits() bool {
	_ = w.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err := w.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded) && w.SetReadDeadline(time.Time{}) == nil
}

// missing lists the ranks that have not called.
func (g *tcp) missing() string {
	var rs []string
	for r, c := range g.control {
		if r > 0 && c == nil {
			rs = append(rs, fmt.Sprint(r))
		}
	}
	return strings.Join(rs, ", ")
}

// call calls rank 0, until it answers.
func (g *tcp) call(ctx context.Context, p Place, port int) (welcome, error) {
	c, err := dial(ctx, p.Addr)
	if err != nil {
		return welcome{}, err
	}
	g.control = []*wire{newWire(c)}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if err := g.control[0].write(hello{Protocol: protocol, Rank: p.Rank, Size: p.Size, Port: port}); err != nil {
		return welcome{}, err
	}
	var w welcome
	switch err := g.control[0].read(&w); {
	case err != nil:
		return w, fmt.Errorf("rank 0 did not answer: %w", cause(ctx, err))
	case w.Error != "":
		return w, errors.New(w.Error)
	case len(w.Ring) != g.size:
		return w, fmt.Errorf("rank 0 names %d ranks of %d", len(w.Ring), g.size)
	}
	called, _, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return w, err
	}
	for i, addr := range w.Ring {
		if host, port, err := net.SplitHostPort(addr); err == nil && host == "" {
			w.Ring[i] = net.JoinHostPort(called, port)
		}
	}
	return w, nil
}

// dial calls addr again and again, until somebody answers or ctx ends.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive, Timeout: patience}
	for {
		c, err := d.DialContext(ctx, "tcp", addr)
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

// closeRing calls the next rank and answers the one before.
func (g *tcp) closeRing(ctx context.Context, w welcome, l net.Listener) (err error) {
	next := (g.rank + 1) % g.size
	d := net.Dialer{KeepAliveConfig: keepAlive, Timeout: patience}
	if g.next, err = d.DialContext(ctx, "tcp", w.Ring[next]); err != nil {
		return &RankError{Rank: next, Lost: true, Err: err}
	}
	late := time.AfterFunc(2*patience, func() { _ = l.Close() })
	defer late.Stop()
	me := hello{Protocol: protocol, Rank: g.rank, Size: g.size, Secret: w.Secret}
	if err := json.NewEncoder(g.next).Encode(me); err != nil {
		return err
	}
	want := me
	want.Rank = (g.rank + g.size - 1) % g.size
	for {
		c, err := l.Accept()
		if err != nil {
			return &RankError{Rank: want.Rank, Lost: true, Err: fmt.Errorf("it did not call its neighbour: %w", cause(ctx, err))}
		}
		if greets(c, want) {
			g.prev = c
			return nil
		}
		_ = c.Close()
	}
}

// greets reports whether a caller says what it should. It reads no further:
// numbers follow.
func greets(c net.Conn, want hello) bool {
	line, _ := json.Marshal(want) // a struct of strings and numbers
	line = append(line, '\n')
	got := make([]byte, len(line))
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(c, got); err != nil || !slices.Equal(got, line) {
		return false
	}
	return c.SetReadDeadline(time.Time{}) == nil
}

// hangUp ends what connections there are.
func (g *tcp) hangUp() {
	for _, w := range g.control {
		if w != nil {
			_ = w.Close()
		}
	}
	for _, c := range []net.Conn{g.next, g.prev} {
		if c != nil {
			_ = c.Close()
		}
	}
}

// cause is why ctx ended, where that explains err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
