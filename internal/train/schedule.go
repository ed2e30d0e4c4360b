package train

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize/english"

	"clusir/internal/config"
)

// schedule says how long a run is and how its learning rate falls.
type schedule struct {
	config.Train
	steps, halveAt int
}

// newSchedule counts in steps: an epoch is as many as its samples fill, the
// last one begun included.
func newSchedule(t config.Train, samples int) schedule {
	s := schedule{Train: t, steps: t.Steps}
	if t.Steps == 0 {
		s.steps = stepsOf(t.Epochs, samples, t.Batch)
	}
	if t.Schedule == "halve" {
		s.halveAt = stepsOf(t.HalveAfter, samples, t.Batch)
	}
	return s
}

func stepsOf(epochs, samples, batch int) int { return (epochs*samples + batch - 1) / batch }

// note says what of the schedule does not come about, "" if all of it does: a short
// trial of a long recipe is a run like any other.
func (s schedule) note() string {
	if s.Schedule != "halve" || s.halveAt < s.steps {
		return ""
	}
	return fmt.Sprintf("the learning rate stays at %g: the run has %d steps, and train.halve_after, %s, is step %d",
		s.LR, s.steps, english.Plural(s.HalveAfter, "epoch", ""), s.halveAt)
}

// rate is the learning rate of the step that follows the given number of them.
func (s schedule) rate(done int) float64 {
	if done < s.Warmup {
		return s.LR * float64(done+1) / float64(s.Warmup)
	}
	switch s.Schedule {
	case "halve":
		if done >= s.halveAt {
			return s.LR / 2
		}
	case "cosine":
		x := float64(done-s.Warmup) / float64(max(s.steps-s.Warmup, 1))
		return s.MinLR + (s.LR-s.MinLR)*(1+math.Cos(math.Pi*min(x, 1)))/2
	}
	return s.LR
}
