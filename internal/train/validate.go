package train

import (
	"context"
	"fmt"
	"time"
)

// validate measures the network, averaged where there is an average, and keeps
// the best so far.
func (r *run) validate(ctx context.Context) error {
	return r.opt.withAverage(func() error {
		measures, err := r.Validate(ctx, r.m)
		if err != nil {
			return fmt.Errorf("validation after step %d: %w", r.step, err)
		}
		if err := r.log.write(Entry{Step: r.step, Validation: measures, Time: time.Now().UTC().Truncate(time.Second)}); err != nil {
			return err
		}
		if mean := meanOf(measures); mean > r.best {
			r.best = mean
			return r.saveBest()
		}
		return nil
	})
}

func meanOf(ms []Measure) float64 {
	sum := 0.0
	for _, m := range ms {
		sum += m.Value
	}
	return sum / float64(max(len(ms), 1))
}
