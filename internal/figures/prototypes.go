package figures

import (
	"context"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/floats"

	"clusir/internal/arch"
	"clusir/internal/draw"
	"clusir/internal/model"
)

// prototypes shows how far apart each stage's prototypes are: in the network, and at
// the start of a training with orthogonal or random ones.
func prototypes(_ context.Context, r *Request) ([]sheet, error) {
	c := r.Net.Model.Config
	random, err := r.started(arch.PrototypesUniform)
	if err != nil {
		return nil, err
	}
	orthogonal, err := r.started(arch.PrototypesOrthogonal)
	if err != nil {
		return nil, err
	}
	scale := draw.Scale{Max: 2}
	distances := [][][][]float64{random, orthogonal, r.distances(r.Net.Model)}
	for _, values := range slices.Concat(distances...) {
		scale.Max = max(scale.Max, largest(values))
	}
	rows := make([][]draw.Panel, len(distances))
	for i, title := range []string{"random start", "orthogonal start", r.Name + ", trained"} {
		for l, values := range distances[i] {
			var names []string
			for k := range c.Clusters[l] {
				names = append(names, fmt.Sprint(k+1))
			}
			rows[i] = append(rows[i], draw.Heat{
				Title: fmt.Sprintf("Stage %d: %s", l+1, title), Rows: names, Cols: names,
				Values: values, Scale: scale, Format: "%.2f", Cell: 34, CellWide: 56,
			})
		}
	}
	bar := draw.Bar{Scale: scale, Label: "squared distance", Format: "%.2f", Width: 180}
	return []sheet{{"prototypes", draw.Sheet{
		Title: "How far apart the prototypes are",
		Rows:  append(rows, []draw.Panel{bar}),
		Notes: []string{"Squared distance of each pair of a stage's prototypes, both of length 1: " +
			"the mean squared error times the number of channels, which makes the stages comparable. 0 is the same direction, 2 a right angle, 4 the opposite. " +
			fmt.Sprintf("The prototypes of %s began %s.", r.Name, c.PrototypeInit)},
	}}}, nil
}

// started returns the distances of the prototypes of an untrained network.
func (r *Request) started(kind string) ([][][]float64, error) {
	c := r.Net.Model.Config
	c.PrototypeInit = kind
	m, err := model.New(c, r.Net.Tape().B)
	if err != nil {
		return nil, err
	}
	defer m.Free()
	m.Init(r.Seed)
	return r.distances(m), nil
}

// distances returns the distances of the prototypes of every stage from each other.
func (r *Request) distances(m *model.ClusIR) (stages [][][]float64) {
	for l, e := range m.MoE {
		stages = append(stages, pairwise(wide(r.Net.Tape().Fetch(e.Router.Prototypes)), m.Config.Width(l)))
	}
	return stages
}

// pairwise returns the squared distances of the rows [N·C], scaled to length 1.
//
// The paper does not say whether its prototypes are scaled. The router depends only on
// their directions, so lengths would hide what matters.
func pairwise(p []float64, C int) [][]float64 {
	N := len(p) / C
	row := func(i int) []float64 { return p[i*C:][:C] }
	out := make([][]float64, N)
	for i := range out {
		out[i] = make([]float64, N)
		for j := range out[i] {
			if i != j {
				a, b := row(i), row(j)
				out[i][j] = 2 - 2*floats.Dot(a, b)/(floats.Norm(a, 2)*floats.Norm(b, 2))
			}
		}
	}
	return out
}
