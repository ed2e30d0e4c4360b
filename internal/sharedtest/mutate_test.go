package sharedtest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// counter stands in for a test and records its errors.
type counter struct {
	testing.TB
	errors []string
	logs   []any
}

func (c *counter) Helper() {}
func (c *counter) Errorf(format string, args ...any) {
	c.errors = append(c.errors, args[2].(string))
	c.drop(args[3])
}
func (c *counter) Logf(_ string, args ...any) { c.logs = args }
func (c *counter) drop(path any)              { _ = os.Remove(path.(string)) }

// TestTry detects readers that panic, are slow, take much memory or return errors
// without text.
func TestTry(t *testing.T) {
	var held []byte
	for name, tc := range map[string]struct {
		read func([]byte) error
		want string
	}{
		"good":   {func([]byte) error { return nil }, ""},
		"strict": {func([]byte) error { return errors.New("is damaged") }, ""},
		"panics": {func(b []byte) error { return errors.New(string(b[len(b):][0])) }, "panic: runtime error"},
		"slow":   {func([]byte) error { time.Sleep(3 * time.Millisecond); return nil }, "took"},
		"large":  {func([]byte) error { held = make([]byte, 8<<20); return nil }, "allocated 8 MiB"},
		"silent": {func([]byte) error { return errors.New("") }, "an error without a message"},
	} {
		c, limit := &counter{TB: t}, time.Minute // however busy the machine is
		if name == "slow" {
			limit = 2 * time.Millisecond
		}
		Reader{Name: name, Seeds: [][]byte{[]byte("a file"), {}}, Read: tc.read, MaxTime: limit, MaxBytes: 4 << 20}.try(c, 3)
		if tc.want == "" && len(c.errors) > 0 || tc.want != "" && !strings.Contains(strings.Join(c.errors, "\n"), tc.want) {
			t.Errorf("%s: errors %q, want %q", name, c.errors, tc.want)
		}
	}
	_ = held
}

// TestMutants: mutants are the same in every run, and differ from their seeds.
func TestMutants(t *testing.T) {
	r := Reader{Name: "x", Seeds: [][]byte{bytes.Repeat([]byte("0123456789"), 100)}, Fix: func(b []byte) []byte { return append(b, '!') }}
	changed := 0
	one, two := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		a, b := r.mutant(one, i), r.mutant(two, i)
		if !bytes.Equal(a, b) {
			t.Fatalf("file %d differs between runs", i)
		}
		if i%2 == 0 && !bytes.HasSuffix(a, []byte("!")) {
			t.Fatalf("file %d was not fixed", i)
		}
		if !bytes.Equal(a, r.Seeds[0]) {
			changed++
		}
	}
	if changed < 190 {
		t.Errorf("only %d of 200 files are damaged", changed)
	}
}
