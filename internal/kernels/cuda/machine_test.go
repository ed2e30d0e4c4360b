//go:build cuda

package cuda

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// machineFact is what the machine code of a kernel must be like, on sm_80 and
// sm_90 alike. Compilation already refuses spilled registers.
type machineFact struct {
	threads int  // of a block
	shared  int  // bytes of dynamic shared memory
	wide    bool // reads and writes 16 bytes at a time
	gemm    bool // copies asynchronously, 16 bytes at a time
	tensor  string
}

// The instructions of the tensor cores.
const (
	hmmaTF32 = "HMMA.1688.F32.TF32"
	hmmaBF16 = "HMMA.16816.F32.BF16"
)

// machineFacts has a row for every kernel.
var machineFacts = map[string]machineFact{
	"add_fwd":  {threads: 256, wide: true},
	"axpy_fwd": {threads: 256, wide: true},

	"normalize_fwd":    {threads: 128},
	"normalize_grad":   {threads: 128},
	"topk_softmax_fwd": {threads: 128},
	"softmax_grad":     {threads: 128},
	"scale_rows_fwd":   {threads: 256, wide: true},
	"scale_rows_grad":  {threads: 256, wide: true},
	"scale_rows_dots":  {threads: 256},
	"rows_sum":         {threads: 128},

	"layer_norm_fwd":  {threads: 256, wide: true},
	"layer_norm_grad": {threads: 256, wide: true},
	"layer_norm_fold": {threads: 256},

	"linear_fwd": {threads: 128},
	"linear_dx":  {threads: 128},
	"linear_dw":  {threads: 128, wide: true},
	"mix_fwd":    {threads: 256, wide: true},
	"mix_dc":     {threads: 256, wide: true},
	"mix_dots":   {threads: 256},

	"tokens_fwd":       {threads: 128},
	"tokens_dalpha":    {threads: 128},
	"tokens_grad":      {threads: 128},
	"attend_fwd":       {threads: 128},
	"attend_weights":   {threads: 128},
	"attend_dq":        {threads: 128},
	"attend_dkv":       {threads: 128},
	"sum_kept_fwd":     {threads: 128},
	"sum_kept_grad":    {threads: 128},
	"count_routed_fwd": {threads: 128},

	"batch_norm_fwd":     {threads: 128},
	"batch_norm_grad":    {threads: 128},
	"batch_norm_infer":   {threads: 128},
	"dynamic_filter_fwd": {threads: 256, wide: true},
	"dynamic_filter_dx":  {threads: 256, wide: true},
	"dynamic_filter_df":  {threads: 288},
	"sigmoid_gate_fwd":   {threads: 256, wide: true},
	"sigmoid_gate_grad":  {threads: 256, wide: true},

	"l1_parts":           {threads: 256},
	"mean_of":            {threads: 256},
	"l1_grad":            {threads: 256, wide: true},
	"orthogonality_fwd":  {threads: 256},
	"orthogonality_grad": {threads: 256},
	"ssim_halve":         {threads: 256},
	"ssim_windows":       {threads: 256},
	"ssim_value":         {threads: 256},
	"ssim_dx":            {threads: 256},

	"adam_fwd":    {threads: 256, wide: true},
	"norm_parts":  {threads: 256},
	"clip_scale":  {threads: 256},
	"clip_fwd":    {threads: 256, wide: true},
	"average_fwd": {threads: 256, wide: true},

	"dwt_fwd":   {threads: 256, wide: true},
	"dwt_grad":  {threads: 256, wide: true},
	"idwt_fwd":  {threads: 256, wide: true},
	"idwt_grad": {threads: 256, wide: true},

	"conv1x1_fwd_float32":  {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true},
	"conv1x1_fwd_tf32":     {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaTF32},
	"conv1x1_fwd_bf16":     {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaBF16},
	"conv1x1_fwd_tf32x3":   {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaTF32},
	"conv1x1_norm_float32": {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true},
	"conv1x1_norm_tf32":    {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaTF32},
	"conv1x1_norm_bf16":    {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaBF16},
	"conv1x1_dx_float32":   {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true},
	"conv1x1_dx_tf32":      {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true, tensor: hmmaTF32},
	"conv1x1_dx_bf16":      {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true, tensor: hmmaBF16},
	"conv1x1_dx_tf32x3":    {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true, tensor: hmmaTF32},
	"conv1x1_dw_float32":   {threads: gemmThreads, shared: sharedDw, gemm: true},
	"conv1x1_dw_tf32":      {threads: gemmThreads, shared: sharedDw, gemm: true, tensor: hmmaTF32},
	"conv1x1_dw_bf16":      {threads: gemmThreads, shared: sharedDw, gemm: true, tensor: hmmaBF16},
	"conv1x1_sum":          {threads: 256, wide: true},
	"conv1x1_dbias":        {threads: 256},

	"conv3x3_fwd_float32": {threads: gemmThreads, shared: shared3x3Fwd, gemm: true, wide: true},
	"conv3x3_fwd_tf32":    {threads: gemmThreads, shared: shared3x3Fwd, gemm: true, wide: true, tensor: hmmaTF32},
	"conv3x3_fwd_bf16":    {threads: gemmThreads, shared: shared3x3Fwd, gemm: true, wide: true, tensor: hmmaBF16},
	"conv3x3_dx_float32":  {threads: gemmThreads, shared: shared3x3Dx, gemm: true, wide: true},
	"conv3x3_dx_tf32":     {threads: gemmThreads, shared: shared3x3Dx, gemm: true, wide: true, tensor: hmmaTF32},
	"conv3x3_dx_bf16":     {threads: gemmThreads, shared: shared3x3Dx, gemm: true, wide: true, tensor: hmmaBF16},
	"conv3x3_dw_float32":  {threads: gemmThreads, shared: shared3x3Dw, gemm: true},
	"conv3x3_dw_tf32":     {threads: gemmThreads, shared: shared3x3Dw, gemm: true, tensor: hmmaTF32},
	"conv3x3_dw_bf16":     {threads: gemmThreads, shared: shared3x3Dw, gemm: true, tensor: hmmaBF16},

	"mean_hw_fwd":  {threads: 256},
	"mean_hw_grad": {threads: 256, wide: true},
	"resize_fwd":   {threads: 256},
	"resize_grad":  {threads: 256},

	"attention_unit":         {threads: 128, wide: true},
	"attention_unit_grad":    {threads: 128, wide: true},
	"attention_softmax":      {threads: 128},
	"attention_softmax_grad": {threads: 128},

	"product_nn_float32": {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true},
	"product_nn_tf32":    {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaTF32},
	"product_nn_bf16":    {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaBF16},
	"product_nn_tf32x3":  {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaTF32},
	"product_nt_float32": {threads: gemmThreads, shared: sharedDw, gemm: true},
	"product_nt_tf32":    {threads: gemmThreads, shared: sharedDw, gemm: true, tensor: hmmaTF32},
	"product_nt_bf16":    {threads: gemmThreads, shared: sharedDw, gemm: true, tensor: hmmaBF16},
	"product_nt_tf32x3":  {threads: gemmThreads, shared: sharedDw, gemm: true, tensor: hmmaTF32},
	"product_tn_float32": {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true},
	"product_tn_tf32":    {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true, tensor: hmmaTF32},
	"product_tn_bf16":    {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true, tensor: hmmaBF16},
	"product_tn_tf32x3":  {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true, tensor: hmmaTF32},

	"experts_dispatch":            {threads: 128},
	"experts_expand_fwd_float32":  {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true},
	"experts_expand_fwd_tf32":     {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaTF32},
	"experts_expand_fwd_bf16":     {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaBF16},
	"experts_project_fwd_float32": {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true},
	"experts_project_fwd_tf32":    {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaTF32},
	"experts_project_fwd_bf16":    {threads: gemmThreads, shared: sharedFwd, gemm: true, wide: true, tensor: hmmaBF16},
	"experts_project_dx_float32":  {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true},
	"experts_project_dx_tf32":     {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true, tensor: hmmaTF32},
	"experts_project_dx_bf16":     {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true, tensor: hmmaBF16},
	"experts_expand_dx_float32":   {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true},
	"experts_expand_dx_tf32":      {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true, tensor: hmmaTF32},
	"experts_expand_dx_bf16":      {threads: gemmThreads, shared: sharedDx, gemm: true, wide: true, tensor: hmmaBF16},
	"experts_expand_dw_float32":   {threads: gemmThreads, shared: sharedDw, gemm: true},
	"experts_expand_dw_tf32":      {threads: gemmThreads, shared: sharedDw, gemm: true, tensor: hmmaTF32},
	"experts_expand_dw_bf16":      {threads: gemmThreads, shared: sharedDw, gemm: true, tensor: hmmaBF16},
	"experts_project_dw_float32":  {threads: gemmThreads, shared: sharedDw, gemm: true},
	"experts_project_dw_tf32":     {threads: gemmThreads, shared: sharedDw, gemm: true, tensor: hmmaTF32},
	"experts_project_dw_bf16":     {threads: gemmThreads, shared: sharedDw, gemm: true, tensor: hmmaBF16},
	"experts_dw_sum":              {threads: 256, wide: true},

	"gate_fwd":    {threads: 128, wide: true},
	"gate_grad":   {threads: 192, wide: true},
	"gate_dw":     {threads: 128},
	"gate_droute": {threads: 128},

	"rfft_rows":        {threads: 256, shared: 40 << 10},
	"irfft_rows":       {threads: 256, shared: 40 << 10, wide: true},
	"fft_columns":      {threads: 256, shared: 40 << 10},
	"rfft_rows_long":   {threads: 256},
	"irfft_rows_long":  {threads: 256, wide: true},
	"fft_columns_long": {threads: 256},

	"polar_fwd":   {threads: 256, wide: true},
	"polar_grad":  {threads: 256, wide: true},
	"fusion_fwd":  {threads: 256, wide: true},
	"fusion_grad": {threads: 256, wide: true},
	"leaky_fwd":   {threads: 256, wide: true},
	"leaky_grad":  {threads: 256, wide: true},
}

