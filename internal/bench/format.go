package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
)

// Formats are the formats of [Write]: a table, one object per line, and benchstat's.
var Formats = []string{"text", "json", "go"}

// Write writes results in one of Formats.
func Write(w io.Writer, format string, rs []Result) error {
	switch format {
	case "json":
		return writeJSON(w, rs)
	case "go":
		return writeGo(w, rs)
	}
	return writeText(w, rs)
}

// writeJSON writes one object per line.
func writeJSON(w io.Writer, rs []Result) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, r := range rs {
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// writeGo writes what `go test -bench` would, one line per run, for benchstat.
func writeGo(w io.Writer, rs []Result) error {
	fmt.Fprintf(w, "goos: %s\ngoarch: %s\npkg: clusir\n", runtime.GOOS, runtime.GOARCH)
	for _, r := range rs {
		for _, ms := range r.Ms {
			if _, err := fmt.Fprintf(w, "%s\t1\t%d ns/op\t%.4g GMAC/s\t%.4g peak-MB\n",
				r.goName(), int64(ms*1e6), perSecond(r.GMACs, ms), r.PeakRSSMB); err != nil {
				return err
			}
		}
	}
	return nil
}

// goName returns the benchmark's name: BenchmarkForward/base/256-2,
// BenchmarkTrain/nano/4x128-2.
func (r Result) goName() string {
	kind, size := "Forward", r.Size.String()
	if r.Train {
		kind = "Train"
	}
	if r.Train || r.Batch > 1 {
		size = fmt.Sprint(r.Batch, "x", size)
	}
	name := strings.TrimSuffix(filepath.Base(r.Model), filepath.Ext(r.Model))
	name = strings.Join(strings.Fields(name), "_")
	return fmt.Sprintf("Benchmark%s/%s/%s-%d", kind, name, size, r.Threads)
}

// writeText writes a table for people.
func writeText(w io.Writer, rs []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "model\tsize\tbatch\tthreads\tparameters\tGMACs\tms\tmin\tmax\timages/s\tGMAC/s\tof peak\tpeak MB\t")
	for _, r := range rs {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%.2f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
			r.Model, r.Size, r.Batch, known("%.0f", float64(r.Threads)), humanize.Comma(r.Params), r.GMACs,
			known("%.1f", r.MsMedian), known("%.1f", r.MsMin), known("%.1f", r.MsMax), known("%.2f", r.ImagesPerS),
			known("%.2f", r.GMACsPerS), known("%.0f%%", 100*r.ShareOfPeak), known("%.0f", r.PeakRSSMB))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	writeNotes(w, rs)
	for _, r := range rs {
		if err := writeProfile(w, r); err != nil {
			return err
		}
	}
	return nil
}

// writeNotes writes what holds for all rows or is derived from several.
func writeNotes(w io.Writer, rs []Result) {
	r := rs[0]
	if r.Train {
		fmt.Fprintln(w, "training steps: a step counts as three forward passes")
	}
	if r.Device != "" {
		fmt.Fprintf(w, "%s, %s, median of %d after %d to warm up\n", r.Device, r.Precision, r.Runs, r.Warmup)
	}
	threads := 0
	for _, r := range rs {
		if r.Threads == threads {
			continue
		}
		threads = r.Threads
		if r.DevicePeak > 0 {
			fmt.Fprintf(w, "peak with %s: %.1f GMAC/s, in %s\n", counted(threads), r.DevicePeak, r.PeakOp)
		}
		if r.Exponent != 0 {
			fmt.Fprintf(w, "time with %s grows as pixels^%.3f\n", counted(threads), r.Exponent)
		}
	}
	for _, r := range rs {
		if r.Speedup > 0 {
			fmt.Fprintf(w, "%s is %.2f times as fast with %s\n", r.Size, r.Speedup, counted(r.Threads))
		}
	}
}

// writeProfile writes the table by operations.
func writeProfile(w io.Writer, r Result) error {
	if len(r.Profile) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\n%s at %s, %s, by operation:\n", r.Model, r.Size, counted(r.Threads))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "operation\tcalls\tms\tshare\tGMACs\tGMAC/s\t")
	for _, p := range r.Profile {
		op := p.Op
		if p.Backward {
			op += "Grad"
		}
		fmt.Fprintf(t, "%s\t%g\t%.2f\t%.1f%%\t%s\t%s\t\n", op, p.Calls, p.Ms, 100*p.Share, known("%.3f", p.GMACs), known("%.1f", p.GMACsPerS))
	}
	return t.Flush()
}

func counted(threads int) string { return english.Plural(threads, "thread", "") }

// known formats a number, or a dash if there is none.
func known(format string, v float64) string {
	if v == 0 {
		return "–"
	}
	return fmt.Sprintf(format, v)
}
