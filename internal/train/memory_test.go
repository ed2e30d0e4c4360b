package train

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/testnet"
)

// TestOutOfMemory: the error names the fastest settings that fit.
func TestOutOfMemory(t *testing.T) {
	c := arch.Variants()["nano"]
	settings := config.Default().Train
	settings.Batch, settings.Accumulate = 8, 1
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
		{need(4, false), "train.accumulate: 2 with train.recompute: false"},
		{need(2, false), "train.accumulate: 4 with train.recompute: false"},
		{need(2, true), "train.accumulate: 4 with train.recompute: true"},
		{need(2, true) - 1, "lower train.patch"},
	} {
		r := &run{Options: Options{Backend: testnet.Card{Total: test.total}}, t: settings, m: &model.ClusIR{Config: c}}
		err := r.outOfMemory(fmt.Errorf("step 1: %w", kernels.ErrMemory), &dataset.Batch{B: 8, P: 64})
		if !errors.Is(err, kernels.ErrMemory) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d bytes: %v, want %q", test.total, err, test.want)
		}
	}
	r := &run{Options: Options{Backend: testnet.Card{}}, t: settings}
	if other := errors.New("lost"); !errors.Is(r.outOfMemory(other, nil), other) {
		t.Error("another error became an out-of-memory error")
	}
}
