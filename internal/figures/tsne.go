package figures

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"

	"clusir/internal/arch"
	"clusir/internal/dataset"
	"clusir/internal/draw"
	"clusir/internal/palette"
)

// neighbours is the number of neighbours whose degradations are compared.
const neighbours = 10

// tsneFigure shows how well the stages distinguish degradations.
func tsneFigure(ctx context.Context, r *Request) ([]sheet, error) {
	samples, err := r.samples(ctx)
	if err != nil {
		return nil, err
	}
	entries := marks(r.Splits)
	labels := make([]int, len(samples))
	for i, s := range samples {
		labels[i] = s.split
	}
	var row []draw.Panel
	for l := range arch.Stages {
		rows := make([][]float64, len(samples))
		for i, s := range samples {
			rows[i] = s.features[l]
		}
		points, err := embed(ctx, rows)
		if err != nil {
			return nil, err
		}
		series := make([]draw.Series, len(entries))
		for k, e := range entries {
			series[k].Entry = e
		}
		for i, p := range points {
			s := &series[labels[i]]
			s.Points = append(s.Points, p)
		}
		title := fmt.Sprintf("Stage %d   (%.0f %% of neighbours alike)", l+1, 100*agreement(rows, labels, neighbours))
		row = append(row, draw.Scatter{Title: title, Side: 215, Series: series})
	}
	return []sheet{{"tsne", draw.Sheet{
		Title: fmt.Sprintf("Features after each stage's experts, %s", r.Name),
		Rows:  [][]draw.Panel{row}, Legend: entries,
		Notes: []string{fmt.Sprintf("t-SNE of the mean of the features over each of %d pictures, perplexity %.3g. "+
			"In brackets: of the %d nearest neighbours in the features themselves, how many have the same degradation; by chance it would be %.0f %%.",
			len(samples), perplexity(len(samples)), neighbours, 100*chance(labels))},
	}}}, nil
}

// marks gives each split a colour and a shape. If there are several tasks, the colour
// is the task's and shapes distinguish its splits.
func marks(splits []*dataset.Split) []draw.Entry {
	count := map[string]int{}
	for _, s := range splits {
		count[s.Benchmark.Task]++
	}
	seen := map[string]int{}
	entries := make([]draw.Entry, len(splits))
	for i, s := range splits {
		task := s.Benchmark.Task
		entries[i] = draw.Entry{Name: titleOf(s), Colour: dataset.Colour(task).RGB, Mark: draw.Mark(seen[task])}
		if len(count) == 1 {
			n := len(palette.Series)
			entries[i].Colour, entries[i].Mark = palette.Series[i%n].RGB, draw.Mark(i/n)
		}
		seen[task]++
	}
	return entries
}

// nearest returns the k rows nearest to row i, without i itself.
func nearest(distances mat.Matrix, i, k int) []int {
	n, _ := distances.Dims()
	var others []int
	for j := range n {
		if j != i {
			others = append(others, j)
		}
	}
	slices.SortStableFunc(others, func(a, b int) int { return cmp.Compare(distances.At(i, a), distances.At(i, b)) })
	return others[:k]
}

// chance returns the agreement of randomly drawn neighbours.
func chance(labels []int) float64 {
	count := map[int]int{}
	for _, l := range labels {
		count[l]++
	}
	n, pairs := len(labels), 0
	for _, c := range count {
		pairs += c * (c - 1)
	}
	return float64(pairs) / float64(max(n*(n-1), 1))
}
