//go:build cuda

package cuda

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	label       = regexp.MustCompile(`^(\.L_\w+):`)
	instruction = regexp.MustCompile(`^\s*/\*[0-9a-f]{4,}\*/\s+(.*?);`)
	branch      = regexp.MustCompile("\\bBRA\\b.*?`\\((\\.L_\\w+)\\)")
)

// loopOf returns how many instructions an iteration of the innermost loop with
// tensor-core products executes, and how many of them are products. It leaves out blocks
// that only copy 4 bytes at a time, which run only if rows do not start at multiples of
// 16 bytes, and those that load numbers from memory and wait for them, which start a job.
func loopOf(code string) (executed, products int) {
	at, all := map[string]int{}, []string{}
	for line := range strings.SplitSeq(code, "\n") {
		if m := label.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			at[m[1]] = len(all)
		} else if m := instruction.FindStringSubmatch(line); m != nil {
			all = append(all, m[1])
		}
	}
	var loop []string
	first := 0
	for i, s := range all {
		m := branch.FindStringSubmatch(s)
		if m == nil {
			continue
		}
		start, ok := at[m[1]]
		if !ok || start > i || !slices.ContainsFunc(all[start:i], isProduct) || loop != nil && len(loop) <= i+1-start {
			continue
		}
		loop, first = all[start:i+1], start
	}
	ends := map[int]bool{len(loop): true} // of basic blocks
	for _, i := range at {
		ends[i-first] = true
	}
	block := 0
	for i := range loop {
		if !ends[i+1] && !strings.Contains(loop[i], "BRA") {
			continue
		}
		work := loop[block : i+1]
		block = i + 1
		p := countFunc(work, isProduct)
		if p == 0 && (slices.ContainsFunc(work, loads) || slices.ContainsFunc(work, copiesNarrowly) && !slices.ContainsFunc(work, copiesWidely)) {
			continue
		}
		executed, products = executed+len(work), products+p
	}
	return executed, products
}

func isProduct(s string) bool { return strings.Contains(s, "HMMA") }
func loads(s string) bool     { return strings.Contains(s, "LDG.") }
func copiesWidely(s string) bool {
	return strings.Contains(s, "LDGSTS") && strings.Contains(s, ".128")
}
func copiesNarrowly(s string) bool { return strings.Contains(s, "LDGSTS") && !copiesWidely(s) }

func countFunc(s []string, is func(string) bool) (n int) {
	for _, v := range s {
		if is(v) {
			n++
		}
	}
	return n
}

// perProducts is the largest number of instructions, on sm_80, that an iteration may
// execute per 32 tensor-core products. These take 256 cycles on an A100, which issues
// one instruction per cycle: 400 instructions allow 64 % of the peak. The counts of
// conv1x1_fwd and conv1x1_dw include the steps to the next source or sample (some 60 and
// 120 instructions), which most iterations skip; those of experts_fused_fwd the gate.
var perProducts = map[string]int{
	"conv1x1_fwd_tf32":          310,
	"conv1x1_norm_tf32":         260,
	"conv1x1_dx_tf32":           205,
	"conv1x1_dw_tf32":           495,
	"experts_expand_fwd_tf32":   190,
	"experts_project_fwd_tf32":  195,
	"experts_project_dx_tf32":   210,
	"experts_expand_dx_tf32":    185,
	"experts_expand_dw_tf32":    170,
	"experts_project_dw_tf32":   235,
	"experts_expand_fwd_bf16":   180,
	"experts_project_fwd_bf16":  175,
	"experts_project_dx_bf16":   240,
	"experts_expand_dx_bf16":    175,
	"experts_expand_dw_bf16":    300,
	"experts_project_dw_bf16":   335,
	"experts_fused_fwd_48_tf32": 475,
	"experts_fused_fwd_96_tf32": 335,
}

// checkLoop compares the inner loop of a product with the number that was reached.
func checkLoop(t *testing.T, name, code string) {
	limit, ok := perProducts[name]
	if !ok {
		return
	}
	executed, products := loopOf(code)
	if products == 0 {
		t.Fatal("no loop with tensor-core products")
	}
	got := (32*executed + products - 1) / products
	t.Logf("%d instructions for 32 products", got)
	if got > limit {
		t.Errorf("%d instructions for 32 products, more than %d", got, limit)
	}
}

func TestLoopOf(t *testing.T) {
	code := "\n.L_x_0:\n /*0000*/ MOV R1, R2 ;\n /*0010*/ BRA `(.L_x_0) ;\n.L_x_1:\n /*0020*/ IADD3 R1, R1, R2, RZ ;\n /*0030*/ @P0 BRA `(.L_x_2) ;\n" +
		" /*0040*/ LDGSTS.E [R1], [R2] ;\n /*0050*/ MOV R1, R2 ;\n.L_x_2:\n /*0060*/ LDGSTS.E.BYPASS.128 [R1], [R2] ;\n" +
		" /*0070*/ HMMA.1688.F32.TF32 R4, R8, R12, R4 ;\n /*0080*/ HMMA.1688.F32.TF32 R4, R8, R12, R4 ;\n /*0090*/ @P1 BRA `(.L_x_1) ;\n /*00a0*/ EXIT ;\n"
	if executed, products := loopOf(code); executed != 6 || products != 2 {
		t.Errorf("%d instructions, %d of them products; there are 6 and 2", executed, products)
	}
	// Copies of both widths in one block are executed, some of them without effect.
	both := strings.Replace(code, "MOV R1, R2 ;\n.L_x_2", "@P1 LDGSTS.E.BYPASS.128 [R1], [R2] ;\n.L_x_2", 1)
	if executed, products := loopOf(both); executed != 8 || products != 2 {
		t.Errorf("%d instructions, %d of them products; there are 8 and 2", executed, products)
	}
}
