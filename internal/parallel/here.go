package parallel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Here is this process's part of a run: one rank, or all of them if it computes on
// several devices.
type Here struct {
	Groups    []Group
	Local     int // the number of the first rank on this machine
	LocalSize int // the number of ranks on this machine
}

// quiet is how long a rank other than 0 waits for it before it says so.
const quiet = 3 * time.Second

// Enter determines which ranks of a run this process has, one for each of its devices,
// and waits for the others, announcing that to messages.
func Enter(ctx context.Context, getenv func(string) string, devices int, messages io.Writer) (*Here, error) {
	place, err := FromEnv(getenv)
	if err != nil {
		return nil, err
	}
	h := &Here{Local: place.LocalRank, LocalSize: max(place.LocalSize, devices)}
	if devices > 1 {
		if place.Size > 1 {
			return nil, fmt.Errorf("--device lists %d devices, and %s starts %d ranks: each of these has one device; name it, or leave out --device", devices, place.Launcher, place.Size)
		}
		h.Groups = Local(devices)
		return h, nil
	}
	if place.Size > 1 && place.Rank == 0 && !place.MPI {
		fmt.Fprintf(messages, "waiting for the other %d of %d ranks at %s\n", place.Size-1, place.Size, place.Addr)
	}
	if place.Rank > 0 && !place.MPI {
		late := time.AfterFunc(quiet, func() {
			fmt.Fprintf(messages, "rank %d of %d is still waiting for rank 0 at %s\n", place.Rank, place.Size, place.Addr)
		})
		defer late.Stop()
	}
	place.Messages = messages
	g, err := Join(ctx, place)
	h.Groups = []Group{g}
	return h, err
}

// Run calls rank for every rank of this process, for the first on this goroutine, and
// returns the error of the rank that failed first-hand. A panic of any other than the
// first becomes that rank's error.
func (h *Here) Run(rank func(i int, g Group) error) error {
	errs := make([]error, len(h.Groups))
	var others sync.WaitGroup
	for i, g := range h.Groups[1:] {
		others.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i+1] = fmt.Errorf("internal error: %v", p)
					g.Abort(errs[i+1])
				}
			}()
			errs[i+1] = rank(i+1, g)
		})
	}
	errs[0] = rank(0, h.Groups[0])
	others.Wait()
	var first error
	for i, err := range errs {
		secondHand := errors.As(err, new(*RankError))
		if g := h.Groups[i]; err != nil && g.Size() > 1 {
			err = fmt.Errorf("rank %d of %d: %w", g.Rank(), g.Size(), err)
		}
		if err != nil && (first == nil || !secondHand) {
			first = err
		}
	}
	return first
}
