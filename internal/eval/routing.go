package eval

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"clusir/internal/model"
	"clusir/internal/tabular"
)

// TaskRouting is how one stage's router routed the images of one task.
type TaskRouting struct {
	Stage  int    `json:"stage"` // from 1
	Task   string `json:"task"`
	Images int    `json:"images"`
	// Posterior is p(C=c|x), Eq. 5, averaged over the images.
	Posterior []float64 `json:"posterior"`
	// Entropy is the mean of the posterior's entropy relative to the largest possible:
	// 1 if clusters are not distinguished.
	Entropy float64 `json:"entropy"`
	// Chosen is, for each expert, the share of the images that it worked on, and Weight
	// its mean weight α_c p(e|c,x), counting 0 if it did not work.
	Chosen []float64 `json:"chosen"`
	Weight []float64 `json:"weight"`
}

// Routing sums up, stage by stage, how the images of each task were routed. It ignores
// images without routes, such as those of a network without experts.
func (r *Report) Routing() []TaskRouting {
	tasks := map[string]string{} // of benchmarks
	for _, s := range r.Splits {
		tasks[s.Benchmark] = s.Task
	}
	var out []TaskRouting
	for _, i := range r.Images {
		for l, p := range i.Posterior {
			task := tasks[i.Benchmark]
			at := slices.IndexFunc(out, func(t TaskRouting) bool { return t.Stage == l+1 && t.Task == task })
			if at < 0 {
				at = len(out)
				out = append(out, TaskRouting{Stage: l + 1, Task: task,
					Posterior: make([]float64, len(p)), Chosen: make([]float64, len(i.Experts[l])), Weight: make([]float64, len(i.Experts[l]))})
			}
			out[at].add(p, i.Experts[l])
		}
	}
	for k := range out {
		t := &out[k]
		t.Entropy /= float64(t.Images)
		for _, sums := range [][]float64{t.Posterior, t.Chosen, t.Weight} {
			for j := range sums {
				sums[j] /= float64(t.Images)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b TaskRouting) int { return a.Stage - b.Stage })
	return out
}

func (t *TaskRouting) add(posterior, experts []float32) {
	t.Images++
	t.Entropy += model.Entropy(posterior)
	for c, p := range posterior {
		t.Posterior[c] += float64(p)
	}
	for e, w := range experts {
		t.Weight[e] += float64(w)
		if w != 0 {
			t.Chosen[e]++
		}
	}
}

func (r *Report) routingTable() *tabular.Table {
	rows, clusters := r.Routing(), 0
	for _, row := range rows {
		clusters = max(clusters, len(row.Posterior))
	}
	t := &tabular.Table{Columns: []tabular.Column{{Name: "stage"}, {Name: "task", Left: true}, {Name: "images"}}}
	for c := range clusters {
		t.Columns = append(t.Columns, tabular.Column{Group: "posterior", Name: fmt.Sprint("p", c+1)})
	}
	t.Columns = append(t.Columns, tabular.Column{Name: "entropy"})
	for c := range clusters {
		t.Columns = append(t.Columns, tabular.Column{Group: "experts, %", Name: fmt.Sprint("of ", c+1)})
	}
	for i, row := range rows {
		t.Rows = append(t.Rows, tabular.Row{Cells: row.cells(clusters), Rule: i > 0 && row.Stage != rows[i-1].Stage})
	}
	t.Remarks = slices.Concat(routingRemarks(rows), []string{r.protocol()}, r.notes(), r.faults())
	return t
}

func (t *TaskRouting) cells(clusters int) []tabular.Cell {
	N := len(t.Posterior)
	M := len(t.Chosen) / N
	cells := []tabular.Cell{tabular.Words("%d", t.Stage), tabular.Words("%s", t.Task), tabular.Words("%d", t.Images)}
	for _, p := range t.Posterior {
		cells = append(cells, tabular.Number("%.3f", p))
	}
	cells = append(cells, none(clusters-N)...)
	cells = append(cells, tabular.Number("%.3f", t.Entropy))
	for chosen := range slices.Chunk(t.Chosen, M) {
		var shares []string
		for _, share := range chosen {
			shares = append(shares, fmt.Sprintf("%3.0f", 100*share))
		}
		cells = append(cells, tabular.Words("%s", strings.Join(shares, " ")))
	}
	return append(cells, none(clusters-N)...)
}

// routingRemarks explains the columns and says how well each stage distinguishes tasks.
func routingRemarks(rows []TaskRouting) []string {
	if len(rows) == 0 {
		return []string{"no routing: the network has no experts, or the results are of an older version"}
	}
	lines := []string{
		"posterior: mean of p(C=c|x), Eq. 5; entropy: 1 is even use of the clusters; experts: on how many of the images each expert of a cluster worked",
	}
	for first := 0; first < len(rows); {
		end := first + 1
		for end < len(rows) && rows[end].Stage == rows[first].Stage {
			end++
		}
		if a, b, d := farthest(rows[first:end]); d > 0 {
			lines = append(lines, fmt.Sprintf("stage %d: farthest apart are %s and %s, by %.3f of the probability", rows[first].Stage, a, b, d))
		}
		first = end
	}
	return lines
}

// farthest finds the two tasks whose mean posteriors differ most, measured by the
// probability that would have to move to make them equal.
func farthest(rows []TaskRouting) (a, b string, distance float64) {
	for i, x := range rows {
		for _, y := range rows[:i] {
			d := 0.0
			for c := range x.Posterior {
				d += math.Abs(x.Posterior[c]-y.Posterior[c]) / 2
			}
			if d > distance {
				a, b, distance = y.Task, x.Task, d
			}
		}
	}
	return a, b, distance
}
