package restore

import (
	"fmt"
	"image"

	"clusir/internal/arch"
	"clusir/internal/infer"
	"clusir/internal/model"
)

// cell is the side of the squares of pixels whose affinity is measured: a pixel of the
// deepest stage is half as wide.
const cell = 16

// affinity is p(C=c|x) of every stage's router for each cell of a picture, as if the
// cell were the whole picture.
type affinity struct {
	inside image.Rectangle // of the picture, in pixels: what the cells cover
	h, w   int             // in cells
	stages [][]float32     // [h,w,N]; nil before the first tile
	row    int             // of the first cell of the current tile
	col    int
}

func newAffinity(inside image.Rectangle) *affinity {
	return &affinity{inside: inside, h: ceilDiv(inside.Dy(), cell), w: ceilDiv(inside.Dx(), cell), stages: make([][]float32, arch.Stages)}
}

// observe receives the result v [1,C,H,W] of a module of the network. A stage of the
// encoder gives the input of its router.
func (a *affinity) observe(net *infer.Network, name string, v *model.Var) {
	for l := range a.stages {
		if name == fmt.Sprint("encoder.", l) {
			a.put(l, net.Means(v, cell>>l), net, v)
		}
	}
}

// put stores the affinity of the rows [h·w,C] of a stage in the tile's cells.
func (a *affinity) put(l int, features []float32, net *infer.Network, v *model.Var) {
	C, side := v.Shape[1], cell>>l
	h, w := v.Shape[2]/side, v.Shape[3]/side
	tape := net.Tape()
	posterior := tape.Block(func() *model.Var { return net.Model.Affinity(tape, l, tape.Input(features, h*w, C)) })
	N, p := posterior.Shape[1], tape.Fetch(posterior)
	if a.stages[l] == nil {
		a.stages[l] = make([]float32, a.h*a.w*N)
	}
	for y := range min(h, a.h-a.row) {
		n := min(w, a.w-a.col) * N // without the tile's padding
		copy(a.stages[l][((a.row+y)*a.w+a.col)*N:][:n], p[y*w*N:])
	}
}
