//go:build cuda

package cuda

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/sharedtest"
)

// cost is the total cost of a kernel's launches. Seconds is their floor: the sum of the
// shortest time of each; arithmetic is the part of it that arithmetic bounds.
type cost struct {
	launches, macs, bytes int64
	seconds, arithmetic   float64
}

// counter adds up launches, fills and copies. Routed experts have as many jobs as the
// network routes: each sample has TopExperts of every cluster, all in the first round
// after a dispatch. Further rounds are launched, and find nothing to do.
type counter struct {
	costs     map[string]cost
	peaks     peaks
	config    arch.Config
	params    int64 // of the network
	jobs      int64 // of the last dispatch
	round     int   // since the last dispatch
	signature map[string][]string
}

func newCounter(t *testing.T, peaks peaks, c arch.Config) *counter {
	whole, err := model.CostOf(c, 1, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	return &counter{costs: map[string]cost{}, peaks: peaks, config: c, params: whole.Params, signature: signatures(t)}
}

func (c *counter) add(l *launched) {
	name := l.kernel.name
	switch {
	case name == "experts_dispatch":
		c.dispatch(l, "B")
	case strings.HasPrefix(name, "experts_fused_fwd"):
		c.dispatch(l, "blocks")
	case strings.HasPrefix(name, "experts_expand_fwd"), strings.HasPrefix(name, "experts_fused_grad"):
		c.round++
	}
	one := cost{launches: 1, macs: c.multiplied(l), bytes: c.moved(l)}
	if c.round > 1 && (strings.HasPrefix(name, "experts_") || strings.HasPrefix(name, "gate_")) {
		one.macs, one.bytes = 0, 0
	}
	moving, computing := c.peaks.minTimes(name, one)
	one.seconds = max(moving, computing)
	if computing > moving {
		one.arithmetic = computing
	}
	k := c.costs[name]
	c.costs[name] = cost{k.launches + 1, k.macs + one.macs, k.bytes + one.bytes, k.seconds + one.seconds, k.arithmetic + one.arithmetic}
}

// dispatch counts the jobs of the samples, whose number is a factor of the launch.
func (c *counter) dispatch(l *launched, samples string) {
	c.round = 0
	c.jobs = c.factor(l, samples)
	if routed := c.factor(l, "route") > 0; routed {
		c.jobs *= int64(c.config.TopClusters[0] * c.config.TopExperts)
	}
}

// multiplications lists the factors of a launch's multiply-accumulates, or of each of two
// parts of them, for the kernels of convolutions and products: numbers; parameters, where a tensor stands for its
// number of elements; "blocks", the grid's y; and "jobs", the experts that samples run.
var multiplications = map[string]string{
	"conv1x1_fwd": "y C", "conv1x1_norm": "x O", "conv1x1_dx": "dy M", "conv1x1_dw": "dy C",
	"layer_norm_conv1x1_grad": "x O",
	"conv3x3_fwd":             "9 y C", "conv3x3_dx": "9 dx O", "conv3x3_dw": "9 dy C",
	"linear_fwd": "y K",
	"mix_fwd":    "y L", "mix_grad": "dx L", "mix_dots": "dy L",
	"product":    "blocks M N K",
	"attend_fwd": "2 q S", "attend_weights": "2 q S", "attend_dq": "dq S", "attend_dkv": "2 q S",
	"dynamic_filter_fwd": "x K K", "dynamic_filter_dx": "dx K K", "dynamic_filter_df": "x K K",
	"experts_expand_fwd": "jobs M K P", "experts_project_fwd": "jobs M K P",
	"experts_expand_dx": "jobs M K P", "experts_project_dx": "jobs M K P",
	"experts_expand_dw": "jobs M N P", "experts_project_dw": "jobs M N P",
	"gate_fwd": "18 jobs h H W", "gate_grad": "54 jobs h H W",
	"experts_fused_fwd":  "3 jobs C h H W + 18 jobs h H W",
	"experts_fused_grad": "3 jobs C h H W + 54 jobs h H W",
}

// multiplied returns the multiply-accumulates of a launch.
func (c *counter) multiplied(l *launched) int64 {
	factors, ok := multiplications[c.source(l.kernel.name)]
	if !ok {
		return 0
	}
	var sum int64
	for part := range strings.SplitSeq(factors, "+") {
		n := int64(1)
		for f := range strings.FieldsSeq(part) {
			n *= c.factor(l, f)
		}
		sum += n
	}
	return sum
}

// factor returns a factor of multiplications for a launch.
func (c *counter) factor(l *launched, name string) int64 {
	switch name {
	case "blocks":
		return int64(l.grid.y)
	case "jobs":
		return c.jobs
	}
	if n, err := strconv.ParseInt(name, 10, 64); err == nil {
		return n
	}
	i := slices.IndexFunc(c.signature[c.source(l.kernel.name)], func(p string) bool { return parameterName(p) == name })
	if i < 0 {
		panic(fmt.Sprintf("%s has no parameter %s", l, name))
	}
	switch v := l.args[i].value.(type) {
	case kernels.Shape:
		return int64(v.Len())
	case int:
		return int64(v)
	case int64:
		return v
	}
	return 0 // an absent tensor
}

func parameterName(p string) string { return p[strings.LastIndexAny(p, " *")+1:] }

// overwrites lists the gradients that a kernel overwrites instead of adding to them;
// for others a parameter `add` tells.
var overwrites = map[string][]string{
	"attention_softmax_grad": {"dc"},
	"attend_weights":         {"dlogits"},
	"experts_project_dx":     {"dgated"},
	"experts_expand_dx":      {"du"}, // what it adds to is a separate parameter
	"fusion_grad":            {"dgain", "dturn"},
	"gate_grad":              {"de"},
}

// updates lists the tensors that a kernel changes in place, and does not name as gradients.
var updates = map[string]string{"attention_unit": "hat", "attention_unit_grad": "grad"}

// transfer reports whether the driver does this without a kernel; see Backend.transfer.
func transfer(name string) bool { return slices.Contains([]string{"fill", "copy", "upload"}, name) }

// moved returns the bytes of a launch's tensors: each is read or written once, and a
// gradient that is added to is both. The shapes of tensors of Bf16 count pairs, with what
// pads their rows. Adam reads four numbers per parameter, through a
// table, and writes three.
func (c *counter) moved(l *launched) (bytes int64) {
	name := c.source(l.kernel.name)
	signature := c.signature[name]
	switch {
	case transfer(name):
		signature = make([]string, len(l.args))
	case len(signature) != len(l.args):
		panic(fmt.Sprintf("%s has %d arguments, and %d parameters in its source", l, len(l.args), len(signature)))
	}
	adds := !strings.HasSuffix(name, "_fwd")
	if i := slices.IndexFunc(signature, func(p string) bool { return p == "int add" || p == "bool add" }); i >= 0 {
		adds = l.args[i].value != 0
	}
	switch name {
	case "adam_fwd":
		bytes = 7 * 4 * c.params
	case "clear_fwd": // the gradients, or a few counts
		bytes = min(4*c.params, 4*sumBlock*int64(l.grid.x))
	}
	for i, a := range l.args {
		s, ok := a.value.(kernels.Shape)
		if !ok || repeated(signature[i], l.args, i) {
			continue
		}
		n := 4 * int64(s.Len())
		m := gradient.FindStringSubmatch(signature[i])
		if m != nil && adds && !slices.Contains(overwrites[name], m[1]) || updates[name] != "" && parameterName(signature[i]) == updates[name] {
			n *= 2
		}
		bytes += n
	}
	return bytes
}

// repeated reports whether an argument repeats the last tensor of a concatenation: it
// then ends at the same channel.
func repeated(parameter string, args []argument, i int) bool {
	later := strings.Contains(parameter, " source") && !strings.HasSuffix(parameter, "0")
	return later && args[i+4].value == args[i+3].value
}

// gradient matches the parameters that are gradients to compute.
var gradient = regexp.MustCompile(`^(?:float|DX|T|Stored<gemm::P_>) ?\*(?: __restrict__)? ?(d\w+)$`)

// source returns a kernel's name in its source, without what a macro adds.
func (c *counter) source(name string) string {
	for _, suffix := range append([]string{"_small", "_large"}, variants...) {
		name = strings.TrimSuffix(name, suffix)
	}
	for c.signature[name] == nil && strings.Contains(name, "_") { // product_nt, of a macro for several
		name = name[:strings.LastIndex(name, "_")]
	}
	return name
}

var declaration = regexp.MustCompile(`extern "C" __global__ void (?:__launch_bounds__\([^()]*\) ?)?(\w+?)_?(?:##\w+)*\(([^(){};]*)\)`)

var sourcesParameters = regexp.MustCompile(`SOURCES_PARAMETERS\(\w+\)`)

// signatures reads the parameters of every kernel from its source.
func signatures(t *testing.T) map[string][]string {
	files, err := filepath.Glob(filepath.Join(sharedtest.Root(t), "kernels", "*.cu"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no kernels: %v", err)
	}
	all := map[string][]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		flat := strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\\\n", " ")), " ")
		flat = sourcesParameters.ReplaceAllString(flat, "const float* source0, const float* source1, const float* source2, const float* source3, int, int, int, int")
		for _, m := range declaration.FindAllStringSubmatch(flat, -1) {
			all[m[1]] = nil
			for p := range strings.SplitSeq(m[2], ",") {
				all[m[1]] = append(all[m[1]], strings.TrimSpace(p))
			}
		}
	}
	return all
}

// The tables must match the kernels and their parameters, and cover every kernel that
// copies the tiles of a product.
func TestCounterKnowsTheKernels(t *testing.T) {
	all := signatures(t)
	for name, parameters := range overwrites {
		for _, p := range parameters {
			if !slices.ContainsFunc(all[name], func(s string) bool { return gradient.MatchString(s) && strings.HasSuffix(s, p) }) {
				t.Errorf("%s has no gradient %s: %v", name, p, all[name])
			}
		}
	}
	for name, p := range updates {
		if !slices.ContainsFunc(all[name], func(s string) bool { return parameterName(s) == p }) {
			t.Errorf("%s has no %s: %v", name, p, all[name])
		}
	}
	c := counter{signature: all}
	for name, fact := range machineFacts {
		if _, ok := multiplications[c.source(name)]; fact.gemm && !ok {
			t.Errorf("nobody has said how much %s multiplies", name)
		}
	}
	for name, factors := range multiplications {
		l := &launched{kernel: &kernel{name: name}, args: make([]argument, len(all[name]))}
		for f := range strings.FieldsSeq(strings.ReplaceAll(factors, "+", "")) {
			c.factor(l, f) // panics if there is no such parameter
		}
	}
}

// Operations must launch the products that they consist of: one for every weight and
// pixel, including borders, as in the model's own count, and what a gradient computes
// again.
func TestProductsOfOperations(t *testing.T) {
	const B, C, O, H, W, P = 2, 8, 12, 4, 6, 24
	b := idle(t, BF16)
	zeros := b.Alloc
	var none kernels.Tensor
	x, y, w := zeros(B, C, H, W), zeros(B, O, H, W), zeros(O, C)
	n := kernels.Norm{Weight: zeros(C), Bias: zeros(C)}
	qkv, temperature, attention := zeros(3*C, C), zeros(2), zeros(B, C, C)
	const h, E = 3, 6 // of the experts
	fs := slices.Repeat([]kernels.FFN{{Expand: zeros(2*h, C), Depthwise: zeros(2*h, 3, 3), Project: zeros(C, h)}}, E)
	c := arch.Base()
	jobs := int64(B * c.TopClusters[0] * c.TopExperts)
	for _, op := range []struct {
		name string
		run  func()
		want map[string]int64
	}{
		{"conv1x1", func() {
			x2, w := zeros(B, O, H, W), zeros(O, C+O)
			b.Conv1x1(y, w, none, x, x2)
			b.Conv1x1Grad([]kernels.Tensor{x, {}}, w, none, y, w, x, x2)
		}, map[string]int64{"conv1x1_fwd_bf16": B * O * (C + O) * P, "conv1x1_dx_bf16": B * O * C * P, "conv1x1_dw_bf16": B * O * (C + O) * P}},
		{"conv3x3", func() {
			y, w := zeros(B, 4*O, H/2, W/2), zeros(O, C, 3, 3)
			b.Conv3x3(y, x, w)
			b.Conv3x3Grad(x, w, y, x, w)
		}, map[string]int64{"conv3x3_fwd_bf16": 9 * B * O * C * P, "conv3x3_dx_bf16": 9 * B * O * C * P, "conv3x3_dw_bf16": 9 * B * O * C * P}},
		{"dense", func() {
			x, y := zeros(B, C), zeros(B, O)
			b.Linear(y, x, w, none)
			b.LinearGrad(x, zeros(O, C), zeros(O), y, x, w)
		}, map[string]int64{"linear_fwd": B * O * C, "mix_grad": 2 * B * O * C}},
		{"attention", func() {
			b.AttentionMap(attention, x, qkv, temperature)
			b.AttentionMapGrad(x, qkv, temperature, attention, x, qkv, temperature)
		}, map[string]int64{
			"conv1x1_fwd_tf32x3": 2 * B * 2 * C * C * P,       // q and k, computed again for the gradient
			"product_nt_tf32x3":  2*B*C*(C/2)*P + B*C*(C/2)*C, // their products; dm·Wvᵀ
			"product_nn_bf16":    B * C * (C / 2) * C,         // A·Wv
			"product_tn_bf16":    B * C * (C / 2) * C,         // Aᵀ·dm
			"product_nn_tf32x3":  B * C * (C / 2) * P,         // dc·k̂
			"product_tn_tf32x3":  B * C * (C / 2) * P,         // dcᵀ·q̂
			"conv1x1_dw_bf16":    B * 2 * C * C * P,           // dq·sᵀ, dk·sᵀ
			"conv1x1_dx_tf32x3":  B * 2 * C * C * P,           // Wqᵀ·dq + Wkᵀ·dk
		}},
		{"one expert, fused", func() { b.GatedFFN(x, x, n, fs[:1], none) }, map[string]int64{"experts_fused_fwd_16_bf16": B * (3*h*C + 18*h) * P}},
		{"routed experts, fused", func() { b.GatedFFN(x, x, n, fs, zeros(B, E)) }, map[string]int64{"experts_fused_fwd_16_bf16": jobs * (3*h*C + 18*h) * P}},
		{"one expert", func() { b.sharedPerBlock = 0; b.GatedFFN(x, x, n, fs[:1], none) }, map[string]int64{
			"experts_expand_fwd_bf16": B * 2 * h * C * P, "experts_project_fwd_bf16": B * h * C * P, "gate_fwd_packed": B * 18 * h * P}},
		{"routed experts", func() { b.GatedFFN(x, x, n, fs, zeros(B, E)) }, map[string]int64{
			"experts_expand_fwd_bf16": jobs * 2 * h * C * P, "experts_project_fwd_bf16": jobs * h * C * P, "gate_fwd_packed": jobs * 18 * h * P}},
		{"one expert's gradient", func() { b.GatedFFNGrad(x, n, fs[:1], none, x, x, n, fs[:1], none) }, map[string]int64{
			"experts_expand_fwd_bf16": B * 2 * h * C * P, "experts_project_dx_bf16": B * h * C * P, "experts_expand_dx_bf16": B * 2 * h * C * P,
			"experts_expand_dw_bf16": B * 2 * h * C * P, "experts_project_dw_bf16": B * h * C * P, "gate_grad_packed": B * 3 * 18 * h * P}},
		{"one expert's gradient, fused", func() { b.sharedPerBlock = a100Shared; b.GatedFFNGrad(x, n, fs[:1], none, x, x, n, fs[:1], none) }, map[string]int64{
			"experts_fused_grad_16_bf16": B * (3*h*C + 3*18*h) * P, "experts_expand_dx_bf16": B * 2 * h * C * P,
			"experts_expand_dw_bf16": B * 2 * h * C * P, "experts_project_dw_bf16": B * h * C * P}},
	} {
		count := newCounter(t, peaks{}, c)
		b.watch = count.add
		op.run()
		got := map[string]int64{}
		for name, c := range count.costs {
			if c.macs > 0 {
				got[name] = c.macs
			}
		}
		if !maps.Equal(got, op.want) {
			t.Errorf("%s: got %v, want %v", op.name, got, op.want)
		}
	}
}
