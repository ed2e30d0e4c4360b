package bench

import (
	"cmp"
	"slices"
	"time"

	"clusir/internal/autograd"
)

// profileRuns is the largest number of passes that a profile averages: waiting for
// every operation makes them slower, not less exact.
const profileRuns = 5

const between = "(between operations)"

// profileRow is the cost of one operation in a pass.
type profileRow struct {
	Op        string  `json:"op"`
	Backward  bool    `json:"backward"`
	Calls     float64 `json:"calls"`
	Ms        float64 `json:"ms"`
	Share     float64 `json:"share"` // of the pass's time
	GMACs     float64 `json:"gmacs"`
	GMACsPerS float64 `json:"gmacs_per_s"`
}

// profiler adds up the tape's reports on its operations.
type profiler struct {
	rows  map[profileKey]*profileRow
	timed time.Duration // of all operations
}

type profileKey struct {
	op       string
	backward bool
}

func (p *profiler) add(op string, backward bool, macs int64, d time.Duration) {
	key := profileKey{op, backward}
	row := p.rows[key]
	if row == nil {
		row = &profileRow{Op: op, Backward: backward}
		p.rows[key] = row
	}
	row.Calls++
	row.Ms += milliseconds(d)
	row.GMACs += float64(macs) / 1e9
	p.timed += d
}

// profile runs n passes with every operation timed, and returns the mean pass, the
// longest operation first.
func (w *workload) profile(n int) ([]profileRow, error) {
	p := &profiler{rows: map[profileKey]*profileRow{}}
	w.tape.Trace = func(e autograd.Event) { p.add(e.Op, e.Backward, e.MACs, e.Time) }
	w.onTime = func(name string, d time.Duration) { p.add(name, false, 0, d) }
	defer func() { w.tape.Trace, w.onTime = nil, nil }()
	start := time.Now()
	for range n {
		if err := w.pass(); err != nil {
			return nil, err
		}
	}
	return p.mean(n, time.Since(start)), nil
}

// mean returns the rows of one of n passes that took total together.
func (p *profiler) mean(n int, total time.Duration) []profileRow {
	p.rows[profileKey{between, false}] = &profileRow{Op: between, Calls: float64(n), Ms: milliseconds(total - p.timed)}
	var rows []profileRow
	for key, row := range p.rows {
		if forward := p.rows[profileKey{op: key.op}]; key.backward && forward != nil {
			row.GMACs = (trainingPasses - 1) * forward.GMACs
		}
		rows = append(rows, *row)
	}
	for i := range rows {
		r := &rows[i]
		r.Share = r.Ms / milliseconds(total)
		r.GMACsPerS = perSecond(r.GMACs, r.Ms)
		r.Calls, r.Ms, r.GMACs = r.Calls/float64(n), r.Ms/float64(n), r.GMACs/float64(n)
	}
	slices.SortFunc(rows, func(a, b profileRow) int {
		return cmp.Or(cmp.Compare(b.Ms, a.Ms), cmp.Compare(a.Op, b.Op))
	})
	return rows
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// perSecond returns amount/time, 0 if no time has passed.
func perSecond(amount, ms float64) float64 {
	if ms <= 0 {
		return 0
	}
	return amount / ms * 1e3
}
