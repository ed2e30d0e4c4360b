package model

import (
	"math"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cpu"
	"clusir/internal/kernels/ref"
)

// preciseBackend is a device that rounds the operands of matrix products.
type preciseBackend struct {
	name  string
	round func(float64) float64 // how it rounds an operand
	open  func(t *testing.T) kernels.Backend
}

// On a CPU with neither AMX nor AVX512-BF16 these use the portable form, which is just
// as exact.
var preciseBackends = []preciseBackend{
	{"cpu amx bf16", toBF16, func(t *testing.T) kernels.Backend { return openBF16(t, "amx") }},
	{"cpu avx512 bf16", toBF16, func(t *testing.T) kernels.Backend { return openBF16(t, "avx512") }},
	{"cpu portable bf16", toBF16, func(t *testing.T) kernels.Backend { return openBF16(t, "portable") }},
}

func openBF16(t *testing.T, isa string) kernels.Backend {
	b, err := cpu.New(cpu.Options{ISA: isa, BF16: true})
	if err != nil {
		t.Skip(err)
	}
	return b
}

// toBF16 rounds off 16 bits of float32's mantissa, ties to even.
func toBF16(x float64) float64 { return cut(x, 0x7fff+math.Float32bits(float32(x))>>16&1, 16) }

func cut(x float64, add uint32, bits int) float64 {
	return float64(math.Float32frombits((math.Float32bits(float32(x)) + add) >> bits << bits))
}

// TestGoldenPrecision: at lower precisions, output, gradients and five steps of Adam
// deviate from the reference by at most three times what rounding the operands alone
// causes, which is what the float64 backend computes when it rounds those operands and
// nothing else.
func TestGoldenPrecision(t *testing.T) {
	const file = "testdata/small.safetensors"
	for _, p := range preciseBackends {
		t.Run(p.name, func(t *testing.T) {
			b := p.open(t)
			allowed := deviations(t, file, &rounding{ref.New(), p.round})
			got := deviations(t, file, b)
			for name, e := range allowed {
				t.Logf("%-7s off by %.2e of its norm; rounding alone gives %.2e", name, got[name], e)
				if !(got[name] <= 3*e) {
					t.Errorf("%s is off by %.2e of its norm, more than three times %.2e", name, got[name], e)
				}
				if got[name] < e/100 {
					t.Errorf("%s is off by %.2e of its norm: nothing is rounded", name, got[name])
				}
			}
		})
	}
}

// deviations returns a backend's errors on a golden file, relative to the norm of
// everything compared: the output, the first step's gradients, five steps' updates.
func deviations(t *testing.T, file string, b kernels.Backend) map[string]float64 {
	g := newGoldenRun(t, file, b)
	off, size := map[string]float64{}, map[string]float64{}
	add := func(what string, got, want []float32) {
		d, n := norm(difference(got, want)), norm(want)
		off[what] += d * d
		size[what] += n * n
	}
	image, clean := g.input("in.image", true), g.input("in.clean", false)
	in := g.download(image.Tensor)
	tape := &Tape{B: b}
	restored, _ := g.m.Forward(tape, image, Options{})
	add("output", difference(g.download(restored.Tensor), in), difference(g.read("eval.output"), in))
	tape.Reset()
	adam := newAdamState(b, g.m)
	for step := 1; step <= 5; step++ {
		g.step(image, clean, false)
		if step == 1 {
			for _, p := range g.m.Params {
				add("grad", g.download(p.Grad()), g.read("grad."+p.Name))
			}
		}
		b.Adam(adam, goldenAdam)
	}
	for _, p := range g.m.Params {
		if norm(g.read("grad."+p.Name)) > minGradNorm {
			before := g.read("model." + p.Name)
			add("update", difference(g.download(p.Tensor), before), difference(g.read("adam."+p.Name), before))
		}
	}
	for what := range off {
		off[what] = math.Sqrt(off[what] / size[what])
	}
	return off
}

// rounding is the float64 backend with rounded operands in matrix products.
type rounding struct {
	*ref.Backend
	round func(float64) float64
}

