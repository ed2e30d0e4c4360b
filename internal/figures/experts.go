package figures

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/draw"
)

// experts shows which experts each degradation uses.
func experts(ctx context.Context, r *Request) ([]sheet, error) {
	samples, err := r.samples(ctx)
	if err != nil {
		return nil, err
	}
	c := r.Net.Model.Config
	var names []string
	for _, s := range r.Splits {
		names = append(names, titleOf(s))
	}
	var weights [arch.Stages][][]float64
	scale := draw.Scale{}
	for l := range weights {
		weights[l] = meanWeights(samples, l, len(r.Splits), c.Clusters[l]*c.Experts)
		scale.Max = max(scale.Max, largest(weights[l]))
	}
	rows := [][]draw.Panel{nil, nil}
	for l, values := range weights {
		var cols []string
		for e := range c.Clusters[l] * c.Experts {
			cols = append(cols, fmt.Sprintf("%d.%d", e/c.Experts+1, e%c.Experts+1))
		}
		h := draw.Heat{
			Title: fmt.Sprintf("Stage %d", l+1), Rows: names, Cols: cols, Values: values, Scale: scale,
			Format: "%.2f", Cell: 21, CellWide: 31, Groups: c.Experts, Unlabelled: l%2 == 1,
		}
		rows[l/2] = append(rows[l/2], h)
	}
	bar := draw.Bar{Scale: scale, Label: "mean weight of the expert", Format: "%.2f", Width: 180}
	return []sheet{{"experts", draw.Sheet{
		Title: fmt.Sprintf("Who works on what: the experts' weights by degradation, %s", r.Name),
		Rows:  append(rows, []draw.Panel{bar}),
		Notes: []string{fmt.Sprintf("Column c.e is expert e of cluster c; the numbers are its weight α·p(e|c,x), on average over the pictures, "+
			"%d in all. Each row sums to 1: every picture runs %s of %s clusters and %d of %d experts in each.",
			len(samples), byStage(c.TopClusters), byStage(c.Clusters), c.TopExperts, c.Experts)},
	}}}, nil
}

// byStage returns numbers of the stages, such as "2, 3, 4, 6", or the one that all have.
func byStage(n []int) string {
	if len(slices.Compact(slices.Clone(n))) == 1 {
		n = n[:1]
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(n), " ", ", "), "[]")
}

// largest returns the largest of values that are not negative, ignoring NaN.
func largest(values [][]float64) (top float64) {
	for _, v := range slices.Concat(values...) {
		if v > top {
			top = v
		}
	}
	return top
}

// meanWeights returns the experts' weights in a stage, averaged over each split:
// [split][expert].
func meanWeights(samples []sample, stage, splits, experts int) [][]float64 {
	mean := make([][]float64, splits)
	count := make([]float64, splits)
	for k := range mean {
		mean[k] = make([]float64, experts)
	}
	for _, s := range samples {
		count[s.split]++
		for e, w := range s.weights[stage] {
			mean[s.split][e] += w
		}
	}
	for k := range mean {
		for e := range mean[k] {
			mean[k][e] /= count[k]
		}
	}
	return mean
}
