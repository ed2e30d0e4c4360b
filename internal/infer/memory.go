package infer

import (
	"clusir/internal/arch"
	"clusir/internal/model"
)

// ProgramBytes is the memory that the program itself takes, as measured.
const ProgramBytes = 64 << 20

// Memory bounds the bytes of a network's weights and of one pass over H×W pixels,
// without the weights: the peak number of values alive, three tenths more that the
// backend keeps for reuse, and the operations' scratch space, which measures up to
// twice the values for small images and some 150 MB for large ones. H and W are as
// returned by [Network.Padded].
func Memory(c arch.Config, H, W int) (weights, pass int64, err error) {
	cost, err := model.CostOf(c, 1, H, W)
	if err != nil {
		return 0, 0, err
	}
	const float = 4
	weights = float * cost.Params
	live := float * (cost.PeakValues - cost.Params)
	return weights, live*13/10 + min(2*live, 192<<20), nil
}
