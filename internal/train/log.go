package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"syscall"
	"time"

	"clusir/internal/atomicfile"
	"clusir/internal/eval"
	"clusir/internal/model"
	"clusir/internal/tensorboard"
)

// Entry is one line of a run's log.
type Entry struct {
	Step         int     `json:"step"`
	LR           float64 `json:"lr,omitempty"`
	*model.Terms         // nil in the line of a validation
	// Experts is, per stage, the share of the step's samples routed to each expert.
	Experts [][]float64 `json:"experts,omitempty"`
	// Posterior is, per stage, the mean of p(C=c|x) over the step's samples, and
	// Entropy the mean of its entropy: 1 if all clusters are used alike, 0 if only one
	// is.
	Posterior  [][]float64    `json:"posterior,omitempty"`
	Entropy    []float64      `json:"entropy,omitempty"`
	Rate       float64        `json:"images_per_s,omitempty"`
	Validation []eval.Measure `json:"validation,omitempty"`
	Time       time.Time      `json:"time"`
}

// log appends to a JSON-lines file and to a TensorBoard event file.
type log struct {
	f     *atomicfile.Lines
	board *tensorboard.Writer
}

// openLog opens the log at path and drops what a resumed run writes again: the lines
// after the given step, and the validations after the last that its checkpoint knows.
func openLog(path string, step, validated int) (*log, error) {
	f, err := openLines(path, step, validated)
	if err != nil {
		return nil, err
	}
	board, err := tensorboard.Create(filepath.Dir(path), step, time.Now())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &log{f, board}, nil
}

func openLines(path string, step, validated int) (*atomicfile.Lines, error) {
	f, err := logFormat.Open(path, true, "", func(_ int, line []byte) error {
		e, err := parseEntry(line)
		if err == nil && (e.Step > step || e.Terms == nil && e.Step > validated) {
			err = atomicfile.ErrEnough
		}
		return err
	})
	switch {
	case errors.As(err, new(syscall.Errno)):
		return nil, err // the system refused it, which says nothing of its lines
	case err != nil:
		return nil, fmt.Errorf("%w; repair or remove it to continue", err)
	}
	return f, nil
}

func (l *log) write(e Entry) error {
	if err := l.f.Add(e); err != nil {
		return err
	}
	return l.board.Scalars(e.Step, e.Time, e.scalars())
}

func (l *log) validation(step int, v *eval.Validation) error {
	now := logTime()
	if err := l.write(Entry{Step: step, Validation: v.Measures, Time: now}); err != nil {
		return err
	}
	for _, p := range v.Strips {
		if err := l.board.Image(step, now, p.Name, p); err != nil {
			return err
		}
	}
	return nil
}

func logTime() time.Time { return time.Now().UTC().Truncate(time.Second) }

func (l *log) close() {
	if l != nil {
		_, _ = l.f.Close(), l.board.Close() // every line has already been written
	}
}

// maxSeries bounds the number of values of one kind in a log line, so that a curve's
// legend can be drawn.
const maxSeries = 200

var logFormat = atomicfile.Format{Name: "training log", Start: `{"step":`}

// ReadLog reads the log of a run, which may still be training.
func ReadLog(path string) (entries []Entry, err error) {
	err = logFormat.Read(path, func(_ int, line []byte) error {
		e, err := parseEntry(line)
		if err == nil {
			entries = append(entries, e)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

func parseEntry(line []byte) (e Entry, err error) {
	switch err := json.Unmarshal(line, &e); {
	case err != nil:
		return e, errors.New("not a line of a training log: its JSON has a different form")
	case e.Step < 0 || len(e.Entropy) > maxSeries || len(e.Validation) > maxSeries:
		return e, fmt.Errorf("not a line of a training log: step %d, %d stages, %d measures", e.Step, len(e.Entropy), len(e.Validation))
	}
	return e, nil
}

// entry returns the log's line for the step just made.
func (r *run) entry(t model.Terms, rate float64) Entry {
	posterior, entropy := r.routing.means()
	return Entry{
		Step: r.step, LR: r.plan.rate(r.step - 1), Terms: &t, Rate: math.Round(rate*100) / 100,
		Experts: r.expertUse(), Posterior: posterior, Entropy: entropy, Time: logTime(),
	}
}

// expertUse fetches the share of the step's samples routed to each expert.
func (r *run) expertUse() [][]float64 {
	var use [][]float64
	for _, e := range r.m.MoE {
		count := r.tape.Fetch(e.Count)
		share := make([]float64, len(count))
		for i, c := range count {
			share[i] = float64(c) / float64(r.t.Batch)
		}
		use = append(use, share)
	}
	return use
}

func finite(t model.Terms) bool { return !math.IsNaN(t.Loss) && !math.IsInf(t.Loss, 0) }
