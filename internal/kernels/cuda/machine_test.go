//go:build cuda

package cuda

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// machineFact describes the machine code of a kernel, on sm_80 and sm_90 alike.
// Compilation already refuses spilled registers.
type machineFact struct {
	shared int       // bytes of dynamic shared memory
	wide   bool      // reads and writes 16 bytes at a time
	stores bool      // writes 16 bytes at a time, and reads little
	halves bool      // writes 8 bytes at a time, 4 Bf16; of the variants of a product, that for bf16 does
	packed bool      // also reads 8
	dw     bool      // its shared memory is sharedDw
	gemm   bool      // copies asynchronously, 16 bytes at a time, and has variants
	only   Precision // that of a product with a single variant
}

// The instructions of the tensor cores.
const (
	hmmaTF32 = "HMMA.1688.F32.TF32"
	hmmaBF16 = "HMMA.16816.F32.BF16"
)

// machineFacts has a row for every kernel, and a single one for all variants of a
// kernel for the precisions.
var machineFacts = map[string]machineFact{
	"add_fwd": {wide: true},

	"normalize_fwd":    {},
	"normalize_grad":   {},
	"topk_softmax_fwd": {},
	"softmax_grad":     {},
	"scale_rows_fwd":   {wide: true},
	"scale_rows_grad":  {wide: true},
	"scale_rows_dots":  {},
	"rows_sum":         {},

	"layer_norm_fwd":          {wide: true},
	"layer_norm_fwd_packed":   {halves: true},
	"layer_norm_grad":         {wide: true},
	"layer_norm_grad_packed":  {wide: true},
	"layer_norm_conv1x1_grad": {wide: true},
	"layer_norm_fold":         {},

	"linear_fwd": {},
	"mix_fwd":    {wide: true}, "mix_grad": {wide: true}, "mix_dots": {},

	"tokens_fwd":       {},
	"tokens_dalpha":    {},
	"tokens_grad":      {},
	"attend_fwd":       {},
	"attend_weights":   {},
	"attend_dq":        {},
	"attend_dkv":       {},
	"sum_kept_fwd":     {},
	"sum_kept_grad":    {},
	"count_routed_fwd": {},

	"batch_norm_fwd":     {},
	"batch_norm_grad":    {},
	"batch_norm_infer":   {},
	"dynamic_filter_fwd": {wide: true},
	"dynamic_filter_dx":  {wide: true},
	"dynamic_filter_df":  {},
	"sigmoid_gate_fwd":   {wide: true},
	"sigmoid_gate_grad":  {wide: true},

	"l1_parts":           {},
	"mean_of":            {},
	"l1_grad":            {wide: true},
	"orthogonality_fwd":  {},
	"orthogonality_grad": {},
	"ssim_halve":         {},
	"ssim_windows":       {},
	"ssim_value":         {},
	"ssim_dx":            {},

	"adam_fwd":    {wide: true},
	"norm_parts":  {},
	"clip_scale":  {},
	"clear_fwd":   {stores: true},
	"clip_fwd":    {wide: true},
	"average_fwd": {wide: true},

	"dwt_fwd": {wide: true}, "idwt_fwd": {wide: true}, "idwt_grad": {wide: true},
	"dwt_fwd_packed":   {stores: true},
	"idwt_fwd_packed":  {halves: true},
	"idwt_grad_packed": {wide: true},

	"conv1x1_fwd":        {shared: sharedFwd, gemm: true, wide: true},
	"conv1x1_norm":       {shared: sharedFwd, gemm: true, wide: true, halves: true},
	"conv1x1_dx":         {shared: sharedDx, gemm: true, wide: true},
	"conv1x1_dw":         {dw: true, gemm: true},
	"conv1x1_fwd_packed": {shared: sharedFwd, gemm: true, wide: true, only: BF16},
	"conv1x1_dx_packed":  {shared: sharedDx, gemm: true, packed: true, only: BF16},
	"conv1x1_dw_packed":  {dw: true, gemm: true, only: BF16},
	"conv1x1_sum":        {wide: true},
	"conv1x1_dbias":      {},

	"conv3x3_fwd": {shared: shared3x3Fwd, gemm: true, wide: true},
	"conv3x3_dx":  {shared: shared3x3Dx, gemm: true, wide: true},
	"conv3x3_dw":  {shared: shared3x3Dw, gemm: true},

	"mean_hw_fwd":  {},
	"mean_hw_grad": {wide: true},
	"resize_fwd":   {},
	"resize_grad":  {},

	"attention_unit":         {wide: true},
	"attention_unit_grad":    {wide: true},
	"attention_softmax":      {},
	"attention_softmax_grad": {},

	"product_nn": {shared: sharedFwd, gemm: true, wide: true},
	"product_nt": {shared: sharedNT, gemm: true},
	"product_tn": {shared: sharedDx, gemm: true, wide: true},

	"experts_dispatch":    {},
	"experts_expand_fwd":  {shared: sharedFwd, gemm: true, wide: true, halves: true},
	"experts_project_fwd": {shared: sharedFwd, gemm: true, wide: true},
	"experts_project_dx":  {shared: sharedDx, gemm: true, wide: true, halves: true},
	"experts_expand_dx":   {shared: sharedDx, gemm: true, wide: true, halves: true},
	"experts_expand_dw":   {dw: true, gemm: true},
	"experts_project_dw":  {dw: true, gemm: true},
	"experts_dw_sum":      {wide: true},

	"experts_fused_fwd_16": {shared: fusedShared(16), gemm: true}, "experts_fused_fwd_32": {shared: fusedShared(32), gemm: true},
	"experts_fused_fwd_48": {shared: fusedShared(48), gemm: true}, "experts_fused_fwd_64": {shared: fusedShared(64), gemm: true},
	"experts_fused_fwd_96": {shared: fusedShared(96), gemm: true},

	"experts_fused_grad_16": {shared: fusedGradShared(16), gemm: true, only: BF16}, "experts_fused_grad_32": {shared: fusedGradShared(32), gemm: true, only: BF16},
	"experts_fused_grad_48": {shared: fusedGradShared(48), gemm: true, only: BF16}, "experts_fused_grad_64": {shared: fusedGradShared(64), gemm: true, only: BF16},
	"experts_fused_grad_96": {shared: fusedGradShared(96), gemm: true, only: BF16}, "experts_fused_sum": {},

	"trail_note":       {},
	"gate_fwd":         {wide: true},
	"gate_fwd_packed":  {packed: true},
	"gate_grad":        {wide: true},
	"gate_grad_packed": {packed: true},
	"gate_dw":          {}, "gate_droute": {},

	"rfft_rows":        {shared: 40 << 10},
	"irfft_rows":       {shared: 40 << 10, wide: true},
	"fft_columns":      {shared: 40 << 10},
	"rfft_rows_long":   {},
	"irfft_rows_long":  {wide: true},
	"fft_columns_long": {},

	"polar_fwd":   {wide: true},
	"polar_grad":  {wide: true},
	"fusion_fwd":  {wide: true},
	"fusion_grad": {wide: true},
	"leaky_fwd":   {wide: true},
	"leaky_grad":  {wide: true},
}

