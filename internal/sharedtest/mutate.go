package sharedtest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"
)

// Reader is a reader of files that is tested with damaged ones. In contrast to a
// fuzzer, which searches for inputs, this counts how a reader handles a fixed number of
// them, the same in every run, and what they cost.
type Reader struct {
	Name  string
	Seeds [][]byte // complete files, which are damaged
	Read  func(data []byte) error
	// Fix, if set, corrects the checksums of every other damaged file, so that the
	// reader looks beyond them.
	Fix func(data []byte) []byte
	// Limits for a single file; 10 s and 512 MiB if zero.
	MaxTime  time.Duration
	MaxBytes uint64
}

// MutantsVariable names the environment variable with the number of damaged files for
// each reader.
const MutantsVariable = "CLUSIR_MUTANTS"

const fewMutants = 200

// Try gives the reader damaged files, and fails for each that makes it panic or costs
// too much, saving it in build/mutants. It logs the counts.
func (r Reader) Try(t *testing.T) {
	t.Helper()
	n := fewMutants
	if v := os.Getenv(MutantsVariable); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatalf("%s: %v", MutantsVariable, err)
		}
	}
	r.try(t, n)
}

func (r Reader) try(t testing.TB, n int) {
	t.Helper()
	if r.MaxTime == 0 {
		r.MaxTime = 10 * time.Second
	}
	if r.MaxBytes == 0 {
		r.MaxBytes = 512 << 20
	}
	rng := rand.New(rand.NewPCG(1, uint64(len(r.Name))))
	var read, faults int
	var slowest time.Duration
	var largest uint64
	for i := range n {
		data := r.mutant(rng, i)
		allocated, start := allocations(), time.Now()
		fault, err := r.guarded(data)
		took, bytes := time.Since(start), allocations()-allocated
		slowest, largest = max(slowest, took), max(largest, bytes)
		switch {
		case fault != "":
		case took > r.MaxTime:
			fault = fmt.Sprintf("took %v", took)
		case bytes > r.MaxBytes:
			fault = fmt.Sprintf("allocated %d MiB", bytes>>20)
		case err == nil:
			read++
		case err.Error() == "":
			fault = "an error without a message"
		}
		if fault != "" {
			faults++
			t.Errorf("%s, file %d: %s\nkept as %s", r.Name, i, fault, keep(t, r.Name, i, data))
		}
	}
	t.Logf("mutants: %s: %d files, %d read, %d refused, %d faults; at most %v and %d KiB", r.Name, n, read, n-read-faults,
		faults, slowest.Round(time.Millisecond), largest>>10)
}

// guarded calls the reader and turns a panic into a fault.
func (r Reader) guarded(data []byte) (fault string, err error) {
	defer func() {
		if p := recover(); p != nil {
			fault = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return "", r.Read(data)
}

// allocations returns the bytes that the process has allocated so far.
func allocations() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// keep saves a file that found a fault.
func keep(t testing.TB, name string, i int, data []byte) string {
	t.Helper()
	dir := filepath.Join(Root(t), "build", "mutants")
	path := filepath.Join(dir, fmt.Sprintf("%s-%d", name, i))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err.Error()
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err.Error()
	}
	return path
}

// mutant returns damaged file i: a seed with one to three changes.
func (r Reader) mutant(rng *rand.Rand, i int) []byte {
	data := append([]byte{}, r.Seeds[i%len(r.Seeds)]...)
	for range 1 + rng.IntN(3) {
		data = mutate(rng, data, r.Seeds)
	}
	if r.Fix != nil && i%2 == 0 {
		data = r.Fix(data)
	}
	return data
}

// mutate changes data in one of the ways in which files are damaged or forged.
func mutate(rng *rand.Rand, data []byte, seeds [][]byte) []byte {
	if len(data) == 0 {
		return []byte{byte(rng.Uint32())}
	}
	// Half of the damage is at the beginning, where headers are.
	reach := len(data)
	if rng.IntN(2) == 0 {
		reach = min(reach, 256)
	}
	at := rng.IntN(reach)
	n := min(1+rng.IntN(32), len(data)-at)
	switch rng.IntN(9) {
	case 0:
		data[at] ^= 1 << rng.IntN(8)
	case 1:
		data[at] = byte(rng.Uint32())
	case 2:
		data[at] = []byte{0, 1, 0x7f, 0x80, 0xff}[rng.IntN(5)]
	case 3, 4:
		putNumber(rng, data[at:])
	case 5:
		return data[:at]
	case 6:
		return append(data[:at], data[at+n:]...)
	case 7:
		return append(data[:at:at], append(append([]byte{}, data[at:at+n]...), data[at:]...)...)
	case 8:
		other := seeds[rng.IntN(len(seeds))]
		if len(other) > 0 {
			from := rng.IntN(len(other))
			copy(data[at:], other[from:min(from+n, len(other))])
		}
	}
	return data
}

// putNumber overwrites two or four bytes with a boundary value.
func putNumber(rng *rand.Rand, b []byte) {
	edges := []uint32{0, 1, 2, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff}
	v := edges[rng.IntN(len(edges))]
	order := []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}[rng.IntN(2)]
	switch {
	case len(b) >= 4 && rng.IntN(2) == 0:
		order.PutUint32(b, v)
	case len(b) >= 2:
		order.PutUint16(b, uint16(v))
	}
}
