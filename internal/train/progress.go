package train

import (
	"fmt"
	"time"

	"clusir/internal/model"
)

// pace is what is displayed of a run's steps: the loss and the speed, both smoothed
// over some fifty steps.
type pace struct {
	loss      float64
	perSecond float64 // images
}

// add counts one more step, made at a rate of images per second.
func (p *pace) add(t model.Terms, rate float64) {
	const keep = 0.98
	if p.perSecond == 0 {
		p.loss, p.perSecond = t.Loss, rate
	}
	p.loss, p.perSecond = keep*p.loss+(1-keep)*t.Loss, keep*p.perSecond+(1-keep)*rate
}

func (p *pace) String() string { return fmt.Sprintf("loss %.4f, %.1f images/s", p.loss, p.perSecond) }

// line reports a step when no progress bar is shown.
func (p *pace) line(step, steps, batch int) string {
	left := time.Duration(float64((steps-step)*batch) / p.perSecond * float64(time.Second))
	return fmt.Sprintf("step %d of %d: %v, %v to go", step, steps, p, left.Round(time.Second))
}