// variants are the suffixes of kernel names for a precision: those of every product,
// and what Backend.nearly adds to some.
var variants = []string{"_float32", "_tf32", "_bf16", "_tf32x3"}

// factOf returns the description of a kernel's machine code, and the tensor-core
// instruction that it contains, if any.
func factOf(name string) (fact machineFact, tensor string, ok bool) {
	if fact, ok = machineFacts[name]; ok {
		return fact, "", !fact.gemm
	}
	for i, instruction := range []string{"", hmmaTF32, hmmaBF16, hmmaTF32} {
		if product, found := strings.CutSuffix(name, variants[i]); found {
			fact, ok = machineFacts[product]
			if fact.dw {
				fact.shared = sharedDw(Precision(variants[i][1:]))
			}
			return fact, instruction, ok && fact.gemm && (fact.only == "" || variants[i] == "_"+string(fact.only))
		}
	}
	return fact, "", false
}

// compiled is what the assembler reports about a kernel, and the threads of its blocks.
type compiled struct{ registers, shared, stack, spills, threads int }

var (
	compiling = regexp.MustCompile(`Compiling entry function '(\w+)' for '(sm_\d+)'`)
	stack     = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	used      = regexp.MustCompile(`Used (\d+) registers`)
	sharedUse = regexp.MustCompile(`(\d+) bytes smem`)
	section   = regexp.MustCompile(`(?m)^//-+ \.text\.(\w+)`)
)

// parseAssembler parses the assembler's log: kernel, then architecture.
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
		all[name][arch] = compiled{number(used, 1), number(sharedUse, 1), number(stack, 1), number(stack, 2) + number(stack, 3), 0}
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

