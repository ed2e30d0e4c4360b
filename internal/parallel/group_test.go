package parallel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clusir/internal/sharedtest"
)

// transports makes groups of each kind that needs no launcher.
var transports = map[string]func(t *testing.T, size int) []Group{
	"local": func(_ *testing.T, size int) []Group { return Local(size) },
	"tcp":   joined,
}

// joined makes a group over TCP whose ranks are all in this process.
func joined(t *testing.T, size int) []Group {
	t.Helper()
	addr := sharedtest.FreeAddr(t)
	groups, errs := make([]Group, size), make([]error, size)
	var wg sync.WaitGroup
	for r := range groups {
		wg.Go(func() { groups[r], errs[r] = joinTCP(t.Context(), Place{Rank: r, Size: size, Addr: addr}) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return groups
}

// together runs f on every rank and returns the errors.
func together(groups []Group, f func(g Group) error) []error {
	errs := make([]error, len(groups))
	var wg sync.WaitGroup
	for i, g := range groups {
		wg.Go(func() { errs[i] = f(g) })
	}
	wg.Wait()
	return errs
}

func TestCollectives(t *testing.T) {
	for name, open := range transports {
		for _, size := range []int{1, 2, 3, 5} {
			if name == "tcp" && size == 1 {
				continue // Join takes the local one
			}
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				groups := open(t, size)
				if err := errors.Join(together(groups, conform)...); err != nil {
					t.Error(err)
				}
				if err := errors.Join(together(groups, Group.Close)...); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// conform checks on one rank what every group must do.
func conform(g Group) error {
	for _, n := range []int{0, 1, 2, 3, 7, 1000, 65537} {
		if err := conformSum(g, n); err != nil {
			return fmt.Errorf("rank %d, %d numbers: %w", g.Rank(), n, err)
		}
	}
	text, err := BroadcastBytes(g, []byte(fmt.Sprint("from ", g.Rank(), " \xff")))
	if string(text) != "from 0 \xff" || err != nil {
		return fmt.Errorf("BroadcastBytes says %q, %w", text, err)
	}
	return g.Barrier()
}

func conformSum(g Group, n int) error {
	want, sum := make([]float64, n), make([]float32, n)
	for r := range g.Size() {
		rng := rand.New(rand.NewPCG(uint64(r), 1))
		for i := range want {
			v := float32(rng.NormFloat64())
			want[i] += float64(v)
			if r == g.Rank() {
				sum[i] = v
			}
		}
	}
	if err := g.AllReduce(sum); err != nil {
		return err
	}
	of0 := slices.Clone(sum)
	if err := g.Broadcast(of0); err != nil {
		return err
	}
	for i := range sum {
		if math.Abs(float64(sum[i])-want[i]) > 1e-6*float64(g.Size()) {
			return fmt.Errorf("sum %g at %d, want %g", sum[i], i, want[i])
		}
		if sum[i] != of0[i] {
			return fmt.Errorf("at %d other bits than on rank 0", i)
		}
	}
	return nil
}

// TestSameBits: the transport does not change a sum.
func TestSameBits(t *testing.T) {
	sums := map[string][]float32{}
	for name, open := range transports {
		groups := open(t, 3)
		errs := together(groups, func(g Group) error {
			rng := rand.New(rand.NewPCG(uint64(g.Rank()), 2))
			x := make([]float32, 1001)
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
			err := g.AllReduce(x)
			if g.Rank() == 1 {
				sums[name] = x
			}
			return err
		})
		if err := errors.Join(append(errs, together(groups, Group.Close)...)...); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(sums["local"], sums["tcp"]) {
		t.Error("TCP gives different bits than goroutines")
	}
}

// TestBarrier: no rank passes before the last one has arrived.
func TestBarrier(t *testing.T) {
	groups := Local(3)
	come := make(chan int, 3)
	errs := together(groups, func(g Group) error {
		if g.Rank() == 2 {
			time.Sleep(20 * time.Millisecond)
		}
		come <- g.Rank()
		if err := g.Barrier(); err != nil {
			return err
		}
		if len(come) != 3 {
			return fmt.Errorf("rank %d passes when %d have come", g.Rank(), len(come))
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// TestSentValues: what a rank sends stays what it was when it is received, although its
// slice is free again.
func TestSentValues(t *testing.T) {
	for name, open := range transports {
		groups := open(t, 2)
		errs := together(groups, func(g Group) error {
			x := []float32{float32(7 - g.Rank())}
			if g.Rank() == 1 {
				time.Sleep(20 * time.Millisecond)
			}
			err := g.Broadcast(x)
			if x[0] != 7 {
				err = fmt.Errorf("%s: rank %d has %g of rank 0's 7", name, g.Rank(), x[0])
			}
			x[0] = 9
			return err
		})
		if err := errors.Join(append(errs, together(groups, Group.Close)...)...); err != nil {
			t.Error(err)
		}
	}
}

// TestFailures: a rank that ends ends the others' pending calls within seconds, with an
// error that names it.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(g Group) // on rank 1 of 3
		tcp  bool          // needs connections
		want string
	}{
		{"gives up", func(g Group) { g.Abort(errors.New("the disk is full")) }, false, "rank 1 gave up: the disk is full"},
		{"leaves", func(g Group) { g.Close() }, false, "rank 1 was lost: it has left the group"},
		{"dies", func(g Group) { g.(*tcp).hangUp() }, true, "rank 1 was lost: its connection ended"},
	} {
		for name, open := range transports {
			if c.tcp && name != "tcp" {
				continue
			}
			t.Run(c.name+" "+name, func(t *testing.T) {
				groups := open(t, 3)
				begin := time.Now()
				errs := together(groups, func(g Group) error {
					if g.Rank() == 1 {
						c.end(g)
						return nil
					}
					return g.AllReduce(make([]float32, 1<<20)) // more than the system buffers
				})
				if d := time.Since(begin); d > patience {
					t.Errorf("the others took %v to notice", d)
				}
				named := false // its neighbours know which rank it was; others name those
				for r, err := range errs {
					if r != 1 && err == nil {
						t.Errorf("rank %d continues", r)
					}
					if err != nil && strings.Contains(err.Error(), "same binary") {
						t.Errorf("rank %d takes it for another run's: %v", r, err)
					}
					named = named || err != nil && strings.Contains(err.Error(), c.want)
				}
				if !named {
					t.Errorf("errors %v; want %q", errs, c.want)
				}
				for _, g := range groups {
					g.Close()
				}
			})
		}
	}
}

// TestAbortReachesContext: a rank that only computes learns of a failure, too.
func TestAbortReachesContext(t *testing.T) {
	for name, open := range transports {
		groups := open(t, 3)
		groups[2].Abort(errors.New("out of memory"))
		for _, g := range groups {
			select {
			case <-g.Context().Done():
				if why := context.Cause(g.Context()).Error(); why != "rank 2 gave up: out of memory" {
					t.Errorf("%s: rank %d: the cause is %q", name, g.Rank(), why)
				}
			case <-time.After(hearsay):
				t.Errorf("%s: rank %d does not learn of it", name, g.Rank())
			}
			g.Close()
		}
	}
}

// TestOutOfStep: ranks that make different calls get an error that says so.
func TestOutOfStep(t *testing.T) {
	for name, open := range transports {
		groups := open(t, 2)
		errs := together(groups, func(g Group) error { return g.AllReduce(make([]float32, 4+2*g.Rank())) })
		if err := errors.Join(errs...); err == nil || !strings.Contains(err.Error(), "same binary") {
			t.Errorf("%s: %v", name, err)
		}
		for _, g := range groups {
			g.Close()
		}
	}
}