// rounded calls f with rounded copies of ts; absent tensors stay absent.
func (b *rounding) rounded(f func(ts []kernels.Tensor), ts ...kernels.Tensor) {
	copies := make([]kernels.Tensor, len(ts))
	for i, t := range ts {
		if t.IsZero() {
			continue
		}
		v := append([]float64{}, b.Download64(t)...)
		for j, x := range v {
			v[j] = b.round(x)
		}
		copies[i] = b.Alloc(t.Shape...)
		b.Upload64(copies[i], v)
	}
	f(copies)
	for _, t := range copies {
		b.Free(t)
	}
}

func (b *rounding) Conv1x1(y, w, bias kernels.Tensor, xs ...kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) { b.Backend.Conv1x1(y, t[0], bias, t[1:]...) }, append([]kernels.Tensor{w}, xs...)...)
}

func (b *rounding) Conv1x1Grad(dxs []kernels.Tensor, dw, dbias, dy, w kernels.Tensor, xs ...kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) { b.Backend.Conv1x1Grad(dxs, dw, dbias, t[0], t[1], t[2:]...) }, append([]kernels.Tensor{dy, w}, xs...)...)
}

func (b *rounding) Conv3x3(y, x, w kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) { b.Backend.Conv3x3(y, t[0], t[1]) }, x, w)
}

func (b *rounding) Conv3x3Grad(dx, dw, dy, x, w kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) { b.Backend.Conv3x3Grad(dx, dw, t[0], t[1], t[2]) }, dy, x, w)
}

func (b *rounding) WaveletReduce(y, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) { b.Backend.WaveletReduce(y, t[0], n, t[1]) }, x, w)
}

func (b *rounding) WaveletReduceGrad(dx kernels.Tensor, dn kernels.Norm, dw, dy, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) { b.Backend.WaveletReduceGrad(dx, dn, dw, t[0], t[1], n, t[2]) }, dy, x, w)
}

func (b *rounding) AttentionMap(m, s, qkv, temperature kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) { b.Backend.AttentionMap(m, t[0], t[1], temperature) }, s, qkv)
}

func (b *rounding) AttentionMapGrad(ds, dqkv, dtemperature, dm, s, qkv, temperature kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) {
		b.Backend.AttentionMapGrad(ds, dqkv, dtemperature, t[0], t[1], t[2], temperature)
	}, dm, s, qkv)
}

func (b *rounding) WaveletMerge(y, x, s, m, w kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) { b.Backend.WaveletMerge(y, x, t[0], t[1], t[2]) }, s, m, w)
}

func (b *rounding) WaveletMergeGrad(ds, dm, dw, dy, s, m, w kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) { b.Backend.WaveletMergeGrad(ds, dm, dw, t[0], t[1], t[2], t[3]) }, dy, s, m, w)
}

// products returns those weights of experts that are operands of matrix products.
func products(experts []kernels.FFN) (ts []kernels.Tensor) {
	for _, e := range experts {
		ts = append(ts, e.Expand, e.Project)
	}
	return ts
}

// with returns the experts with ts as the weights of their matrix products.
func with(experts []kernels.FFN, ts []kernels.Tensor) (rounded []kernels.FFN) {
	for i, e := range experts {
		rounded = append(rounded, kernels.FFN{Expand: ts[2*i], Depthwise: e.Depthwise, Project: ts[2*i+1]})
	}
	return rounded
}

func (b *rounding) GatedFFN(y, x kernels.Tensor, n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) { b.Backend.GatedFFN(y, t[0], n, with(experts, t[1:]), route) }, append([]kernels.Tensor{x}, products(experts)...)...)
}

func (b *rounding) GatedFFNGrad(dx kernels.Tensor, dn kernels.Norm, dexperts []kernels.FFN, droute, dy, x kernels.Tensor, n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	b.rounded(func(t []kernels.Tensor) {
		b.Backend.GatedFFNGrad(dx, dn, dexperts, droute, t[0], t[1], n, with(experts, t[2:]), route)
	}, append([]kernels.Tensor{dy, x}, products(experts)...)...)
}
