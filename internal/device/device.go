// Package device opens the backend that a user asks for, and lists the available ones.
package device

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cpu"
	"clusir/internal/kernels/cuda"
)

// Options say what to compute on.
type Options struct {
	// Name is auto, cpu, cuda or cuda:N. Auto means a GPU if there is one that this
	// binary can use, else the CPU.
	Name string
	// LocalRank is this process's number among the ranks on its machine: auto and cuda
	// mean the GPU with that number, or the only one there is.
	LocalRank int
	// Precision is what matrix products round their operands to: float32, tf32 or bf16;
	// the CPU has no tf32. Auto, also "", means tf32 for training on a GPU, and float32
	// otherwise.
	Precision string
	Training  bool
	Threads   int    // of the CPU; 0 for all
	ISA       string // instruction set of the CPU; "" for the best
	// Say, if set, receives why auto skipped a GPU.
	Say func(reason string)
}

// ISAs lists the values of Options.ISA.
func ISAs() []string { return cpu.ISAs() }

// Open returns the backend and its name, which identifies exactly what computes:
// results have the same bits only on devices with the same name.
func Open(o Options) (kernels.Backend, string, error) {
	p := cuda.Precision("") // auto, until the device is known
	if o.Precision != "" && o.Precision != "auto" {
		var err error
		if p, err = cuda.ParsePrecision(o.Precision); err != nil {
			return nil, "", err
		}
	}
	n, named := strings.CutPrefix(o.Name, "cuda:")
	switch {
	case o.Name == "" || o.Name == "auto":
		return openAuto(o, p)
	case o.Name == "cpu":
		return openCPU(o, p)
	case o.Name == "cuda":
		return openOwn(o, p)
	case named:
		if i, err := strconv.Atoi(n); err == nil && i >= 0 {
			return openCUDA(i, o, p)
		}
	}
	return nil, "", fmt.Errorf("device %q: use auto, cpu, cuda or cuda:N", o.Name)
}

var errNoGPULeft = errors.New("fewer GPUs than ranks on this machine")

// openOwn opens the GPU of a local rank. If a launcher shows each rank only its own,
// like Slurm's --gpus-per-task, that GPU has number 0 for all of them.
func openOwn(o Options, p cuda.Precision) (kernels.Backend, string, error) {
	i := o.LocalRank
	if infos, err := cuda.Devices(); err == nil { // if not, opening says why
		switch n := len(infos); {
		case n == 1:
			i = 0
		case n > 1 && i >= n:
			return nil, "", fmt.Errorf("local rank %d: %w: there are %d; start as many ranks, or choose --device cpu for all", i, errNoGPULeft, n)
		}
	}
	return openCUDA(i, o, p)
}

// openAuto tries the GPU. It does not report that there is none, but it does report one
// that cannot be used. All ranks must compute on the same kind of device, so a rank
// without a GPU does not fall back to the CPU if others have theirs.
func openAuto(o Options, p cuda.Precision) (kernels.Backend, string, error) {
	b, name, err := openOwn(o, p)
	if err == nil || errors.Is(err, errNoGPULeft) {
		return b, name, err
	}
	if o.Say != nil && !errors.Is(err, cuda.ErrNoDevice) {
		o.Say(fmt.Sprintf("computing on the processor: %v", err))
	}
	return openCPU(o, p)
}

func openCPU(o Options, p cuda.Precision) (kernels.Backend, string, error) {
	if p == cuda.TF32 {
		return nil, "", fmt.Errorf("precision %s is for GPUs, and this is the processor: choose float32 or bf16, or --device cuda", p)
	}
	b, err := cpu.New(cpu.Options{Threads: o.Threads, ISA: o.ISA, BF16: p == cuda.BF16})
	if err != nil {
		return nil, "", err
	}
	return b, "cpu " + b.ISA(), nil
}

func openCUDA(i int, o Options, p cuda.Precision) (kernels.Backend, string, error) {
	if p == "" && o.Training {
		p = cuda.TF32
	}
	b, err := cuda.Open(i, cuda.Options{Precision: p})
	if err != nil {
		return nil, "", err
	}
	return b, b.Name(), nil
}

// Memory returns the total bytes of a device with its own memory, and 0 for one that
// uses the host's.
func Memory(b kernels.Backend) int64 {
	own, ok := b.(kernels.OwnMemory)
	if !ok {
		return 0
	}
	_, _, total := own.MemoryUse()
	return total
}

// Device is a device that Open can open.
type Device struct {
	Name   string `json:"name"`   // as in Options
	Kind   string `json:"kind"`   // the GPU's model, or the CPU's instruction set
	Memory int64  `json:"memory"` // bytes of its own memory; 0 for the CPU
	Text   string `json:"-"`      // one line for people
}

// list returns the available devices, the CPU first, and, if that is the only one, the
// reason.
func list() (devices []Device, noGPU error, err error) {
	b, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		return nil, nil, err
	}
	isa := b.ISA()
	if err := b.Close(); err != nil {
		return nil, nil, err
	}
	devices = []Device{{
		Name: "cpu", Kind: isa,
		Text: fmt.Sprintf("cpu     %s, %d threads", isa, runtime.GOMAXPROCS(0)),
	}}
	infos, err := cuda.Devices()
	if errors.Is(err, cuda.ErrNoDevice) {
		return devices, err, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, i := range infos {
		devices = append(devices, Device{Name: fmt.Sprintf("cuda:%d", i.Index), Kind: i.Name, Memory: i.Memory, Text: i.String()})
	}
	return devices, nil, nil
}

// WriteList prints the result of List, as text or lines of JSON, and to messages why there
// is no GPU.
func WriteList(w, messages io.Writer, asJSON bool) error {
	devices, noGPU, err := list()
	if err != nil {
		return err
	}
	for _, d := range devices {
		if asJSON {
			err = json.NewEncoder(w).Encode(d)
		} else {
			_, err = fmt.Fprintln(w, d.Text)
		}
		if err != nil {
			return err
		}
	}
	if noGPU != nil {
		fmt.Fprintln(messages, "clusir:", noGPU)
	}
	return nil
}
