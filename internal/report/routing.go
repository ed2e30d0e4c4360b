package report

import (
	"fmt"

	"clusir/internal/eval"
)

// stageView is how a stage's router routed each task.
type stageView struct {
	Stage   int
	Experts []string
	Rows    []eval.TaskRouting
}

// routing groups the routing by stages. It returns none for networks without experts.
func routing(r *eval.Report) (stages []stageView) {
	for _, row := range r.Routing() {
		if row.Stage > len(stages) {
			s := stageView{Stage: row.Stage}
			M := len(row.Weight) / len(row.Posterior)
			for e := range row.Weight {
				s.Experts = append(s.Experts, fmt.Sprintf("%d.%d", e/M+1, e%M+1))
			}
			stages = append(stages, s)
		}
		s := &stages[row.Stage-1]
		s.Rows = append(s.Rows, row)
	}
	return stages
}
