package figures

import (
	"context"
	"math"

	"github.com/danaugrs/go-tsne/tsne"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"clusir/internal/draw"
)

// The settings of t-SNE (van der Maaten and Hinton, 2008), with the exaggeration and
// the step size in common use today.
const (
	maxPerplexity = 30
	exaggeration  = 12
	exaggerated   = 250 // iterations
	tsneSteps     = 1000
	tsneStart     = 1e-4 // standard deviation of the starting points
	earlyMomentum = 0.5
	lateMomentum  = 0.8
)

// embed maps rows of features to points in the plane such that near ones stay near. The
// same rows give the same points, because it starts from the principal components.
func embed(ctx context.Context, rows [][]float64) ([]draw.Point, error) {
	n := len(rows)
	points := make([]draw.Point, n)
	if n < 4 { // no neighbourhood to keep
		return points, nil
	}
	x := normalised(rows)
	// The library's affinities, but not its descent, which never clears the sum of its
	// gradients and starts from a generator that cannot be seeded.
	t := tsne.NewTSNE(2, perplexity(n), 0, 0, false)
	t.EmbedData(x, nil)
	y := principal(x)
	d := &descent{p: t.P, y: y, step: mat.NewDense(n, 2, nil), gains: mat.NewDense(n, 2, nil)}
	d.gains.Apply(func(_, _ int, _ float64) float64 { return 1 }, d.gains)
	rate := max(float64(n)/exaggeration, 50)
	for i := range tsneSteps {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if i < exaggerated {
			d.move(rate, exaggeration, earlyMomentum)
		} else {
			d.move(rate, 1, lateMomentum)
		}
	}
	for i := range points {
		points[i] = draw.Point{X: y.At(i, 0), Y: y.At(i, 1)}
	}
	return points, nil
}

// normalised centres the features and scales them such that the mean squared distance
// is of order 1, where the search for affinities starts.
func normalised(rows [][]float64) *mat.Dense {
	n, c := len(rows), len(rows[0])
	x := mat.NewDense(n, c, nil)
	for i, row := range rows {
		x.SetRow(i, row)
	}
	total := 0.
	for k := range c {
		mean, variance := stat.MeanVariance(mat.Col(nil, k, x), nil)
		total += variance
		for i := range n {
			x.Set(i, k, x.At(i, k)-mean)
		}
	}
	if total > 0 {
		x.Scale(1/math.Sqrt(total), x)
	}
	return x
}

// perplexity returns the perplexity for n points: at most a third of the others can be
// neighbours of one.
func perplexity(n int) float64 { return min(maxPerplexity, float64(n-1)/3) }

// principal returns the first two principal components, scaled down to the start.
func principal(x *mat.Dense) *mat.Dense {
	n, c := x.Dims()
	y := mat.NewDense(n, 2, nil)
	var pc stat.PC
	if c >= 2 && pc.PrincipalComponents(x, nil) {
		var axes mat.Dense
		pc.VectorsTo(&axes)
		y.Mul(x, axes.Slice(0, c, 0, 2))
	}
	if sd := stat.StdDev(mat.Col(nil, 0, y), nil); sd > 0 {
		y.Scale(tsneStart/sd, y)
	}
	return y
}

// descent is gradient descent with momentum and a gain for each coordinate.
type descent struct {
	p, y, step, gains *mat.Dense
}

func (d *descent) move(rate, exaggeration, momentum float64) {
	n, _ := d.y.Dims()
	q := mat.NewDense(n, n, nil) // 1/(1+|yi-yj|²)
	sum := 0.
	for i := range n {
		for j := range i {
			dx, dy := d.y.At(i, 0)-d.y.At(j, 0), d.y.At(i, 1)-d.y.At(j, 1)
			v := 1 / (1 + dx*dx + dy*dy)
			q.Set(i, j, v)
			q.Set(j, i, v)
			sum += 2 * v
		}
	}
	grad := mat.NewDense(n, 2, nil)
	for i := range n {
		gx, gy := 0., 0.
		for j, v := range q.RawRowView(i) {
			pull := 4 * (exaggeration*d.p.At(i, j) - v/sum) * v
			gx += pull * (d.y.At(i, 0) - d.y.At(j, 0))
			gy += pull * (d.y.At(i, 1) - d.y.At(j, 1))
		}
		grad.Set(i, 0, gx)
		grad.Set(i, 1, gy)
	}
	d.step.Apply(func(i, k int, step float64) float64 {
		g := grad.At(i, k)
		gain := d.gains.At(i, k) * 0.8
		if (g > 0) != (step > 0) {
			gain = d.gains.At(i, k) + 0.2
		}
		d.gains.Set(i, k, max(gain, 0.01))
		return momentum*step - rate*d.gains.At(i, k)*g
	}, d.step)
	d.y.Add(d.y, d.step)
}

// agreement returns the mean share of the k nearest neighbours of a row that have its
// label, 0 for a single row.
func agreement(rows [][]float64, label []int, k int) float64 {
	k = min(k, len(rows)-1)
	if k < 1 {
		return 0
	}
	distances := tsne.SquaredDistanceMatrix(normalised(rows))
	same := 0
	for i := range rows {
		for _, j := range nearest(distances, i, k) {
			if label[j] == label[i] {
				same++
			}
		}
	}
	return float64(same) / float64(k*len(rows))
}
