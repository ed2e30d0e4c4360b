package parallel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestWaitIsAnnounced: a rank that nobody answers says whom it calls.
func TestWaitIsAnnounced(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), quiet+time.Second)
	defer cancel()
	place := map[string]string{"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "nowhere.invalid", "MASTER_PORT": "29500"}
	var messages bytes.Buffer
	_, err := Enter(ctx, func(name string) string { return place[name] }, 1, &messages)
	const want = "rank 1 of 2 is still waiting for rank 0 at nowhere.invalid:29500\n"
	if messages.String() != want || err == nil {
		t.Errorf("%v: said %q, want %q", err, &messages, want)
	}
	_, err = Enter(t.Context(), func(name string) string { return place[name] }, 2, io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "--device lists 2 devices, and RANK and WORLD_SIZE starts 2 ranks: ") {
		t.Errorf("two devices for each of two ranks: %v", err)
	}
}

// TestRunHere: the error of a run is that of the rank that failed first-hand, whichever
// it is and however it failed.
func TestRunHere(t *testing.T) {
	const ranks = 3
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		fail func(g Group) error
		want string
	}{
		{"error", func(g Group) error { g.Abort(broken); time.Sleep(10 * time.Millisecond); return broken }, ": broken"},
		{"panic", func(Group) error { panic("index out of range") }, ": internal error: index out of range"},
		{"nothing", func(Group) error { return nil }, ""},
	} {
		for failing := range ranks {
			if failing == 0 && c.name == "panic" {
				continue // which is re-raised in the caller
			}
			h, err := Enter(t.Context(), func(string) string { return "" }, ranks, io.Discard)
			if err != nil || h.LocalSize != ranks || h.Local != 0 {
				t.Fatalf("%+v, %v", h, err)
			}
			err = h.Run(func(i int, g Group) error {
				if i == failing && c.want != "" {
					return c.fail(g)
				}
				return g.AllReduce(make([]float32, 8))
			})
			if c.want == "" {
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
				continue
			}
			if want := fmt.Sprintf("rank %d of %d%s", failing, ranks, c.want); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s of rank %d: %v", c.name, failing, err)
			}
		}
	}
}
