package cpu

import (
	"bytes"
	"encoding/binary"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// targets are the compiler's options for each instruction set: those of isa_*.cc.
var targets = map[string]string{
	"portable": "-DISA=portable -DLANES=4",
	"avx2":     "-DISA=avx2 -DLANES=8 -mavx2 -mfma",
	"avx512":   "-DISA=avx512 -DLANES=16 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma",
}

// vmathCases bounds the errors of functions of x: the sum of ulps units in the result's
// last place, abs, and rel times x.
var vmathCases = []struct {
	name           string
	lo, hi         float64
	want           func(float64) float64
	ulps, abs, rel float64
}{
	{"sqrt", 0, 1e30, math.Sqrt, 0.5, 0, 0},
	{"exp", -87, 88, math.Exp, 1.5, 0, 0},
	{"erf", -10, 10, math.Erf, 8, 0, 0},
	{"gelu", -12, 12, gelu, 0, 0, 3e-7},
	{"gelu_slope", -12, 12, geluSlope, 0, 4e-7, 0},
	{"gelu_half", -12, 12, gelu, 0, 0, 3.5e-5},
	{"gelu_slope_half", -12, 12, geluSlope, 0, 2.3e-4, 0},
	{"sigmoid", -80, 80, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 3, 0, 0},
	{"log1p", -0.9, 1e30, math.Log1p, 1, 0, 0},
	{"sin", -0.5, 0.5, math.Sin, 1, 0, 0},
	{"sin", -1e4, 1e4, math.Sin, 0, 1e-7, 0},
	{"cos", -0.5, 0.5, math.Cos, 1, 0, 0},
	{"cos", -1e4, 1e4, math.Cos, 0, 1e-7, 0},
}

func gelu(x float64) float64 { return 0.5 * x * math.Erfc(-x/math.Sqrt2) }
func geluSlope(x float64) float64 {
	return 0.5*math.Erfc(-x/math.Sqrt2) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

func TestVectorMath(t *testing.T) {
	for _, isa := range isas {
		t.Run(isa, func(t *testing.T) {
			open(t, 1, isa)
			program := buildProgram(t, isa, "testdata/vmath.cc")
			for _, c := range vmathCases {
				t.Run(c.name, func(t *testing.T) {
					xs := sweep(c.lo, c.hi)
					for i, got := range runVmath(t, program, c.name, xs) {
						x := float64(xs[i])
						want := c.want(x)
						e, limit := math.Abs(float64(got)-want), c.ulps*ulp(want)+c.abs+c.rel*math.Abs(x)
						if !(e <= limit) {
							t.Fatalf("%s(%g) = %g, want %g: off by %.2g, %.2g ulp", c.name, x, got, want, e, e/ulp(want))
						}
					}
				})
			}
			t.Run("not numbers", func(t *testing.T) {
				for _, name := range []string{"sqrt", "log1p", "sin", "cos"} {
					if y := runVmath(t, program, name, []float32{float32(math.NaN())})[0]; y == y {
						t.Errorf("%s(NaN) = %g", name, y)
					}
				}
			})
		})
	}
}

// sweep returns numbers of every magnitude and both signs in [lo, hi], and the same
// number spread evenly.
func sweep(lo, hi float64) []float32 {
	xs := []float32{0, float32(lo), float32(hi)}
	for m := 1e-30; m < math.Max(hi, -lo); m *= 1.001 {
		for _, x := range []float64{-m, m} {
			if x >= lo && x <= hi {
				xs = append(xs, float32(x))
			}
		}
	}
	for i, n := 0, len(xs); i < n; i++ {
		xs = append(xs, float32(lo+(hi-lo)*float64(i)/float64(n)))
	}
	return xs
}

// ulp returns the distance between float32 numbers at x.
func ulp(x float64) float64 {
	_, e := math.Frexp(x)
	return math.Ldexp(1, max(e, -125)-24)
}

// buildProgram compiles C++ sources the way the package itself is compiled for isa.
func buildProgram(t *testing.T, isa string, sources ...string) string {
	t.Helper()
	cxx, err := exec.Command("go", "env", "CXX").Output()
	if err != nil {
		t.Skipf("no go command to ask for the compiler: %v", err)
	}
	program := filepath.Join(t.TempDir(), "program")
	args := strings.Fields(string(cxx) + " -std=c++17 -O3 -Wno-psabi -pthread -I. " + targets[isa])
	args = append(append(args, sources...), "-o", program)
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func runVmath(t *testing.T, program, function string, xs []float32) []float32 {
	t.Helper()
	var in, out, faults bytes.Buffer
	if err := binary.Write(&in, binary.NativeEndian, xs); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, function)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &faults
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, &faults)
	}
	ys := make([]float32, len(xs))
	if err := binary.Read(&out, binary.NativeEndian, ys); err != nil {
		t.Fatal(err)
	}
	return ys
}
