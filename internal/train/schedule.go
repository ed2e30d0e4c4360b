package train

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize/english"

	"clusir/internal/config"
)

// schedule is the length of a run and how its learning rate falls.
type schedule struct {
	config.Train
	steps, halveAt int
}

// newSchedule counts in steps: an epoch is as many steps as its samples fill, including
// a last partial one.
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

// note reports a part of the schedule that does not take effect, "" if all of it does;
// such a run, say a short trial of a long recipe, is allowed.
func (s schedule) note() string {
	if s.Schedule != "halve" || s.halveAt < s.steps {
		return ""
	}
	return fmt.Sprintf("the learning rate stays at %g: the run has %d steps, and train.halve_after, %s, is step %d",
		s.LR, s.steps, english.Plural(s.HalveAfter, "epoch", ""), s.halveAt)
}

// rate returns the learning rate of the step after the first done steps.
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
