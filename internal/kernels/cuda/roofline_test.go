//go:build cuda

package cuda

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/cu"

	"clusir/internal/arch"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/sharedtest"
)

var update = flag.Bool("update", false, "write docs/roofline.md")

// idle returns a backend that launches nothing: it has a fault from the start, so that
// everything queued is skipped. It needs no device, and has an A100's shared memory.
func idle(t *testing.T, p Precision) *Backend {
	b := newBackend(p)
	b.sharedPerBlock, b.fault = a100Shared, &Fault{Doing: "counting", Code: ErrNoDevice}
	t.Cleanup(b.stop)
	return b
}

// newPass makes a network and returns a pass over it: inference, or a training step
// with the objective, backward and Adam. It is complete after the next Sync.
func newPass(t *testing.T, b *Backend, config arch.Config, c timedCase) func() {
	t.Helper()
	m, err := model.New(config, b)
	if err != nil {
		t.Fatal(err)
	}
	m.Init(1)
	pixels := make([]float32, c.batch*3*c.h*c.w)
	for i := range pixels {
		pixels[i] = float32(i%97) / 97
	}
	tape := &model.Tape{B: b, Train: c.train}
	if !c.train {
		return func() {
			m.Forward(tape, tape.Input(pixels, c.batch, 3, c.h, c.w), model.Options{})
			tape.Reset()
		}
	}
	m.ZeroGrads()
	var ps []kernels.AdamParam
	for _, p := range m.Params {
		ps = append(ps, kernels.AdamParam{Param: p.Tensor, Grad: p.Grad(), M: zeros(b, p.Shape...), V: zeros(b, p.Shape...), Step: zeros(b, 1), Reached: p.Reached})
	}
	return func() {
		m.ZeroGrads()
		m.ResetCounts()
		image, clean := tape.Input(pixels, c.batch, 3, c.h, c.w), tape.Input(pixels, c.batch, 3, c.h, c.w)
		restored, _ := m.Forward(tape, image, model.Options{Noise: model.Gaussian{}})
		model.DefaultObjective().Loss(tape, m, restored, clean, nil).Backward(tape, 1)
		b.Adam(ps, kernels.NewAdam(2e-4))
		tape.Reset()
	}
}

// countStep counts a training step of the base model on an A100.
func countStep(t *testing.T, p Precision, batch int) map[string]cost {
	return countPass(t, timedCase{p, true, batch, 128, 128})
}

// countPass counts a pass of the base model on an A100.
func countPass(t *testing.T, pass timedCase) map[string]cost {
	c := arch.Base()
	b := idle(t, pass.precision)
	run := newPass(t, b, c, pass)
	n := newCounter(t, a100, c)
	run() // the first uploads tables that the others then find
	b.watch = n.add
	run()
	_ = b.Sync() // an idle backend's fault
	return n.costs
}

// TestTensorCoreShare: of the multiply-accumulates of a training step of the base
// model, at least 95 % are launched in kernels that use the tensor cores. All together
// are at least those of the network.
func TestTensorCoreShare(t *testing.T) {
	for _, p := range []Precision{TF32, BF16} {
		costs := countStep(t, p, 12)
		var all, tensor int64
		for name, c := range costs {
			all += c.macs
			if _, instruction, _ := factOf(name); instruction != "" {
				tensor += c.macs
			}
		}
		want := networkMACs(t, 12)
		t.Logf("%s: %.1f GMACs launched, %.2f %% of them in tensor-core kernels; three forward passes are %.1f", p, float64(all)/1e9, 100*float64(tensor)/float64(all), 3*float64(want)/1e9)
		for _, name := range slices.SortedFunc(maps.Keys(costs), func(a, b string) int { return cmp.Compare(costs[b].macs, costs[a].macs) })[:16] {
			t.Logf("  %-26s %5.2f %%", name, 100*float64(costs[name].macs)/float64(all))
		}
		if float64(tensor) < 0.95*float64(all) {
			t.Errorf("%s: %.2f %% of the multiply-accumulates are in tensor-core kernels, fewer than 95 %%", p, 100*float64(tensor)/float64(all))
		}
		if all < 3*want {
			t.Errorf("%s: %d multiply-accumulates, fewer than three passes of %d: something is not counted", p, all, want)
		}
	}
}

// networkMACs returns the MACs of a forward pass by the tape's count.
func networkMACs(t *testing.T, batch int) int64 {
	c, err := model.CostOf(arch.Base(), batch, 128, 128)
	if err != nil {
		t.Fatal(err)
	}
	return c.MACs
}

// peaks is a GPU's maximum, in bytes and operations per second.
type peaks struct {
	memory float64
	ops    map[Precision]float64
}