// compiled is what the assembler says of a kernel.
type compiled struct{ registers, shared, stack, spills int }

var (
	compiling = regexp.MustCompile(`Compiling entry function '(\w+)' for '(sm_\d+)'`)
	stack     = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	used      = regexp.MustCompile(`Used (\d+) registers`)
	sharedUse = regexp.MustCompile(`(\d+) bytes smem`)
	section   = regexp.MustCompile(`(?m)^//-+ \.text\.(\w+)`)
)

// parseAssembler reads the assembler's log: kernel, then architecture.
func parseAssembler(log string) map[string]map[string]compiled {
	all := map[string]map[string]compiled{}
	starts := compiling.FindAllStringSubmatchIndex(log, -1)
	for i, s := range starts {
		end := len(log)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		name, arch, text := log[s[2]:s[3]], log[s[4]:s[5]], log[s[0]:end]
		number := func(r *regexp.Regexp, group int) int {
			m := r.FindStringSubmatch(text)
			if m == nil {
				return 0
			}
			n, _ := strconv.Atoi(m[group]) // digits, by the expression
			return n
		}
		if all[name] == nil {
			all[name] = map[string]compiled{}
		}
		all[name][arch] = compiled{number(used, 1), number(sharedUse, 1), number(stack, 1), number(stack, 2) + number(stack, 3)}
	}
	return all
}

