package cpu

import (
	"math"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/kerneltest"
)

// bf16Slack is how far bf16 may exceed float32's tolerance: the ratio of their
// roundings of an operand, as on a GPU.
const bf16Slack = 400

// bf16Forms are the instruction sets with a bf16 form.
var bf16Forms = []string{"portable", "avx512", "amx"}

// openBF16 is open for products in bf16.
func openBF16(t testing.TB, threads int, isa string) *Backend {
	t.Helper()
	b, err := New(Options{Threads: threads, ISA: isa, BF16: true})
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestConformanceBF16(t *testing.T) {
	for _, isa := range bf16Forms {
		t.Run(isa, func(t *testing.T) {
			kerneltest.Run(t, openBF16(t, 2, isa), kerneltest.Options{Slack: bf16Slack})
		})
	}
}

func TestDeterminismBF16(t *testing.T) {
	for _, isa := range bf16Forms {
		t.Run(isa, func(t *testing.T) {
			openBF16(t, 1, isa) // skips if there is none
			kerneltest.RunDeterminism(t, func(threads int) kernels.Backend {
				b, err := New(Options{Threads: threads, ISA: isa, BF16: true})
				if err != nil {
					t.Fatal(err)
				}
				return b
			})
		})
	}
}

// toBF16 rounds to nearest, ties to even.
func toBF16(x float32) float32 {
	u := math.Float32bits(x)
	return math.Float32frombits((u + 0x7fff + u>>16&1) &^ 0xffff)
}

// TestBF16RoundsOperands: products in bf16 equal float32 products of previously rounded
// operands, up to the order of sums. Half of the numbers are ties.
func TestBF16RoundsOperands(t *testing.T) {
	for _, isa := range bf16Forms {
		for _, C := range []int{1, 5, 24, 33} {
			full, half := open(t, 2, ""), openBF16(t, 2, isa)
			x, w1, w3 := random(full, 2, C, 9, 21), random(full, 7, C), random(full, 7, C, 3, 3)
			rounded := func(v kernels.Tensor) kernels.Tensor {
				r := full.Alloc(v.Shape...)
				for i, f := range Floats(v) {
					if i%2 == 0 {
						f = math.Float32frombits(math.Float32bits(f)&^0xffff | 0x8000)
						Floats(v)[i] = f
					}
					Floats(r)[i] = toBF16(f)
				}
				return r
			}
			rx, rw1, rw3 := rounded(x), rounded(w1), rounded(w3)
			for name, run := range map[string]func(b *Backend, y, x, w1, w3 kernels.Tensor){
				"Conv1x1": func(b *Backend, y, x, w1, _ kernels.Tensor) { b.Conv1x1(y, w1, kernels.Tensor{}, x) },
				"Conv3x3": func(b *Backend, y, x, _, w3 kernels.Tensor) { b.Conv3x3(y, x, w3) },
			} {
				got, want := half.Alloc(2, 7, 9, 21), full.Alloc(2, 7, 9, 21)
				run(half, got, x, w1, w3)
				run(full, want, rx, rw1, rw3)
				for i, v := range Floats(want) {
					if d := math.Abs(float64(Floats(got)[i] - v)); !(d <= 2e-5*math.Sqrt(float64(9*C))) {
						t.Fatalf("%s, %s of %d channels: element %d is %g, want %g", isa, name, C, i, Floats(got)[i], v)
					}
				}
			}
		}
	}
}

// TestBF16OfNoNumbers: values that are not finite stay so.
func TestBF16OfNoNumbers(t *testing.T) {
	for _, isa := range bf16Forms {
		b := openBF16(t, 1, isa)
		x, w, y := b.Alloc(1, 1, 1, 3), b.Alloc(1, 1), b.Alloc(1, 1, 1, 3)
		b.Upload(x, []float32{float32(math.NaN()), float32(math.Inf(-1)), math.Float32frombits(0x7fffffff)})
		b.Fill(w, 1)
		b.Conv1x1(y, w, kernels.Tensor{}, x)
		if v := Floats(y); v[0] == v[0] || !math.IsInf(float64(v[1]), -1) || v[2] == v[2] {
			t.Errorf("%s: NaN, -Inf, NaN became %v", isa, v)
		}
		b.Fill(x, 1)
		b.Upload(w, []float32{math.Float32frombits(0xffffffff)})
		b.Conv1x1(y, w, kernels.Tensor{}, x)
		if v := Floats(y)[0]; v == v {
			t.Errorf("%s: a weight that is NaN made %g", isa, v)
		}
	}
}