// The A100 of docs/roofline.md.
var a100 = peaks{1.56e12, map[Precision]float64{Float32: 19.5e12, TF32: 156e12, BF16: 312e12}}

// a100Shared is how much shared memory a block can have on an A100.
const a100Shared = 163 << 10

// units is the multiply-accumulates per clock of a multiprocessor, by compute
// capability: for dense tensor-core products those with float32 accumulation.
var units = map[[2]int]map[Precision]float64{
	{8, 0}: {Float32: 64, TF32: 512, BF16: 1024},
	{9, 0}: {Float32: 128, TF32: 1024, BF16: 2048},
}

// traits is what the driver reports about a device; clocks are in kHz, the bus in bits.
type traits struct{ major, minor, multiprocessors, clock, memoryClock, bus int }

// peaks assumes the highest clocks, with two transfers per clock of the memory.
func (d traits) peaks() (peaks, error) {
	per, ok := units[[2]int{d.major, d.minor}]
	if !ok || min(d.multiprocessors, d.clock, d.memoryClock, d.bus) <= 0 {
		return peaks{}, fmt.Errorf("no peaks are known of %+v", d)
	}
	p := peaks{2e3 * float64(d.memoryClock) * float64(d.bus) / 8, map[Precision]float64{}}
	for precision, macs := range per {
		p.ops[precision] = 2 * macs * float64(d.multiprocessors) * 1e3 * float64(d.clock)
	}
	return p, nil
}

