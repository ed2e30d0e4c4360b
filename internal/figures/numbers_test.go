package figures

import (
	"context"
	"errors"
	"image"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"slices"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/dataset"
	"clusir/internal/infer/infertest"
	"clusir/internal/planar"
)

// blobs returns rows around three centres far from each other.
func blobs(n int) (rows [][]float64, labels []int) {
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range n {
		row := make([]float64, 16)
		for k := range row {
			row[k] = 0.01 * rng.NormFloat64()
		}
		row[i%3] += 2
		rows, labels = append(rows, row), append(labels, i%3)
	}
	return rows, labels
}

func TestEmbedKeepsNeighbours(t *testing.T) {
	rows, labels := blobs(90)
	points, err := embed(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	flat := make([][]float64, len(points))
	for i, p := range points {
		flat[i] = []float64{p.X, p.Y}
		if math.IsNaN(p.X) || math.IsInf(p.Y, 0) {
			t.Fatalf("point %d is %v", i, p)
		}
	}
	if a := agreement(flat, labels, 10); a < 0.99 {
		t.Errorf("%.0f %% of the neighbours in the plane are of the same blob", 100*a)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := embed(stopped, rows); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled embedding: %v", err)
	}
	if again, err := embed(t.Context(), rows); err != nil || !slices.Equal(points, again) {
		t.Error("the same rows give other points")
	}
}

func TestEmbedFewAndEqual(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 7} {
		same := make([][]float64, n)
		for i := range same {
			same[i] = []float64{1, 2, 3}
		}
		points, err := embed(t.Context(), same)
		if err != nil || len(points) != n {
			t.Errorf("%d rows, %d points, %v", n, len(points), err)
		}
		for _, p := range points {
			if math.IsNaN(p.X) || math.IsNaN(p.Y) {
				t.Errorf("%d equal rows: %v", n, p)
			}
		}
	}
}

func TestAgreementAndChance(t *testing.T) {
	rows, labels := blobs(30)
	if a := agreement(rows[:1], labels[:1], 9); a != 0 {
		t.Errorf("agreement of a single row is %g", a)
	}
	if a := agreement(rows, labels, 9); a != 1 {
		t.Errorf("agreement of separate blobs is %g", a)
	}
	if a := agreement(rows, labels, 29); math.Abs(a-9./29) > 1e-9 {
		t.Errorf("agreement of all with all is %g, want 9/29", a)
	}
	if c := chance(labels); math.Abs(c-9./29) > 1e-9 {
		t.Errorf("chance is %g, want 9/29", c)
	}
}

func TestPairwise(t *testing.T) {
	got := pairwise([]float64{3, 0, 0, 0.5, -2, 0}, 2)
	for i, want := range [][]float64{{0, 2, 4}, {2, 0, 2}, {4, 2, 0}} {
		for j := range want {
			if math.Abs(got[i][j]-want[j]) > 1e-12 {
				t.Errorf("distance of %d and %d is %g, want %g", i, j, got[i][j], want[j])
			}
		}
	}
}

// TestStarts: prototypes that begin orthogonal are at right angles, random ones are not.
func TestStarts(t *testing.T) {
	r := Request{Net: infertest.New(t, arch.Variants()["nano"], 3)}
	for kind, right := range map[string]bool{arch.PrototypesOrthogonal: true, arch.PrototypesUniform: false} {
		stages, err := r.started(kind)
		if err != nil || len(stages) != arch.Stages || (math.Abs(stages[0][0][1]-2) < 1e-5) != right {
			t.Errorf("%s: %v, %v", kind, stages, err)
		}
	}
}

// TestFFT2 checks the transform of a wave of known frequency, at sizes that are not
// powers of two.
func TestFFT2(t *testing.T) {
	const h, w, fy, fx = 12, 9, 2, 3
	x := make([]float32, h*w)
	for i := range x {
		x[i] = float32(math.Cos(2 * math.Pi * (fy*float64(i/w)/h + fx*float64(i%w)/w)))
	}
	z := fft2(x, h, w)
	peak := math.Sqrt(h*w) / 2
	for i, v := range z {
		y, x := i/w-h/2, i%w-w/2
		want := 0.
		if x == fx && y == fy || x == -fx && y == -fy {
			want = peak
		}
		if math.Abs(cmplx.Abs(v)-want) > 1e-4 {
			t.Errorf("amplitude at (%d, %d) is %g, want %g", y, x, cmplx.Abs(v), want)
		}
	}
}

func TestDetails(t *testing.T) {
	const w, h = 200, 136
	p := &picture{input: dataset.NewImage(w, h), target: dataset.NewImage(w, h), output: planar.New(3, h, w)}
	for y := range h {
		for x := range w {
			i := y*w + x
			if image.Pt(x, y).In(image.Rect(100, 60, 164, 124)) {
				p.input.Pix[3*i] = 255 // removed
			}
			if image.Pt(x, y).In(image.Rect(8, 4, 72, 68)) {
				p.input.Pix[3*i+1], p.output.Pix[w*h+i] = 128, 128./255 // left unchanged
			}
		}
	}
	gained, left := p.details()
	if gained != image.Rect(100, 60, 164, 124) || left != image.Rect(8, 4, 72, 68) {
		t.Errorf("gained most at %v, left at %v", gained, left)
	}
	small := &picture{input: dataset.NewImage(32, 16), target: dataset.NewImage(32, 16), output: planar.New(3, 16, 32)}
	if gained, left := small.details(); gained.Dx() != 16 || left.Overlaps(gained) || left.Dy() != 16 {
		t.Errorf("in 32×16 pixels: %v and %v", gained, left)
	}
}
