//go:build cuda

package cuda

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"text/tabwriter"

	"gorgonia.org/cu"

	"clusir/internal/arch"
	"clusir/internal/kernels/cuda/softdevice"
)

var kernelTimes = flag.String("kernel-times", "", "write what TestKernelTimes measures to this JSON `file`")

// timed is what the kernels of one pass took on a device, measured by events around
// each launch.
type timed struct {
	Case     string       `json:"case"`
	Launches int64        `json:"launches"`
	KernelMs float64      `json:"kernel_ms"` // of all kernels together
	SpanMs   float64      `json:"span_ms"`   // from the first launch to the end of the last, including the events' own time
	FloorMs  float64      `json:"floor_ms,omitempty"`
	Kernels  []kernelTime `json:"kernels"`
}

type kernelTime struct {
	Name     string  `json:"name"`
	Launches int64   `json:"launches"`
	Us       float64 `json:"us"`
	FloorUs  float64 `json:"floor_us,omitempty"`
	MB       float64 `json:"mb"`
	GFLOP    float64 `json:"gflop"`
}

// stopwatch brackets every launch of a backend with events.
type stopwatch struct {
	names      []string
	begin, end []cu.Event
	err        error
}

func (s *stopwatch) around(b *Backend) func(*launched) func() {
	mark := func(events *[]cu.Event) {
		e, err := cu.MakeEvent(cu.DefaultEvent)
		if err == nil {
			err = e.Record(b.stream)
		}
		*events = append(*events, e)
		s.err = cmp.Or(s.err, err)
	}
	return func(l *launched) func() {
		s.names = append(s.names, l.kernel.name)
		mark(&s.begin)
		return func() { mark(&s.end) }
	}
}

// read returns microseconds by kernel, and from the first launch to the last. The
// device must be done.
func (s *stopwatch) read(b *Backend) (us map[string]float64, span float64, err error) {
	us = map[string]float64{}
	b.do(func() {
		err = s.err
		for i, name := range s.names {
			ms, failed := s.begin[i].Elapsed(s.end[i])
			us[name] += 1e3 * ms
			err = cmp.Or(err, failed)
		}
		var failed error
		span, failed = s.begin[0].Elapsed(s.end[len(s.end)-1])
		err = cmp.Or(err, failed)
		for i := range s.begin {
			err = cmp.Or(err, cu.DestroyEvent(&s.begin[i]), cu.DestroyEvent(&s.end[i]))
		}
	})
	return us, 1e3 * span, err
}

// timedCase is a pass of the base model, or of the smallest network on the software
// device.
type timedCase struct {
	precision Precision
	train     bool
	batch     int
	h, w      int
}

func (c timedCase) String() string {
	what := "inference"
	if c.train {
		what = "training"
	}
	return fmt.Sprintf("%s %d×%d×%d %s", what, c.batch, c.w, c.h, c.precision)
}

func timedCases() (arch.Config, []timedCase) {
	if softdevice.Present() {
		c := arch.Variants()["nano"]
		c.Dim, c.EncBlocks, c.DecBlocks, c.RefineBlocks = 4, []int{1, 1, 1, 1}, []int{1, 1, 1}, 1
		c.FSBGroups, c.Heads = 4, []int{1, 1, 1, 1}
		return c, []timedCase{{TF32, true, 2, 16, 16}, {BF16, false, 1, 16, 32}}
	}
	var cases []timedCase
	for _, p := range []Precision{TF32, BF16, Float32} {
		cases = append(cases, timedCase{p, true, 12, 128, 128}, timedCase{p, false, 1, 256, 256},
			timedCase{p, false, 1, 512, 512}, timedCase{p, false, 1, 1088, 1920})
	}
	return arch.Base(), cases
}

// TestKernelTimes prints how long each kernel of a training step and of inference
// takes, measured by events around every launch, next to its floor on this GPU.
func TestKernelTimes(t *testing.T) {
	if _, err := Devices(); err != nil {
		open(t, Options{}) // says so, or skips
	}
	config, cases := timedCases()
	var all []timed
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) { all = append(all, timeKernels(t, config, c)) })
	}
	if *kernelTimes == "" {
		return
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err == nil {
		err = os.WriteFile(*kernelTimes, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func timeKernels(t *testing.T, config arch.Config, c timedCase) timed {
	b := open(t, Options{Precision: c.precision})
	peaks, err := deviceTraits(t, 0).peaks()
	if err != nil {
		t.Log(err) // without floors
	}
	pass := newPass(t, b, config, c)
	sync := func() {
		if err := b.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	pass() // warms up
	sync()
	n := newCounter(t, peaks, config)
	var s stopwatch
	b.watch, b.around = n.add, s.around(b)
	pass()
	sync()
	b.watch, b.around = nil, nil
	us, span, err := s.read(b)
	if err != nil {
		t.Fatal(err)
	}
	r := timed{Case: c.String(), SpanMs: span / 1e3}
	for _, name := range slices.SortedFunc(maps.Keys(us), func(a, b string) int { return cmp.Compare(us[b], us[a]) }) {
		k := n.costs[name]
		row := kernelTime{Name: name, Launches: k.launches, Us: us[name], MB: float64(k.bytes) / 1e6, GFLOP: 2 * float64(k.macs) / 1e9, FloorUs: 1e6 * k.seconds}
		r.Launches += k.launches
		r.KernelMs += row.Us / 1e3
		r.FloorMs += row.FloorUs / 1e3
		r.Kernels = append(r.Kernels, row)
	}
	if r.Launches != int64(len(s.names)) || r.KernelMs <= 0 || r.KernelMs > r.SpanMs {
		t.Errorf("%d launches were counted and %d timed, %.3f ms of %.3f", r.Launches, len(s.names), r.KernelMs, r.SpanMs)
	}
	t.Logf("%s\n%s", b.Name(), r.table())
	return r
}

func (r timed) table() string {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, k := range append([]kernelTime{{Name: "all", Launches: r.Launches, Us: 1e3 * r.KernelMs, FloorUs: 1e3 * r.FloorMs}}, r.Kernels...) {
		fmt.Fprintf(w, "%s\t%d\t%.0f", k.Name, k.Launches, k.Us)
		if k.FloorUs > 0 {
			fmt.Fprintf(w, "\t%.0f\t%.1f", k.FloorUs, k.Us/k.FloorUs)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return fmt.Sprintf("%s: %.2f ms of kernels in %.2f ms\nkernel, launches, µs, floor in µs, ratio\n%s", r.Case, r.KernelMs, r.SpanMs, out.String())
}
