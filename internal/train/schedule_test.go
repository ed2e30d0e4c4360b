package train

import (
	"math"
	"testing"

	"clusir/internal/config"
)

func TestSchedule(t *testing.T) {
	paper := config.Default().Train // 150 epochs of batch 48, halved after 75
	cosine := config.Train{Steps: 110, Warmup: 10, LR: 1, MinLR: .1, Schedule: "cosine"}
	for _, c := range []struct {
		name    string
		t       config.Train
		samples int
		done    int
		want    float64
		steps   int
	}{
		{"paper's first step", paper, 142431, 0, 2e-4, 445097},
		{"paper before the middle", paper, 142431, 222548, 2e-4, 445097},
		{"paper after the middle", paper, 142431, 222549, 1e-4, 445097},
		{"warmup", cosine, 7, 4, .5, 110},
		{"top", cosine, 7, 10, 1, 110},
		{"half way", cosine, 7, 60, .55, 110},
		{"end", cosine, 7, 110, .1, 110},
		{"constant", config.Train{Steps: 5, LR: 3, Schedule: "constant"}, 7, 4, 3, 5},
		{"halved after two epochs of four steps", config.Train{Steps: 10, Batch: 2, LR: 3, Schedule: "halve", HalveAfter: 2}, 8, 8, 1.5, 10},
		{"before them", config.Train{Steps: 10, Batch: 2, LR: 3, Schedule: "halve", HalveAfter: 2}, 8, 7, 3, 10},
		{"a trial that ends before", config.Train{Steps: 5, Batch: 2, LR: 3, Schedule: "halve", HalveAfter: 2}, 8, 4, 3, 5},
	} {
		s := newSchedule(c.t, c.samples)
		if got := s.rate(c.done); math.Abs(got-c.want) > 1e-12 || s.steps != c.steps {
			t.Errorf("%s: rate %g, want %g; %d steps, want %d", c.name, got, c.want, s.steps, c.steps)
		}
	}
}

// TestScheduleNote: a run that ends before its rate is halved says so.
func TestScheduleNote(t *testing.T) {
	trial := config.Train{Steps: 8, Batch: 2, LR: 3, Schedule: "halve", HalveAfter: 2}
	if note := newSchedule(trial, 8).note(); note != "the learning rate stays at 3: the run has 8 steps, and train.halve_after, 2 epochs, is step 8" {
		t.Errorf("the note is %q", note)
	}
	trial.Steps = 9
	if note := newSchedule(trial, 8).note(); note != "" {
		t.Errorf("a run that halves its rate has the note %q", note)
	}
}
