package train

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"clusir/internal/model"
)

// progress is the bar with the loss, the speed and the time to go; without a
// terminal it shows nothing, and line says the same in a log.
type progress struct {
	bar  *progressbar.ProgressBar
	loss float64 // smoothed over some fifty steps
	fast float64 // images per second, smoothed likewise
}

func newProgress(w io.Writer, steps, done int) *progress {
	p := &progress{}
	if w == nil {
		return p
	}
	p.bar = progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(w), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionShowElapsedTimeOnFinish(), progressbar.OptionThrottle(200e6), progressbar.OptionFullWidth(),
		progressbar.OptionSetDescription("training"))
	_ = p.bar.Set(done) // it only fails beyond its end
	return p
}

// step shows one step more.
func (p *progress) step(t model.Terms, rate float64) {
	const keep = 0.98
	if p.fast == 0 {
		p.loss, p.fast = t.Loss, rate
	}
	p.loss, p.fast = keep*p.loss+(1-keep)*t.Loss, keep*p.fast+(1-keep)*rate
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("loss %.4f  %.1f images/s", p.loss, p.fast))
		_ = p.bar.Add(1)
	}
}

// rate is the number of images per second.
func (p *progress) rate() float64 { return p.fast }

// line is a step in words, for those who read a log instead of a bar.
func (p *progress) line(step, steps, batch int) string {
	left := time.Duration(float64((steps-step)*batch) / p.fast * float64(time.Second))
	return fmt.Sprintf("step %d of %d: loss %.4f, %.1f images/s, %v to go", step, steps, p.loss, p.fast, left.Round(time.Second))
}

// clear makes room for a line of text.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Exit()
	}
}