// disassemble returns the machine code of each kernel in a cubin.
func disassemble(t *testing.T, cubin string) map[string]string {
	t.Helper()
	tool := os.Getenv("CLUSIR_NVDISASM")
	if tool == "" {
		t.Skip("CLUSIR_NVDISASM names no nvdisasm; scripts/test-cuda.sh sets it")
	}
	var errs bytes.Buffer
	command := exec.Command(tool, "-c", cubin)
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", cubin, err, errs.String())
	}
	text, code := string(out), map[string]string{}
	starts := section.FindAllStringSubmatchIndex(text, -1)
	for i, s := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		code[text[s[2]:s[3]]] = text[s[1]:end]
	}
	return code
}

func TestMachineCode(t *testing.T) {
	families, err := filepath.Glob("image/*.fatbin")
	if err != nil || len(families) == 0 {
		t.Fatalf("no kernels are embedded: %v", err)
	}
	lack := maps.Clone(machineFacts)
	for _, f := range families {
		family := strings.TrimSuffix(filepath.Base(f), ".fatbin")
		log, err := os.ReadFile(built(t, "machine/"+family+".ptxas"))
		if err != nil {
			t.Fatal(err)
		}
		kernels, occupancy := parseAssembler(string(log)), statedOccupancy(t, family)
		for _, arch := range slices.Sorted(maps.Keys(multiprocessors)) {
			code := disassemble(t, built(t, "machine/"+family+"."+arch+".cubin"))
			for _, name := range slices.Sorted(maps.Keys(kernels)) {
				delete(lack, name)
				t.Run(name+"/"+arch, func(t *testing.T) { checkMachine(t, name, arch, kernels[name][arch], code[name], occupancy(name)) })
			}
		}
	}
	for name := range lack {
		t.Errorf("machineFacts has a row for %s, which no file of kernels/ has", name)
	}
}

func checkMachine(t *testing.T, name, arch string, c compiled, code string, occupancy int) {
	fact, ok := machineFacts[name]
	if !ok {
		t.Fatal("machineFacts has no row for this kernel")
	}
	if c.registers == 0 || code == "" {
		t.Fatalf("no machine code: %+v", c)
	}
	if c.stack+c.spills > 0 {
		t.Errorf("local memory: %+v", c)
	}
	if got := multiprocessors[arch].resident(fact.threads, c.registers, c.shared+fact.shared); got < occupancy {
		t.Errorf("%d threads on a multiprocessor, fewer than the %d of the header: %+v", got, occupancy, c)
	}
	want := []string{}
	if fact.wide {
		want = append(want, `LDG\.E(\.\w+)*\.128|LDGSTS\.E(\.\w+)*\.128`, `STG\.E(\.\w+)*\.128`)
	}
	if fact.gemm {
		want = append(want, `LDGSTS\.E(\.\w+)*\.128`, `LDGDEPBAR`)
	}
	if fact.tensor != "" {
		want = append(want, regexp.QuoteMeta(fact.tensor))
	}
	for _, w := range want {
		if !regexp.MustCompile(w).MatchString(code) {
			t.Errorf("no instruction %s", w)
		}
	}
	if fact.tensor == "" && strings.Contains(code, "HMMA") {
		t.Error("tensor-core instructions in a kernel that the table gives none")
	}
}

// The reader of the assembler's log understands it, spills included.
func TestParseAssembler(t *testing.T) {
	log := `ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'a_fwd' for 'sm_80'
ptxas info    : Function properties for a_fwd
    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 32 bytes smem, 380 bytes cmem[0]
ptxas info    : Compiling entry function 'b_fwd' for 'sm_90'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 16 registers, used 0 barriers
`
	got := fmt.Sprint(parseAssembler(log))
	if want := "map[a_fwd:map[sm_80:{40 32 8 16}] b_fwd:map[sm_90:{16 0 0 0}]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
