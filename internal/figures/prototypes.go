package figures

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/floats"

	"clusir/internal/arch"
	"clusir/internal/draw"
	"clusir/internal/model"
)

// prototypes shows how far apart each stage's prototypes are: in the network, and at
// the start of a training with orthogonal or random ones.
func prototypes(_ context.Context, r *Request) ([]sheet, error) {
	c := r.Net.Model.Config
	rows := [][]draw.Panel{}
	highest := 0.
	for _, v := range []struct {
		title string
		load  func() ([][]float64, error)
	}{
		{"random start", func() ([][]float64, error) { return r.started(arch.PrototypesUniform) }},
		{"orthogonal start", func() ([][]float64, error) { return r.started(arch.PrototypesOrthogonal) }},
		{r.Name + ", trained", func() ([][]float64, error) { return r.prototypesOf(r.Net.Model), nil }},
	} {
		stages, err := v.load()
		if err != nil {
			return nil, err
		}
		var row []draw.Panel
		for l, p := range stages {
			values := pairwise(p, c.Width(l))
			_, top := draw.Range(values)
			highest = max(highest, top)
			row = append(row, draw.Heat{
				Title: fmt.Sprintf("Stage %d: %s", l+1, v.title), Rows: clusterNames(c.Clusters[l]), Cols: clusterNames(c.Clusters[l]),
				Values: values, Format: "%.2f", Cell: 34, CellWide: 56,
			})
		}
		rows = append(rows, row)
	}
	scale := draw.Scale{Max: max(highest, 2)}
	for _, row := range rows {
		for i, p := range row {
			h := p.(draw.Heat)
			h.Scale = scale
			row[i] = h
		}
	}
	bar := draw.Bar{Scale: scale, Label: "squared distance", Width: 180}
	return []sheet{{"prototypes", draw.Sheet{
		Title: "How far apart the prototypes are",
		Rows:  append(rows, []draw.Panel{bar}),
		Notes: []string{"Squared distance of each pair of a stage's prototypes, both of length 1: " +
			"the mean squared error times the number of channels, which makes the stages comparable. 0 is the same direction, 2 a right angle, 4 the opposite. " +
			fmt.Sprintf("The prototypes of %s began %s.", r.Name, c.PrototypeInit)},
	}}}, nil
}

// started returns the prototypes of an untrained network.
func (r *Request) started(kind string) ([][]float64, error) {
	c := r.Net.Model.Config
	c.PrototypeInit = kind
	m, err := model.New(c, r.Net.Tape().B)
	if err != nil {
		return nil, err
	}
	defer m.Free()
	m.Init(r.Seed)
	return r.prototypesOf(m), nil
}

// prototypesOf fetches the prototypes [N·C] of every stage.
func (r *Request) prototypesOf(m *model.ClusIR) (stages [][]float64) {
	for _, e := range m.MoE {
		stages = append(stages, wide(r.Net.Tape().Fetch(e.Router.Prototypes)))
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

func clusterNames(n int) (names []string) {
	for c := range n {
		names = append(names, fmt.Sprint(c+1))
	}
	return names
}
