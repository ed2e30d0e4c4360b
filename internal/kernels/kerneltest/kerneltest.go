// Package kerneltest is the conformance suite of kernels.Backend: one table of cases,
// each an operation on operands of certain shapes, compared with the float64 backend of
// package ref. A backend's test is
//
//	func TestConformance(t *testing.T) { kerneltest.Run(t, open(t), kerneltest.Options{}) }
//
// and go test -run Conformance/Conv3x3 tests one operation.
//
// To add an operation, write a constructor that describes its operands and how to call
// it (files cases_*.go), and a row for each shape worth testing. A test of this package
// fails if a method of kernels.Backend has no row.
package kerneltest

import (
	"runtime/debug"
	"slices"
	"testing"

	"clusir/internal/kernels"
)

// Options says how a backend is tested.
type Options struct {
	// Slack multiplies every tolerance, for arithmetic of lower precision than float32.
	// Zero means 1.
	Slack float64
	// Stored is how many intermediate results of an operation are rounded besides the
	// operands of its products.
	Stored map[string]int
	// Small leaves out the large cases, for emulated devices.
	Small bool
}

// Run tests b against the table, with one subtest for each operation and case. The
// caller closes b.
func Run(t *testing.T, b kernels.Backend, o Options) {
	t.Run("Memory", func(t *testing.T) { testMemory(t, b) })
	t.Run("Identities", func(t *testing.T) { testIdentities(t, b, o) })
	forCases(t, o, func(t *testing.T, c Case) {
		e := c.expect()
		t.Run("forward", guarded(func(t *testing.T) { c.checkForward(t, b, o, e) }))
		if c.Grad == "" {
			return
		}
		all := c.differentiable()
		t.Run("gradient", guarded(func(t *testing.T) { c.checkGradient(t, b, o, e, all) }))
		if len(all) == 1 || c.Large {
			return
		}
		t.Run("absent", guarded(func(t *testing.T) {
			for i, operand := range all {
				c.checkGradient(t, b, o, e, []int{operand})
				c.checkGradient(t, b, o, e, slices.Delete(slices.Clone(all), i, i+1))
			}
		}))
	})
}

// RunDeterminism requires the same bits from a backend at 1, 2 and 3 threads. It closes
// the backends that it makes.
func RunDeterminism(t *testing.T, newBackend func(threads int) kernels.Backend) {
	var bs []kernels.Backend
	for threads := 1; threads <= 3; threads++ {
		b := newBackend(threads)
		defer b.Close()
		bs = append(bs, b)
	}
	forCases(t, Options{}, func(t *testing.T, c Case) {
		defer failOnPanic(t)
		e := c.expect()
		y, x, dx := c.everything(bs[0], e)
		for i, b := range bs[1:] {
			y2, x2, dx2 := c.everything(b, e)
			checkSameBits(t, i+2, "results", y, y2)
			checkSameBits(t, i+2, "operands", x, x2)
			checkSameBits(t, i+2, "gradients", dx, dx2)
		}
	})
}

// forCases runs do in a subtest for each operation and case.
func forCases(t *testing.T, o Options, do func(*testing.T, Case)) {
	rows := table()
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Op == rows[0].Op {
			n++
		}
		t.Run(rows[0].Op, func(t *testing.T) {
			for _, c := range rows[:n] {
				if !(c.Large && o.Small) {
					t.Run(c.Name, func(t *testing.T) { do(t, c) })
				}
			}
		})
		rows = rows[n:]
	}
}

// guarded turns a panic of the backend into the failure of one subtest.
func guarded(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		defer failOnPanic(t)
		test(t)
	}
}

func failOnPanic(t reporter) {
	if p := recover(); p != nil {
		t.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
