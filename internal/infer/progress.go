package infer

import (
	"context"

	"clusir/internal/model"
)

// watch returns the function that the tape calls before each operation on an image of
// H×W pixels: it reports progress, and ends the call when ctx ends.
func (n *Network) watch(ctx context.Context, H, W int) (func() error, error) {
	if n.Progress == nil {
		return func() error { return context.Cause(ctx) }, nil
	}
	all, err := n.macs(H, W)
	if err != nil {
		return nil, err
	}
	begin := n.tape.MACs
	all *= max(int64(n.Ensemble), 1)
	return func() error {
		n.Progress(min(float64(n.tape.MACs-begin)/float64(all), 1))
		return context.Cause(ctx)
	}, nil
}

// macs returns the multiply-accumulates of a pass over H×W pixels.
func (n *Network) macs(H, W int) (int64, error) {
	sides := [2]int{H, W}
	if all, ok := n.counted[sides]; ok {
		return all, nil
	}
	cost, err := model.CostOf(n.Model.Config, 1, H, W)
	if err != nil {
		return 0, err
	}
	n.counted[sides] = cost.MACs
	return cost.MACs, nil
}
