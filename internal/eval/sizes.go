package eval

import (
	"clusir/internal/arch"
	"clusir/internal/model"
	"clusir/internal/published"
	"clusir/internal/tabular"
)

// Network is a configuration and its name.
type Network struct {
	Name   string
	Config arch.Config
}

// Sizes returns the paper's Table 7, parameters and multiply-accumulates at 128×128,
// with the paper's numbers, ours and those of more networks.
func Sizes(more []Network) (*tabular.Table, error) {
	t := &tabular.Table{Title: "Table 7: what the sizes of the network cost", Columns: []tabular.Column{
		{Name: "method", Left: true}, {Name: "source", Left: true}, {Name: "parameters, 10⁶"}, {Name: "GMACs at 128×128"},
	}}
	var ours []Network
	for _, s := range published.Sizes {
		t.Rows = append(t.Rows, tabular.Row{Cells: []tabular.Cell{
			tabular.Words("%s", s.Method), tabular.Words("paper"), tabular.Number("%.2f", s.Params), tabular.Number("%.2f", s.FLOPs)}})
		ours = append(ours, Network{s.Variant, arch.Variants()[s.Variant]})
	}
	ours = append(ours, Network{"nano", arch.Variants()["nano"]})
	for i, n := range append(ours, more...) {
		cost, err := model.CostOf(n.Config, 1, 128, 128)
		if err != nil {
			return nil, err
		}
		t.Rows = append(t.Rows, tabular.Row{Rule: i == 0, Cells: []tabular.Cell{tabular.Words("%s", n.Name), tabular.Words("%s", oursSource),
			tabular.Number("%.2f", float64(cost.Params)/1e6), tabular.Number("%.2f", cost.GMACs())}})
	}
	t.Remarks = []string{
		"ours: counted, BatchNorm's running statistics left out; the paper's FLOPs are multiply-accumulates.",
		"The paper gives no block counts: ours are those that meet its numbers best.",
	}
	return t, nil
}
