//go:build cuda

package cuda

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cuda/softdevice"
	"clusir/internal/kernels/kerneltest"
)

// growing is a Backend with the whole interface: an operation that has no kernel
// yet is one of a nil interface, and panics. It goes when the last has one.
type growing struct {
	*Backend
	missing
}
type missing struct{ kernels.Backend }

// TestMain leaves the operations that have no kernel yet out of the conformance
// tests, and says which.
func TestMain(m *testing.M) {
	flag.Parse()
	have, want := reflect.TypeFor[*Backend](), reflect.TypeFor[kernels.Backend]()
	var lack []string
	for i := range want.NumMethod() {
		name := want.Method(i).Name
		if _, ok := have.MethodByName(name); !ok {
			lack = append(lack, strings.TrimSuffix(name, "Grad"))
		}
	}
	if skip := flag.Lookup("test.skip"); len(lack) > 0 && skip.Value.String() == "" {
		fmt.Println("no kernels yet for:", strings.Join(lack, " "))
		names := "^(Identities|" + strings.Join(lack, "|") + ")$"
		_ = flag.Set("test.skip", "TestConformance/.*/"+names+"|TestConformanceWithCache/"+names)
	}
	os.Exit(m.Run())
}

// slack is how far each precision may be from float32's tolerance: the ratio of
// their roundings, 2⁻¹¹ and 2⁻⁸ of an operand, to it.
var slack = map[Precision]float64{Float32: 1, TF32: 50, BF16: 400}

// One precision and the operations that round: -run Conformance/tf32/Conv1x1.
func TestConformance(t *testing.T) {
	for _, p := range precisions {
		t.Run(string(p), func(t *testing.T) {
			b := open(t, Options{Precision: p, Debug: true})
			kerneltest.Run(t, growing{Backend: b}, kerneltest.Options{Slack: slack[p], Small: softdevice.Present()})
		})
	}
}

// The cache hands out memory again that other tensors have used; the results
// must be the same without Debug.
func TestConformanceWithCache(t *testing.T) {
	if softdevice.Present() && softdevice.Checked() {
		t.Skip("the checked build is for exact allocations")
	}
	b := open(t, Options{})
	kerneltest.Run(t, growing{Backend: b}, kerneltest.Options{Small: softdevice.Present()})
}
