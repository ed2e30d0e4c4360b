package parallel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clusir/internal/sharedtest"
)

// called dials until rank 0 listens.
func called(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// meeting is a group whose ranks call one by one.
type meeting struct {
	t *testing.T
	Place
	groups []Group
	errs   []error
	calls  sync.WaitGroup
}

func newMeeting(t *testing.T, p Place) *meeting {
	p.Addr = sharedtest.FreeAddr(t)
	return &meeting{t: t, Place: p, groups: make([]Group, p.Size), errs: make([]error, p.Size)}
}

// call lets a rank call in the background.
func (m *meeting) call(rank int) {
	p := m.Place
	p.Rank = rank
	m.calls.Go(func() { m.groups[rank], m.errs[rank] = joinTCP(m.t.Context(), p) })
}

// wait waits for all calls.
func (m *meeting) wait() {
	m.t.Helper()
	m.calls.Wait()
	if err := errors.Join(m.errs...); err != nil {
		m.t.Fatal(err)
	}
}

// conform waits for the ranks, checks that they are a group and closes it.
func (m *meeting) conform() {
	m.t.Helper()
	m.wait()
	if err := errors.Join(together(m.groups, conform)...); err != nil {
		m.t.Error(err)
	}
	together(m.groups, Group.Close)
}

// TestStrangers: ranks find each other although strangers call, too.
func TestStrangers(t *testing.T) {
	var messages strings.Builder
	m := newMeeting(t, Place{Size: 2, Messages: &messages})
	m.call(0)
	called(t, m.Addr).Close() // a probe of the port
	web := called(t, m.Addr)
	fmt.Fprint(web, "GET / HTTP/1.1\r\n\r\n")
	for _, c := range []struct {
		p    Place
		want string
	}{
		{Place{Rank: 1, Size: 3}, "rank 0 is one of 2"},
		{Place{Rank: 7, Size: 2}, "the ranks that call are 1 to 1"},
	} {
		c.p.Addr = m.Addr
		if _, err := joinTCP(t.Context(), c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("rank %d of %d: %v", c.p.Rank, c.p.Size, err)
		}
	}
	m.call(1)
	m.conform()
	if got := messages.String(); strings.Count(got, "refused") != 2 || !strings.Contains(got, "refused rank 1 of 3,") || !strings.Contains(got, "refused rank 7 of 2,") {
		t.Errorf("rank 0 says %q", got)
	}
}

// TestCallsAgain: a rank that died while others were awaited may call again; a second
// one with its number is refused.
func TestCallsAgain(t *testing.T) {
	m := newMeeting(t, Place{Size: 3})
	m.call(0)
	dead := newWire(called(t, m.Addr))
	if err := key("").prove(dead, hello{Protocol: protocol, Rank: 1, Size: 3, Port: 9}); err != nil {
		t.Fatal(err)
	}
	dead.Close()
	m.call(1)
	time.Sleep(300 * time.Millisecond) // until it has called
	if _, err := joinTCP(t.Context(), Place{Rank: 1, Size: 3, Addr: m.Addr}); err == nil || !strings.Contains(err.Error(), "there is a rank 1 already") {
		t.Errorf("a second rank 1: %v", err)
	}
	m.call(2)
	m.conform()
}

// TestNobodyComes: the wait ends with the context, and the error says who is missing.
func TestNobodyComes(t *testing.T) {
	for _, c := range []struct {
		rank int
		want string
	}{
		{0, "rank 1, 2 did not call"},
		{2, "nobody answers"},
	} {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errors.New("time is up"))
		_, err := joinTCP(ctx, Place{Rank: c.rank, Size: 3, Addr: sharedtest.FreeAddr(t), Launcher: "test"})
		cancel()
		for _, want := range []string{c.want, "time is up", fmt.Sprintf("rank %d of 3 (test)", c.rank)} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("rank %d: %v; want %q", c.rank, err, want)
			}
		}
	}
}

// TestIPv6: ranks on one machine meet at its own address of IPv6.
func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	l.Close()
	m := newMeeting(t, Place{Size: 3})
	m.Addr = l.Addr().String()
	for rank := range 3 {
		m.call(rank)
	}
	m.conform()
}

