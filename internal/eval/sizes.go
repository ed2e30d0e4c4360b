package eval

import (
	"clusir/internal/arch"
	"clusir/internal/infer"
	"clusir/internal/model"
	"clusir/internal/published"
	"clusir/internal/tabular"
	"clusir/internal/usage"
)

// Sizes returns the paper's Table 7, parameters and multiply-accumulates at 128×128,
// with the paper's numbers, ours and those of more networks.
func Sizes(rows []Side) (*tabular.Table, error) {
	type network struct {
		name   string
		config arch.Config
	}
	var more []network
	for _, r := range rows {
		if r.Restored != "" {
			return nil, usage.Errorf("--row %s=%s: table 7 counts the cost of networks, not of folders: leave it out", r.Name, r.Restored)
		}
		c, err := infer.Source{Model: r.Model}.ReadConfig()
		if err != nil {
			return nil, err
		}
		more = append(more, network{r.Name, c})
	}
	t := &tabular.Table{Title: "Table 7: what the sizes of the network cost", Columns: []tabular.Column{
		{Name: "method", Left: true}, {Name: "source", Left: true}, {Name: "parameters, 10⁶"}, {Name: "GMACs at 128×128"},
	}}
	var ours []network
	for _, s := range published.Sizes {
		t.Rows = append(t.Rows, tabular.Row{Cells: []tabular.Cell{
			tabular.Words("%s", s.Method), tabular.Words("paper"), tabular.Number("%.2f", s.Params), tabular.Number("%.2f", s.FLOPs)}})
		ours = append(ours, network{s.Variant, arch.Variants()[s.Variant]})
	}
	ours = append(ours, network{"nano", arch.Variants()["nano"]})
	for i, n := range append(ours, more...) {
		cost, err := model.CostOf(n.config, 1, 128, 128)
		if err != nil {
			return nil, err
		}
		t.Rows = append(t.Rows, tabular.Row{Rule: i == 0, Cells: []tabular.Cell{tabular.Words("%s", n.name), tabular.Words("%s", oursSource),
			tabular.Number("%.2f", float64(cost.Params)/1e6), tabular.Number("%.2f", cost.GMACs())}})
	}
	t.Remarks = []string{
		"ours: counted, BatchNorm's running statistics left out; the paper's FLOPs are multiply-accumulates.",
		"The paper gives no block counts: ours are those that meet its numbers best.",
	}
	return t, nil
}
