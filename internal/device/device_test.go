package device

import (
	"errors"
	"os"
	"strings"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cuda"
)

// gpu reports whether this binary finds a GPU, or the software device.
func gpu() bool {
	infos, err := cuda.Devices()
	return err == nil && len(infos) > 0
}

// TestISARemedies: a refused instruction set is refused with those that work.
func TestISARemedies(t *testing.T) {
	for _, isa := range ISAs() {
		_, _, err := Open(Options{Name: "cpu", ISA: isa})
		if err == nil {
			continue
		}
		_, remedy, _ := strings.Cut(err.Error(), ": ")
		for _, other := range ISAs() {
			b, _, fault := Open(Options{Name: "cpu", ISA: other})
			if fault == nil {
				_ = b.Close()
			}
			if strings.Contains(remedy, other) != (fault == nil) {
				t.Errorf("%s: the error is %v; that of %s is %v", isa, err, other, fault)
			}
		}
	}
}

func TestOpen(t *testing.T) {
	there := "cpu "
	if gpu() {
		there = "cuda:0 "
	}
	for _, c := range []struct {
		o    Options
		name string // the beginning of the device's name
		err  string // or part of the error
	}{
		{Options{}, there, ""},
		{Options{Name: "auto"}, there, ""},
		{Options{Name: "cpu", ISA: "portable", Precision: "float32"}, "cpu portable", ""},
		{Options{Name: "cpu", ISA: "portable", Precision: "auto", Training: true}, "cpu portable", ""},
		{Options{Name: "cpu", Precision: "tf32"}, "", "precision tf32 is for GPUs"},
		{Options{Name: "cpu", ISA: "portable", Precision: "bf16"}, "cpu portable_bf16", ""},
		{Options{Name: "cpu", ISA: "avx2", Precision: "bf16"}, "", "precision bf16 takes a processor with AVX512-BF16"},
		{Options{Name: "cpu", ISA: "amx"}, "", `instruction set "amx" multiplies bf16 alone: choose precision bf16`},
		{Options{Name: "cpu", ISA: "sse", Precision: "bf16"}, "", `instruction set "sse" has no form for it`},
		{Options{Name: "cpu", Precision: "half"}, "", `precision "half": unknown; use float32, tf32 or bf16`},
		{Options{Name: "cpu", ISA: "sse"}, "", `instruction set "sse"`},
		{Options{Name: "gpu"}, "", `device "gpu": use auto, cpu, cuda or cuda:N`},
		{Options{Name: "cuda:x"}, "", `device "cuda:x": use auto`},
		{Options{Name: "cuda:-1"}, "", `device "cuda:-1": use auto`},
		{Options{Name: "cuda:77"}, "", "cuda:77: no CUDA device"},
	} {
		b, name, err := Open(c.o)
		switch {
		case err == nil:
			if c.err != "" || !strings.HasPrefix(name, c.name) {
				t.Errorf("%+v: opened %q, want %q, error %q", c.o, name, c.name, c.err)
			}
			if own := Memory(b); (own > 0) != strings.HasPrefix(name, "cuda") {
				t.Errorf("%s: %d bytes of its own", name, own)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		case c.err == "" || !strings.Contains(err.Error(), c.err):
			t.Errorf("%+v: %v, want %q", c.o, err, c.err)
		}
	}
}

// The meaning of auto and of the precisions, in training and otherwise.
func TestPrecision(t *testing.T) {
	for _, c := range []struct {
		precision string
		training  bool
		cpu, gpu  string // "" is refused
	}{
		{"", false, "float32", "float32"}, {"", true, "float32", "tf32"},
		{"auto", false, "float32", "float32"}, {"auto", true, "float32", "tf32"},
		{"float32", true, "float32", "float32"}, {"float32", false, "float32", "float32"},
		{"tf32", true, "", "tf32"}, {"tf32", false, "", "tf32"},
		{"bf16", true, "bf16", "bf16"}, {"bf16", false, "bf16", "bf16"},
	} {
		want := map[string]string{"cpu": c.cpu}
		if gpu() {
			want["cuda"], want["auto"] = c.gpu, c.gpu
		}
		for name, want := range want {
			b, _, err := Open(Options{Name: name, ISA: "portable", Precision: c.precision, Training: c.training})
			if err != nil {
				if want != "" {
					t.Errorf("%+v on %s: %v", c, name, err)
				}
				continue
			}
			if got := b.(kernels.Precise).Precision(); got != want {
				t.Errorf("%+v on %s: rounds to %s, want %q", c, name, got, want)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Without a GPU, asking for one says what to do; auto silently uses the CPU.
func TestNoGPU(t *testing.T) {
	if gpu() {
		t.Skip("there is a GPU")
	}
	_, _, err := Open(Options{Name: "cuda"})
	if !errors.Is(err, cuda.ErrNoDevice) || !strings.Contains(err.Error(), "make cuda") && !strings.Contains(err.Error(), "driver") {
		t.Errorf("cuda: %v; it has no remedy", err)
	}
	b, _, err := Open(Options{Name: "auto", Say: func(reason string) { t.Errorf("auto said %q", reason) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// Auto skips a GPU that this binary cannot use, and says why.
func TestUnusableGPU(t *testing.T) {
	if !gpu() || os.Getenv("CLUSIR_LIBCUDA") == "" {
		t.Skip("for the software device: scripts/test-cuda.sh")
	}
	t.Setenv("SOFTDEVICE_CC", "75")
	said := ""
	b, name, err := Open(Options{Name: "auto", Say: func(reason string) { said = reason }})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if !strings.HasPrefix(name, "cpu ") || !strings.Contains(said, "compute capability 7.5") {
		t.Errorf("opened %q and said %q", name, said)
	}
}

// Each rank on a machine gets a GPU: the one with its number, or the one that its
// launcher shows it. A rank for which none is left gets an error that says so.
func TestLocalRanks(t *testing.T) {
	if !gpu() || os.Getenv("CLUSIR_LIBCUDA") == "" {
		t.Skip("for the software device: scripts/test-cuda.sh")
	}
	for _, c := range []struct {
		gpus string
		rank int
		want string // the beginning of the device's name
	}{
		{"1", 0, "cuda:0 "}, {"1", 3, "cuda:0 "}, {"2", 0, "cuda:0 "}, {"2", 1, "cuda:1 "}, {"2", 2, ""}, {"0", 1, "cpu "},
	} {
		t.Setenv("SOFTDEVICE_COUNT", c.gpus)
		b, name, err := Open(Options{Name: "auto", LocalRank: c.rank})
		if err != nil {
			if c.want != "" || !strings.Contains(err.Error(), "local rank 2: fewer GPUs than ranks on this machine: there are 2;") {
				t.Errorf("rank %d, %s GPUs: %v", c.rank, c.gpus, err)
			}
			continue
		}
		if c.want == "" || !strings.HasPrefix(name, c.want) {
			t.Errorf("rank %d, %s GPUs: opened %q, want %q", c.rank, c.gpus, name, c.want)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestList(t *testing.T) {
	devices, noGPU, err := list()
	if err != nil || len(devices) == 0 || devices[0].Name != "cpu" || devices[0].Kind == "" || devices[0].Memory != 0 {
		t.Fatalf("%+v, %v", devices, err)
	}
	if (len(devices) > 1) != gpu() || (noGPU == nil) != gpu() && !errors.Is(noGPU, cuda.ErrNoDevice) {
		t.Errorf("%+v, no GPU: %v", devices, noGPU)
	}
	for _, d := range devices[1:] {
		if d.Name != "cuda:0" || d.Memory == 0 || !strings.HasPrefix(d.Text, d.Name+"  ") {
			t.Errorf("%+v", d)
		}
	}
}
