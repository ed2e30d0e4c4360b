package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"clusir/internal/config"
	"clusir/internal/device"
)

// precisionHelp describes --precision.
const precisionHelp = "of matrix products: float32, bf16, on a GPU tf32; auto is tf32 for training on a GPU, else float32"

// addDeviceFlags defines the flags that say what to compute on.
func addDeviceFlags(f *pflag.FlagSet) {
	f.String("device", "auto", "auto, cpu, cuda or cuda:`N`; clusir bench --devices lists them")
	f.String("precision", "auto", precisionHelp)
}

// addProcessorFlags defines the flags that say how the processor computes.
func addProcessorFlags(f *pflag.FlagSet, isa *string) {
	f.Int("threads", 0, "processor threads, 0 for all")
	f.StringVar(isa, "isa", "", "instruction set of the processor: avx512, avx2 or portable (default the best)")
}

func checkISA(isa string) error {
	switch isa {
	case "", "avx512", "avx2", "portable":
		return nil
	}
	return usage("--isa %s: choose avx512, avx2 or portable", isa)
}

// addEnsembleFlag defines the flag for eight passes instead of one.
func addEnsembleFlag(f *pflag.FlagSet, ensemble *bool) {
	f.BoolVar(ensemble, "ensemble", false, "restore the eight flips and turns of each picture and take their mean: better by little, in eight times the time")
}

// deviceOptions are those of a configuration. Why auto passes a GPU by goes to w.
func deviceOptions(c *config.Config, isa string, w io.Writer) device.Options {
	return device.Options{Name: c.Device, Precision: c.Precision, Threads: c.Threads, ISA: isa, Say: func(reason string) {
		fmt.Fprintln(w, "clusir:", reason)
	}}
}

// listDevices prints what there is to compute on.
func listDevices(out, errOut io.Writer, asJSON bool) error {
	devices, noGPU, err := device.List()
	if err != nil {
		return err
	}
	for _, d := range devices {
		if asJSON {
			err = json.NewEncoder(out).Encode(d)
		} else {
			_, err = fmt.Fprintln(out, d.Text)
		}
		if err != nil {
			return err
		}
	}
	if noGPU != nil {
		fmt.Fprintln(errOut, "clusir:", noGPU)
	}
	return nil
}
