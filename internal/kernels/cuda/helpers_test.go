//go:build cuda

package cuda

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cuda/softdevice"
	"clusir/internal/sharedtest"

	"gorgonia.org/cu"
)

// open returns a backend on the first device. Without one the test is skipped,
// except under CI=true.
func open(t testing.TB, o Options) *Backend {
	t.Helper()
	b, err := Open(0, o)
	if errors.Is(err, ErrNoDevice) && os.Getenv("CI") != "true" {
		t.Skipf("%v; or run scripts/test-cuda.sh, which tests on the software device", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// needSoftware skips a test that only works on the software device.
func needSoftware(t testing.TB) {
	t.Helper()
	if err := openDriver(); err != nil || !softdevice.Present() {
		t.Skip("CLUSIR_LIBCUDA is not the software device; scripts/test-cuda.sh builds it")
	}
}

// built returns the path of a file that make cuda-libs or test-cuda.sh builds.
func built(t testing.TB, name string) string {
	t.Helper()
	folder := strings.Replace(imageFolder, "image", "cuda", 1)
	path := filepath.Join(sharedtest.Root(t), "build", folder, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: scripts/test-cuda.sh builds it", err)
	}
	return path
}

// addFaults loads the kernels of kernels/emu/faults.cu.
func addFaults(t *testing.T, b *Backend) {
	t.Helper()
	image, err := os.ReadFile(built(t, "faults.fatbin"))
	if err != nil {
		t.Fatal(err)
	}
	b.do(func() {
		var m cu.Module
		if m, err = cu.LoadData(string(image)); err == nil {
			b.modules = append(b.modules, m)
			b.undo(m.Unload)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// uploaded returns a tensor with the given numbers.
func uploaded(b *Backend, v ...float32) kernels.Tensor {
	x := b.Alloc(len(v))
	b.Upload(x, v)
	return x
}

// random returns a function that allocates tensors of normal numbers times a scale, other
// ones at every call.
func random(b *Backend) func(scale float64, shape ...int) kernels.Tensor {
	calls := 0
	return func(scale float64, shape ...int) kernels.Tensor {
		calls++
		x := b.Alloc(shape...)
		v := normals(x.Len() + calls)[calls:]
		for i := range v {
			v[i] *= float32(scale)
		}
		b.Upload(x, v)
		return x
	}
}

// zeros returns a tensor of zeros.
func zeros(b *Backend, shape ...int) kernels.Tensor {
	x := b.Alloc(shape...)
	b.Fill(x, 0)
	return x
}

// downloaded returns a tensor's numbers.
func downloaded(b *Backend, x kernels.Tensor) []float32 {
	v := make([]float32, x.Len())
	b.Download(v, x)
	return v
}

// numbers returns 0, 1, 2, ... n-1.
func numbers(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i)
	}
	return v
}