func deviceTraits(t *testing.T, i int) (d traits) {
	device, err := cu.GetDevice(i)
	if err != nil {
		t.Fatal(err)
	}
	for a, v := range map[cu.DeviceAttribute]*int{
		cu.ComputeCapabilityMajor: &d.major, cu.ComputeCapabilityMinor: &d.minor,
		cu.MultiprocessorCount: &d.multiprocessors, cu.ClockRate: &d.clock,
		cu.MemoryClockRate: &d.memoryClock, cu.GlobalMemoryBusWidth: &d.bus,
	} {
		if *v, err = device.Attribute(a); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// The peaks computed from the driver's numbers equal those in the makers' data sheets.
func TestPeaks(t *testing.T) {
	for _, c := range []struct {
		name string
		traits
		want peaks
	}{
		{"A100 40 GB", traits{8, 0, 108, 1410000, 1215000, 5120}, a100},
		{"H100 SXM", traits{9, 0, 132, 1830000, 2619000, 5120}, peaks{3.35e12, map[Precision]float64{Float32: 61.9e12, TF32: 494.7e12, BF16: 989.4e12}}},
	} {
		got, err := c.peaks()
		if err != nil {
			t.Fatal(err)
		}
		for what, v := range map[string][2]float64{
			"memory": {got.memory, c.want.memory}, "float32": {got.ops[Float32], c.want.ops[Float32]},
			"tf32": {got.ops[TF32], c.want.ops[TF32]}, "bf16": {got.ops[BF16], c.want.ops[BF16]},
		} {
			if math.Abs(v[0]-v[1]) > 0.005*v[1] {
				t.Errorf("%s: %s is %.4g, the data sheet says %.4g", c.name, what, v[0], v[1])
			}
		}
	}
	for _, d := range []traits{{8, 6, 82, 1695000, 9751000, 384}, {8, 0, 108, 1410000, 0, 5120}} {
		if p, err := d.peaks(); err == nil {
			t.Errorf("%+v has peaks %v", d, p)
		}
	}
}

// minTimes returns the shortest time for one launch's bytes, and for its
// multiply-accumulates, in seconds.
func (p peaks) minTimes(name string, c cost) (moving, computing float64) {
	if p.memory == 0 {
		return 0, 0
	}
	ops := p.ops[Float32]
	for precision, v := range p.ops {
		if strings.HasSuffix(name, "_"+string(precision)) {
			ops = v
		}
	}
	if strings.HasSuffix(name, "_tf32x3") { // three products for one
		ops = p.ops[TF32] / 3
	}
	return float64(c.bytes) / p.memory, 2 * float64(c.macs) / ops
}

// TestRoofline compares docs/roofline.md with the counts; -update writes it.
func TestRoofline(t *testing.T) {
	path := filepath.Join(sharedtest.Root(t), "docs", "roofline.md")
	got := roofline(t)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what is counted (%v): go test -tags cuda ./internal/kernels/cuda -run TestRoofline -update writes it", path, err)
	}
}

// loops lists the number of instructions of the products' loops, fewest first.
func loops() string {
	var rows strings.Builder
	for _, name := range slices.SortedFunc(maps.Keys(perProducts), func(a, b string) int {
		return cmp.Or(cmp.Compare(perProducts[a], perProducts[b]), cmp.Compare(a, b))
	}) {
		fmt.Fprintf(&rows, "| %s | %d |\n", name, perProducts[name])
	}
	return rows.String()
}

// fusedRows compares the feed-forward networks of an inference with and without the fused
// kernels.
func fusedRows(t *testing.T) string {
	row := func(what string, c cost) string {
		return fmt.Sprintf("| %s | %d | %.1f | %.1f |\n", what, c.launches, float64(c.bytes)/1e9, 1e3*c.seconds)
	}
	return fmt.Sprintf(`
The feed-forward networks of one inference at %d×%d, TF32, with a kernel for each
product, and with one kernel for a whole network of at most %d channels
(kernels/experts_fused.cu), which the forward passes of training have, too:

| feed-forward networks | kernels | GB | floor, ms |
|---|---|---|---|
`, fullHD.w, fullHD.h, fusedWidths[len(fusedWidths)-1]) +
		row("a kernel for each product", feedForward(t, fullHD, 0)) + row("fused", feedForward(t, fullHD, a100Shared))
}

func roofline(t *testing.T) []byte {
	var out bytes.Buffer
	fmt.Fprint(&out, `# What a training step must take

Counted, not measured: for each kernel of one training step of the base model,
batch 12, 128×128, the bytes of its tensors (each read or written once, a gradient
that is added to both), the operations of its matrix products and convolutions
(two for each multiply-accumulate), and the least time that an A100 can do it in:
1.56 TB/s, and 19.5 TFLOP/s in float32, 156 in TF32, 312 in bf16. The floor of a
kernel is the sum over its launches, each bound by memory or by arithmetic. Rounds of
experts that find nothing to do are launches without bytes. Other arithmetic is
not counted; the heads of the files in kernels/ tell it. Launches cost some
microseconds each besides, but few driver calls: from the third pass on they go to the
driver as CUDA graphs, by at most `+fmt.Sprintf("%d calls a step, and %d an inference at 256²", mostStepCalls, mostInferenceCalls)+`.
`+"`make gpu-kit`"+` makes what prints the times on a GPU beside
these floors, with that GPU's memory and arithmetic.

What keeps products from the floor of their arithmetic is instructions: in the time of 32
products of an A100's tensor cores, of 16×8×8 in TF32 or 16×8×16 in bf16, a scheduler
issues 256, and the loops have

| loop | instructions for 32 products, at most |
|---|---|
`+loops()+`
Those of experts_fused_fwd include the gate between its products.

| precision | kernels | fills and copies | GB | TFLOP | floor of a step, ms | images/s at most |
|---|---|---|---|---|---|---|
`)
	for _, p := range []Precision{Float32, TF32, BF16} {
		var sum cost
		var other int64
		for name, c := range countStep(t, p, 12) {
			if transfer(name) {
				other += c.launches
				c.launches = 0
			}
			sum = cost{sum.launches + c.launches, sum.macs + c.macs, sum.bytes + c.bytes, sum.seconds + c.seconds, 0}
		}
		fmt.Fprintf(&out, "| %s | %d | %d | %.1f | %.2f | %.1f | %.0f |\n", p, sum.launches, other, float64(sum.bytes)/1e9, 2*float64(sum.macs)/1e12, 1e3*sum.seconds, 12/sum.seconds)
	}
	fmt.Fprint(&out, `
At bf16 what the feed-forward networks keep between their products is stored so, too: LN's
result, the hidden channels and the gate's, and the gradients of all of these
(kernels/experts.cu). The gradient of those of up to 96 channels writes neither its hidden
channels nor the gradient of the gate's (kernels/experts_fused_grad.cu). Stored so, too, is
what the wavelet's convolutions read and write in between (wavelet.go), but for attention and
for gradients that are summed.
`+fusedRows(t)+`
Measured so far, on one H200: steps of the network nano, batch 48, 128×128, in TF32
take 62.9 ms (763 images a second); [gpu.md](gpu.md) has more. The kernels of the base
model have not been timed.

The paper trains on 4 GPUs with a batch of 48, which is this step on each of them,
and the exchange of the gradients besides.

## TF32, kernel by kernel

| kernel | launches | MB | GFLOP | floor, µs | of it bound by arithmetic |
|---|---|---|---|---|---|
`)
	costs := countStep(t, TF32, 12)
	names := slices.SortedFunc(maps.Keys(costs), func(a, b string) int {
		return cmp.Or(cmp.Compare(costs[b].seconds, costs[a].seconds), cmp.Compare(a, b))
	})
	for _, name := range names {
		c := costs[name]
		fmt.Fprintf(&out, "| %s | %d | %.1f | %.1f | %.1f | %.0f %% |\n", name, c.launches, float64(c.bytes)/1e6, 2*float64(c.macs)/1e9, 1e6*c.seconds, 100*c.arithmetic/max(c.seconds, 1e-12))
	}
	return out.Bytes()
}
