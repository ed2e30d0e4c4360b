package train

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"clusir/internal/eval"
)

// never is the step of the last validation if there was none.
const never = -1

// owesValidation reports whether a validation is due.
func (r *run) owesValidation() bool {
	return r.Validate != nil && r.due(r.t.ValidationInterval, r.step) && r.validated != r.step
}

// validate measures the network, averaged if there is an average, and keeps the best so
// far, if it is time to. A validation that fails, as when ctx ends or the best weights
// cannot be written, stays due.
func (r *run) validate(ctx context.Context) error {
	if !r.owesValidation() {
		return nil
	}
	return r.opt.withAverage(func() error {
		v, err := r.Validate(ctx, r.m)
		if err != nil {
			return fmt.Errorf("validation after step %d: %w", r.step, err)
		}
		if err := r.log.validation(r.step, v); err != nil {
			return err
		}
		mean := meanOf(v.Measures)
		better := mean > r.best
		r.report(v, mean, better)
		validated, best := r.validated, r.best
		r.validated, r.changed = r.step, true
		if better {
			r.best = mean
			err = r.write(filepath.Join(r.Out, bestName), r.m.State()) // only the weights, averaged if there is an average
		}
		if err != nil {
			r.validated, r.best = validated, best
		}
		return err
	})
}

func (r *run) report(v *eval.Validation, mean float64, better bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "step %d: validation", r.step)
	for _, m := range v.Measures {
		fmt.Fprintf(&b, "  %s %.2f", m.Name, m.Value)
	}
	for _, name := range v.Infinite {
		fmt.Fprintf(&b, "  %s infinite and not in the mean", name)
	}
	fmt.Fprintf(&b, "  mean %.3f", mean)
	if better {
		b.WriteString(", the best so far")
	}
	r.Progress.Clear()
	fmt.Fprintln(r.Messages, b.String())
}

func meanOf(ms []eval.Measure) float64 {
	sum := 0.0
	for _, m := range ms {
		sum += m.Value
	}
	return sum / float64(max(len(ms), 1))
}
