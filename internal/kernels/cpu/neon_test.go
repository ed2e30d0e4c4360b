package cpu

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// tiles instantiates the loops of products, the largest tile of which fills most of
// the 32 registers of an arm64 processor.
const tiles = `
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "table.h"
#define ISA portable
#define LANES 4
#include "conv3x3.h"
void products(int64_t n, const float* a, ISA::Mat<const float> b, ISA::Mat<float> c) {
  ISA::by_rows<float>(n, n, n, n, a, n, b, c, c.p);
}
void convolutions(int64_t n, const ISA::Conv3Plan& p, const ISA::Tile& t, const float* a, const float* u, ISA::Mat<float> y) {
  ISA::stripes3x3<float>(n, p, t, n, a, u, y, ISA::AddTo);
}
`

// TestNEONKeepsSumsInRegisters reads what the compiler makes of them.
func TestNEONKeepsSumsInRegisters(t *testing.T) {
	const compiler = "aarch64-linux-gnu-g++"
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skipf("%s is not installed: apt-get install g++-aarch64-linux-gnu", compiler)
	}
	cmd := exec.Command(compiler, strings.Fields("-std=c++17 -O3 -Wno-psabi -I. -x c++ -S -o - -")...)
	cmd.Stdin = strings.NewReader(tiles)
	assembly, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	largest := 0
	for _, loop := range innermost(string(assembly)) {
		sums := map[string]bool{}
		for _, m := range regexp.MustCompile(`\tfmla\t(v\d+)`).FindAllStringSubmatch(loop, -1) {
			sums[m[1]] = true
		}
		largest = max(largest, len(sums))
		if spill := regexp.MustCompile(`\t(ld|st)\w+\tq\d+.*\[sp.*`).FindString(loop); spill != "" {
			t.Errorf("a loop with %d sums takes a vector from the stack: %s", len(sums), spill)
		}
	}
	if largest < 24 {
		t.Errorf("the largest tile has %d sums, want 24 or more", largest)
	}
}

// innermost returns the loops of products that have none within them: from a label
// to the branch that goes back there.
func innermost(assembly string) []string {
	var loops []string
	branch := regexp.MustCompile(`^\t(b[.\w]*|cbn?z|tbn?z)\t.*(\.L\d+)$`)
	lines := strings.Split(assembly, "\n")
	label, start := "", 0
	for i, line := range lines {
		if strings.HasPrefix(line, ".L") {
			label, start = strings.TrimSuffix(line, ":"), i
		}
		m := branch.FindStringSubmatch(line)
		if loop := strings.Join(lines[start:i+1], "\n"); m != nil && m[2] == label && strings.Contains(loop, "\tfmla\t") {
			loops = append(loops, loop)
		}
	}
	return loops
}
