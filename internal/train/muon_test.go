package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"clusir/internal/autograd"
	"clusir/internal/checkpoint"
	"clusir/internal/kernels"
	"clusir/internal/kernels/cpu"
	"clusir/internal/kernels/ref"
)

// TestOrthogonalize: singular values change as the polynomial says, and singular
// vectors stay.
func TestOrthogonalize(t *testing.T) {
	fast, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer fast.Close()
	for _, b := range []struct {
		name   string
		b      kernels.Backend
		atMost float64
	}{{"ref", ref.New(), 1e-5}, {"cpu", fast, 2e-4}} {
		for _, s := range [][2]int{{8, 8}, {9, 40}, {40, 9}, {64, 72}, {1, 5}, {17, 1}} {
			t.Run(fmt.Sprintf("%s/%dx%d", b.name, s[0], s[1]), func(t *testing.T) {
				x, want := decomposed(s[0], s[1])
				u := b.b.Alloc(s[0], s[1])
				defer b.b.Free(u)
				b.b.Upload(u, x)
				orthogonalize(b.b, u)
				b.b.Download(x, u)
				for i := range x {
					if d := math.Abs(float64(x[i]) - want[i]); !(d <= b.atMost) {
						t.Fatalf("element %d is %g; want %g", i, x[i], want[i])
					}
				}
			})
		}
	}
}

// decomposed returns a matrix of known singular values and what they become. Its
// singular vectors are columns of reflections.
func decomposed(rows, columns int) (x []float32, want []float64) {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(columns)))
	reflection := func(n int) func(i, j int) float64 {
		v, sum := make([]float64, n), 0.0
		for i := range v {
			v[i] = rng.NormFloat64()
			sum += v[i] * v[i]
		}
		return func(i, j int) float64 {
			h := -2 * v[i] * v[j] / sum
			if i == j {
				h++
			}
			return h
		}
	}
	left, right := reflection(rows), reflection(columns)
	k := min(rows, columns)
	values, norm := make([]float64, k), 0.0
	for i := range values {
		values[i] = math.Exp(rng.NormFloat64())
		norm += values[i] * values[i]
	}
	x, want = make([]float32, rows*columns), make([]float64, rows*columns)
	for l, v := range values {
		y := v / math.Sqrt(norm)
		for range 5 {
			y *= 3.4445 - 4.7750*y*y + 2.0315*y*y*y*y
		}
		for i := range rows {
			for j := range columns {
				x[i*columns+j] += float32(v * left(i, l) * right(j, l))
				want[i*columns+j] += y * left(i, l) * right(j, l)
			}
		}
	}
	return x, want
}

// TestMuonStep: a matrix moves by the orthogonalised momentum, and one that no sample
// reached stays.
func TestMuonStep(t *testing.T) {
	b := ref.New()
	gradient, direction := decomposed(8, 24)
	tensor := func(values []float32, shape ...int) kernels.Tensor {
		x := b.Alloc(shape...)
		b.Upload(x, values)
		return x
	}
	matrix := func(reached kernels.Element) kernels.AdamParam {
		zeros, momentum := make([]float32, len(gradient)), make([]float32, len(gradient))
		for i, g := range gradient { // the momentum points the other way after the step, but not what is orthogonalised
			momentum[i] = -0.08 * g
		}
		return kernels.AdamParam{
			Param: tensor(zeros, 8, 6, 2, 2), Grad: tensor(gradient, 8, 6, 2, 2), M: tensor(momentum, 8, 6, 2, 2), Reached: reached,
		}
	}
	counts := tensor([]float32{0, 2}, 2)
	zero, two := kernels.Element{Tensor: counts}, kernels.Element{Tensor: counts, Index: 1}
	o := optimizer{b: b, matrices: []kernels.AdamParam{matrix(zero), matrix(zero), matrix(two), matrix(kernels.Element{}), matrix(zero)}}
	o.muonStep(0.5)
	for i, p := range o.matrices {
		moved := i == 2 || i == 3
		for j, w := range autograd.Fetch(b, p.Param) {
			want := 0.0
			if moved {
				want = -0.5 * 0.2 * math.Sqrt(24) * direction[j]
			}
			if math.Abs(float64(w)-want) > 1e-5 {
				t.Fatalf("matrix %d, element %d is %g; want %g", i, j, w, want)
			}
		}
		for j, m := range autograd.Fetch(b, p.M) {
			want := -0.08 * gradient[j]
			if moved {
				want = 0.95*want + 0.05*gradient[j]
			}
			if math.Abs(float64(m-want)) > 1e-6 {
				t.Fatalf("matrix %d, momentum %d is %g; moved: %v", i, j, m, moved)
			}
		}
	}
}

// TestMuonResumes: a run by Muon that is resumed has the bits of one that was not
// interrupted; only its matrices are without Adam's second moments.
func TestMuonResumes(t *testing.T) {
	root := photographs(t)
	run := func(dir string, steps int, resume bool) string {
		c := small(root)
		c.Train.Optimizer, c.Train.Steps, c.Train.Schedule = "muon", steps, "constant"
		if _, err := runIn(t.Context(), t, Options{Config: c, Out: dir, Resume: resume}, 2); err != nil {
			t.Fatal(err)
		}
		return string(bytesOf(t, dir, lastName))
	}
	dir := t.TempDir()
	whole := run(t.TempDir(), 4, false)
	run(dir, 2, false)
	if run(dir, 4, true) != whole {
		t.Error("the resumed run ends in different bits")
	}
	if _, err := runIn(t.Context(), t, Options{Config: small(root), Out: dir, Resume: true}, 2); err == nil || !strings.Contains(err.Error(), lastName+": holds the state of train.optimizer: muon, not adam") {
		t.Errorf("resumed by Adam: %v", err)
	}
	other := small(root)
	other.Model.Dim = 8
	_, err := runIn(t.Context(), t, Options{Config: other, Out: dir, Resume: true}, 2)
	if err == nil || !strings.Contains(err.Error(), lastName+": holds another network than the configuration's:\n  model.dim: 8, was 4\nkeep") || strings.Count(err.Error(), lastName) != 1 {
		t.Errorf("resumed as another network: %v", err)
	}
	for name, want := range map[string]bool{"encoder.3.0.ffn.expand.weight": false, "encoder.3.0.ffn.depthwise.weight": true, "stem.weight": true} {
		if strings.Contains(whole, checkpoint.PrefixV+name) != want {
			t.Errorf("second moments of %s: %v; want %v", name, !want, want)
		}
	}
}
