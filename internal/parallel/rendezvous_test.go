package parallel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
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

// TestStrangers: ranks find each other although others call, too.
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

// TestCallsAgain: a rank that died while others were awaited may come again; a
// second one of its number is sent away.
func TestCallsAgain(t *testing.T) {
	addr := sharedtest.FreeAddr(t)
	groups, errs := make([]Group, 3), make([]error, 3)
	var wg sync.WaitGroup
	join := func(r int) { groups[r], errs[r] = joinTCP(t.Context(), Place{Rank: r, Size: 3, Addr: addr}) }
	wg.Go(func() { join(0) })
	dead := newWire(called(t, addr))
	if err := dead.write(hello{Protocol: protocol, Rank: 1, Size: 3, Port: 9}); err != nil {
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

// TestNobodyComes: the wait ends with the context and says who is missing.
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
