package parallel

import (
	"context"
	"errors"
	"fmt"
	"net"
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

// TestStrangers: ranks find each other although strangers call, too.
func TestStrangers(t *testing.T) {
	addr := sharedtest.FreeAddr(t)
	groups, errs := make([]Group, 2), make([]error, 2)
	var wg sync.WaitGroup
	join := func(r int) { groups[r], errs[r] = joinTCP(t.Context(), Place{Rank: r, Size: 2, Addr: addr}) }
	wg.Go(func() { join(0) })
	called(t, addr).Close() // a probe of the port
	web := called(t, addr)
	fmt.Fprint(web, "GET / HTTP/1.1\r\n\r\n")
	for _, c := range []struct {
		p    Place
		want string
	}{
		{Place{Rank: 1, Size: 3}, "rank 0 is one of 2"},
		{Place{Rank: 7, Size: 2}, "the ranks that call are 1 to 1"},
	} {
		c.p.Addr = addr
		if _, err := joinTCP(t.Context(), c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("rank %d of %d: %v", c.p.Rank, c.p.Size, err)
		}
	}
	wg.Go(func() { join(1) })
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(together(groups, conform)...); err != nil {
		t.Error(err)
	}
	together(groups, Group.Close)
}

// TestCallsAgain: a rank that died while others were awaited may call again; a second
// one with its number is refused.
func TestCallsAgain(t *testing.T) {
	addr := sharedtest.FreeAddr(t)
	groups, errs := make([]Group, 3), make([]error, 3)
	var wg sync.WaitGroup
	join := func(r int) { groups[r], errs[r] = joinTCP(t.Context(), Place{Rank: r, Size: 3, Addr: addr}) }
	wg.Go(func() { join(0) })
	dead := newWire(called(t, addr))
	if err := key("").prove(dead, hello{Protocol: protocol, Rank: 1, Size: 3, Port: 9}); err != nil {
		t.Fatal(err)
	}
	dead.Close()
	wg.Go(func() { join(1) })
	time.Sleep(300 * time.Millisecond) // until it has called
	if _, err := joinTCP(t.Context(), Place{Rank: 1, Size: 3, Addr: addr}); err == nil || !strings.Contains(err.Error(), "there is a rank 1 already") {
		t.Errorf("a second rank 1: %v", err)
	}
	wg.Go(func() { join(2) })
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(together(groups, conform)...); err != nil {
		t.Error(err)
	}
	together(groups, Group.Close)
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

// TestSilentCallers: silent callers keep no rank waiting.
func TestSilentCallers(t *testing.T) {
	addr := sharedtest.FreeAddr(t)
	groups, errs := make([]Group, 2), make([]error, 2)
	var wg sync.WaitGroup
	join := func(r int) { groups[r], errs[r] = joinTCP(t.Context(), Place{Rank: r, Size: 2, Addr: addr}) }
	wg.Go(func() { join(0) })
	for range 20 {
		defer called(t, addr).Close()
	}
	begin := time.Now()
	wg.Go(func() { join(1) })
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begin); d > patience/2 {
		t.Errorf("20 silent callers delay the ranks by %v", d)
	}
	together(groups, Group.Close)
}

// TestSecret: ranks with the same secret meet; a caller with another one, or none,
// learns nothing, and rank 0 keeps waiting for its own.
func TestSecret(t *testing.T) {
	addr := sharedtest.FreeAddr(t)
	groups, errs := make([]Group, 2), make([]error, 2)
	var wg sync.WaitGroup
	place := func(rank int, secret string) Place { return Place{Rank: rank, Size: 2, Addr: addr, Secret: secret} }
	join := func(r int) { groups[r], errs[r] = joinTCP(t.Context(), place(r, "s")) }
	wg.Go(func() { join(0) })
	for _, other := range []string{"", "t"} {
		if _, err := joinTCP(t.Context(), place(1, other)); !errors.Is(err, errSecret) {
			t.Errorf("secret %q: %v", other, err)
		}
	}
	// A caller that does not check rank 0's proof cannot make its own.
	liar := newWire(called(t, addr))
	if err := liar.write(hello{Protocol: protocol, Rank: 1, Size: 2, Port: 9, Nonce: "a"}); err != nil {
		t.Fatal(err)
	}
	var first proof
	var w welcome
	if err := errors.Join(liar.read(&first), liar.write(proof{MAC: first.MAC}), liar.read(&w)); err != nil || w.Error != errSecret.Error() || w.Word != "" {
		t.Errorf("an echo of rank 0's own proof: %+v, %v", w, err)
	}
	wg.Go(func() { join(1) })
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(together(groups, conform)...); err != nil {
		t.Error(err)
	}
	for _, g := range groups {
		host := g.(*tcp).prev.LocalAddr().(*net.TCPAddr).IP
		if !host.IsLoopback() {
			t.Errorf("rank %d waits for its neighbour at %v", g.Rank(), host)
		}
	}
	together(groups, Group.Close)
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
