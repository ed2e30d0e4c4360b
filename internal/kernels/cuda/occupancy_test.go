//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"clusir/internal/sharedtest"
)

// multiprocessor holds a multiprocessor's resources.
type multiprocessor struct{ registers, shared, threads, blocks int }

var multiprocessors = map[string]multiprocessor{
	"sm_80": {65536, 164 << 10, 2048, 32},
	"sm_90": {65536, 228 << 10, 2048, 32},
}

// resident returns how many threads of a kernel run on a multiprocessor at once.
func (m multiprocessor) resident(threads, registers, shared int) int {
	perWarp := ceil(registers*32, 256) * 256 // allocated in units of 256
	blocks := min(m.threads/threads, m.registers/(perWarp*threads/32), m.blocks, m.shared/(shared+1024))
	return blocks * threads
}

// occupancyLine matches the line in the header of each file of kernels that states the
// minimum number of resident threads of a multiprocessor, and the kernels with other
// numbers. A pointwise kernel needs many threads to keep memory busy; a product needs
// registers instead.
var occupancyLine = regexp.MustCompile(`Threads a multiprocessor, at least: (\d+)([^.]*)\.`)

// statedOccupancy reads it, as a function of the kernel's name.
func statedOccupancy(t *testing.T, family string) func(kernel string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(sharedtest.Root(t), "kernels", family+".cu"))
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(text), "#include")
	stated, err := parseOccupancy(header)
	if err != nil {
		t.Fatalf("kernels/%s.cu: %v", family, err)
	}
	return stated
}

func parseOccupancy(header string) (func(kernel string) int, error) {
	m := occupancyLine.FindStringSubmatch(strings.ReplaceAll(header, "\n// ", " "))
	if m == nil {
		return nil, errors.New(`the header has no line "Threads a multiprocessor, at least: N."`)
	}
	most, _ := strconv.Atoi(m[1]) // digits, by the expression
	others := map[string]int{}
	for _, part := range strings.Split(m[2], ",")[1:] {
		var kernels string
		var n int
		if _, err := fmt.Sscan(part, &kernels, &n); err != nil {
			return nil, fmt.Errorf("the occupancy %q is no KERNEL N: %w", part, err)
		}
		others[kernels] = n
	}
	return func(kernel string) int {
		for pattern, n := range others {
			if ok, _ := path.Match(pattern, kernel); ok {
				return n
			}
		}
		return most
	}, nil
}

func TestParseOccupancy(t *testing.T) {
	stated, err := parseOccupancy("// Words. Threads a multiprocessor, at least: 384, a_*_dw 256,\n// b_sum 2048. More.\n")
	if err != nil {
		t.Fatal(err)
	}
	for kernel, want := range map[string]int{"a_fwd": 384, "a_x_dw": 256, "b_sum": 2048} {
		if got := stated(kernel); got != want {
			t.Errorf("%s: %d, want %d", kernel, got, want)
		}
	}
	for _, bad := range []string{"// Bound by memory.", "// Threads a multiprocessor, at least: 384, 256."} {
		if _, err := parseOccupancy(bad); err == nil {
			t.Errorf("%q is taken for an occupancy", bad)
		}
	}
}

// A100: 65536 registers; 166 per thread leave room for three blocks of 128.
func TestResident(t *testing.T) {
	m := multiprocessors["sm_80"]
	for _, c := range []struct{ threads, registers, shared, want int }{
		{256, 32, 0, 2048}, {256, 40, 0, 1536}, {128, 166, 43 << 10, 384}, {128, 168, 54 << 10, 256}, {32, 16, 0, 1024},
	} {
		if got := m.resident(c.threads, c.registers, c.shared); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