// TestOtherProgram: another program at rank 0's address is named as the fault, to rank 0,
// which cannot listen there, and to the ranks that call.
func TestOtherProgram(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	for rank, want := range []string{"set another MASTER_PORT", "another program answers there: set MASTER_ADDR and MASTER_PORT"} {
		_, err := joinTCP(t.Context(), Place{Rank: rank, Size: 2, Addr: web.Listener.Addr().String()})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("rank %d: %v; want %q", rank, err, want)
		}
	}
}

// TestSilentCallers: silent callers keep no rank waiting.
func TestSilentCallers(t *testing.T) {
	m := newMeeting(t, Place{Size: 2})
	m.call(0)
	for range 20 {
		defer called(t, m.Addr).Close()
	}
	begin := time.Now()
	m.call(1)
	m.wait()
	if d := time.Since(begin); d > patience/2 {
		t.Errorf("20 silent callers delay the ranks by %v", d)
	}
	m.conform()
}

// TestSecret: ranks with the same secret meet; a caller with another one, or none,
// learns nothing, and rank 0 reports it and keeps waiting for its own.
func TestSecret(t *testing.T) {
	var messages strings.Builder
	m := newMeeting(t, Place{Size: 2, Secret: "s", Messages: &messages})
	m.call(0)
	for _, other := range []string{"", "t"} {
		if _, err := joinTCP(t.Context(), Place{Rank: 1, Size: 2, Addr: m.Addr, Secret: other}); !errors.Is(err, errSecret) {
			t.Errorf("secret %q: %v", other, err)
		}
	}
	// A caller that does not check rank 0's proof cannot make its own.
	liar := newWire(called(t, m.Addr))
	if err := liar.write(hello{Protocol: protocol, Rank: 1, Size: 2, Port: 9, Nonce: "a"}); err != nil {
		t.Fatal(err)
	}
	var first proof
	var w welcome
	if err := errors.Join(liar.read(&first), liar.write(proof{MAC: first.MAC}), liar.read(&w)); err != nil || w.Error != errSecret.Error() || w.Word != "" {
		t.Errorf("an echo of rank 0's own proof: %+v, %v", w, err)
	}
	m.call(1)
	m.wait()
	if got := messages.String(); strings.Count(got, "refused rank 1 of 2, which called from 127.0.0.1:") != 3 || strings.Count(got, errSecret.Error()+"\n") != 3 {
		t.Errorf("rank 0 says %q", got)
	}
	for _, g := range m.groups {
		host := g.(*tcp).prev.LocalAddr().(*net.TCPAddr).IP
		if !host.IsLoopback() {
			t.Errorf("rank %d waits for its neighbour at %v", g.Rank(), host)
		}
	}
	m.conform()
}

// TestStoppedRank: a silent rank, such as one stopped by SIGSTOP, ends the group on the
// others.
func TestStoppedRank(t *testing.T) {
	if addr := os.Getenv("CLUSIR_TEST_STOPPED"); addr != "" {
		g, err := joinTCP(t.Context(), Place{Rank: 1, Size: 2, Addr: addr, Timeout: time.Second})
		if err == nil {
			err = errors.Join(g.Barrier(), g.Barrier()) // the second one comes after it was stopped
		}
		t.Log(err)
		return
	}
	addr := sharedtest.FreeAddr(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestStoppedRank$")
	cmd.Env = append(os.Environ(), "CLUSIR_TEST_STOPPED="+addr)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	g, err := joinTCP(t.Context(), Place{Rank: 0, Size: 2, Addr: addr, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := g.Barrier(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second) // longer than the timeout: signs of life arrive
	if err := g.Context().Err(); err != nil {
		t.Fatalf("a rank that waits counts as lost: %v", context.Cause(g.Context()))
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-g.Context().Done():
		lost := new(RankError)
		if err := context.Cause(g.Context()); !errors.As(err, &lost) || lost.Rank != 1 || !lost.Lost || !strings.Contains(err.Error(), "it has not responded for 1s") {
			t.Errorf("the group ends with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("a stopped rank is not noticed")
	}
}

// TestInUse: a port in use is told from other errors on Windows, too.
func TestInUse(t *testing.T) {
	for err, want := range map[syscall.Errno]bool{syscall.EADDRINUSE: true, 10048: true, syscall.EACCES: false} {
		if got := inUse(&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", err)}); got != want {
			t.Errorf("%v: %t", err, got)
		}
	}
}