// launchBounds reads each kernel's __launch_bounds__ from a cubin: a section
// .nv.info.KERNEL has attributes of a format, a code, and a size or a 16-bit value;
// code 5 has three sizes.
func launchBounds(t *testing.T, cubin string) map[string]int {
	t.Helper()
	image, err := os.ReadFile(cubin)
	if err != nil {
		t.Fatal(err)
	}
	copy(image[0x14:], []byte{1, 0, 0, 0}) // CUDA 12 has its own version there
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	threads := map[string]int{}
	for _, s := range f.Sections {
		name, ok := strings.CutPrefix(s.Name, ".nv.info.")
		if !ok {
			continue
		}
		info, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		for len(info) >= 4 {
			format, code, n := info[0], info[1], int(binary.LittleEndian.Uint16(info[2:]))
			info = info[4:]
			if format != 4 { // the value is in the attribute
				continue
			}
			if code == 5 {
				threads[name] = int(binary.LittleEndian.Uint32(info))
			}
			info = info[n:]
		}
	}
	return threads
}

func TestMachineCode(t *testing.T) {
	files, err := fs.Glob(images, imageFolder+"/*.*")
	families := imagesFor(files, 8, 0)
	if err != nil || len(families) == 0 {
		t.Fatalf("no kernels are embedded: %v", err)
	}
	lack := map[string]bool{}
	for name, fact := range machineFacts {
		if !fact.gemm {
			lack[name] = true
			continue
		}
		for _, p := range precisions {
			if fact.only == "" || fact.only == p {
				lack[name+"_"+string(p)] = true
			}
		}
	}
	for family := range families {
		log, err := os.ReadFile(built(t, "machine/"+family+".ptxas"))
		if err != nil {
			t.Fatal(err)
		}
		kernels, occupancy := parseAssembler(string(log)), statedOccupancy(t, family)
		for _, arch := range slices.Sorted(maps.Keys(multiprocessors)) {
			cubin := built(t, "machine/"+family+"."+arch+".cubin")
			code, threads := disassemble(t, cubin), launchBounds(t, cubin)
			for _, name := range slices.Sorted(maps.Keys(kernels)) {
				delete(lack, name)
				c := kernels[name][arch]
				c.threads = threads[name]
				t.Run(name+"/"+arch, func(t *testing.T) { checkMachine(t, name, arch, c, code[name], occupancy(name)) })
			}
		}
	}
	for name := range lack {
		t.Errorf("machineFacts has a row for %s, which is in no file of kernels/", name)
	}
}

func checkMachine(t *testing.T, name, arch string, c compiled, code string, occupancy int) {
	fact, tensor, ok := factOf(name)
	if !ok {
		t.Fatal("machineFacts has no row for this kernel")
	}
	if c.registers == 0 || c.threads == 0 || code == "" {
		t.Fatalf("no machine code, or no __launch_bounds__: %+v", c)
	}
	if c.stack+c.spills > 0 {
		t.Errorf("local memory: %+v", c)
	}
	if got := multiprocessors[arch].resident(c.threads, c.registers, c.shared+fact.shared); got < occupancy {
		t.Errorf("%d threads on a multiprocessor, fewer than the %d of the header: %+v", got, occupancy, c)
	}
	want := []string{}
	halves := fact.halves && (!fact.gemm || strings.HasSuffix(name, "_bf16"))
	if fact.wide || halves {
		want = append(want, `LDG\.E(\.\w+)*\.128|LDGSTS\.E(\.\w+)*\.128`)
	}
	if fact.wide && !halves || fact.stores {
		want = append(want, `STG\.E(\.\w+)*\.128`)
	}
	if fact.packed {
		want = append(want, `LDG\.E(\.\w+)*\.64`)
	}
	if fact.packed || halves {
		want = append(want, `STG\.E(\.\w+)*\.64`)
	}
	if fact.gemm {
		want = append(want, `LDGSTS\.E(\.\w+)*\.128`, `LDGDEPBAR`)
	}
	if tensor != "" {
		want = append(want, regexp.QuoteMeta(tensor))
	}
	for _, w := range want {
		if !regexp.MustCompile(w).MatchString(code) {
			t.Errorf("no instruction %s", w)
		}
	}
	if arch == "sm_80" && imageFolder == "image" {
		checkLoop(t, name, code)
	}
	if tensor == "" && strings.Contains(code, "HMMA") {
		t.Error("tensor-core instructions in a kernel that the table gives none")
	}
}

// The parser of the assembler's log handles spills, too.
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
	if want := "map[a_fwd:map[sm_80:{40 32 8 16 0}] b_fwd:map[sm_90:{16 0 0 0 0}]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
