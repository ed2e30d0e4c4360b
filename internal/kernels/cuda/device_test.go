//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestCheckRelease(t *testing.T) {
	for _, c := range []struct{ driver, compiler, says string }{
		{"13.0", "13.0", ""},
		{"13.1", "13.0", ""},
		{"12.0", "12.9", ""}, // minor releases of the same major are compatible
		{"12.4", "13.0", "the driver serves CUDA 12.4, but the kernels were compiled by CUDA 13.0: install a driver for CUDA 13, or build for this one by `make cuda CUDA_RELEASE=12`"},
		{"x", "13.0", `the driver's CUDA release "x"`},
		{"13.0", "", `the kernels' CUDA release ""`},
	} {
		err := checkRelease(c.driver, c.compiler)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("driver %s, compiler %s: %v, want %q", c.driver, c.compiler, err, c.says)
		}
	}
}

func TestDevices(t *testing.T) {
	needSoftware(t)
	t.Setenv("SOFTDEVICE_COUNT", "3")
	t.Setenv("SOFTDEVICE_MEMORY", "2560")
	infos, err := Devices()
	if err != nil || len(infos) != 3 {
		t.Fatalf("Devices: %v, %v", infos, err)
	}
	if got, want := infos[2].String(), "cuda:2  software device, compute capability 8.0, 2.5 GiB, driver for CUDA 13.0"; got != want {
		t.Errorf("device 2 is %q, want %q", got, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	needSoftware(t)
	for _, c := range []struct {
		name, variable, value string
		index                 int
		options               Options
		says                  string
	}{
		{name: "no such device", index: 1, says: "cuda:1: no CUDA device: there are 1"},
		{name: "negative", index: -1, says: "cuda:-1"},
		{name: "none at all", variable: "SOFTDEVICE_COUNT", value: "0", says: "there are 0"},
		{name: "old driver", variable: "SOFTDEVICE_DRIVER", value: "12080", says: "the driver serves CUDA 12.8, but the kernels were compiled by CUDA " + toolkitRelease()},
		{name: "old device", variable: "SOFTDEVICE_CC", value: "75", says: "has compute capability 7.5; the kernels need 8.0 or later, use --device cpu"},
		{name: "precision", options: Options{Precision: "fp8"}, says: `precision "fp8": unknown; use float32, tf32 or bf16`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.variable != "" {
				t.Setenv(c.variable, c.value)
			}
			_, err := Open(c.index, c.options)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Open: %v, want %q", err, c.says)
			}
		})
	}
}

// A binary with kernels starts without a driver, and with a file that is not one.
func TestWithoutDriver(t *testing.T) {
	if os.Getenv("CLUSIR_TEST_CHILD") != "" {
		_, err := Devices()
		fmt.Println(errors.Is(err, ErrNoDevice), err)
		return
	}
	for file, says := range map[string]string{
		"/nonexistent/libcuda.so": "true no CUDA device: /nonexistent/libcuda.so: cannot open shared object file: No such file or directory; correct or unset CLUSIR_LIBCUDA",
		os.Args[0]:                "correct or unset CLUSIR_LIBCUDA",
	} {
		child := exec.Command(os.Args[0], "-test.run=^TestWithoutDriver$")
		child.Env = append(os.Environ(), "CLUSIR_TEST_CHILD=1", "CLUSIR_LIBCUDA="+file)
		out, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(out), says) {
			t.Errorf("with CLUSIR_LIBCUDA=%s: %v: %s", file, err, out)
		}
	}
}
