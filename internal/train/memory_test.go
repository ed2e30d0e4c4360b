package train

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/config"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/testnet"
)

// TestOutOfMemory: the error names the fastest settings that fit.
func TestOutOfMemory(t *testing.T) {
	c := arch.Variants()["nano"]
	settings := config.Default().Train
	settings.Batch, settings.Patch, settings.Accumulate = 8, 64, 1
	need := func(n int, recompute bool) int64 {
		bytes, err := model.TrainingMemory(c, objective(settings), n, 64, 64, recompute)
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	if need(8, false) <= need(4, false) || need(4, false) <= need(2, false) || need(8, true) >= need(8, false) {
		t.Fatalf("estimates: %d, %d, %d, recomputed %d", need(8, false), need(4, false), need(2, false), need(8, true))
	}
	for _, test := range []struct {
		total int64
		want  string
	}{
		{need(4, false), ": train.accumulate: 2 should fit"},
		{need(2, false), ": train.accumulate: 4 should fit"},
		{need(2, true), ": train.accumulate: 4 with train.recompute: true should fit"},
		{need(2, true) - 1, ": train.batch: 2 with train.patch: 32 should fit"},
		{1, ": choose a smaller model"},
	} {
		o := Options{Config: &config.Config{Model: config.ModelOf(c), Train: settings}, Backend: testnet.Card{Total: test.total}}.inGroup()
		err := o.outOfMemory(fmt.Errorf("step 1: %w", kernels.ErrMemory))
		if !errors.Is(err, kernels.ErrMemory) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d bytes: %v, want %q", test.total, err, test.want)
		}
	}
	if other := errors.New("lost"); !errors.Is(Options{Backend: testnet.Card{}}.outOfMemory(other), other) {
		t.Error("another error became an out-of-memory error")
	}
}
