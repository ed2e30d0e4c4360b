package main

import (
	"fmt"
	"io"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/pflag"

	"clusir/internal/config"
	"clusir/internal/device"
	"clusir/internal/usage"
)

// addDeviceFlags defines the flags that select the computing device and, as isa, its
// instruction set.
func addDeviceFlags(f *pflag.FlagSet, isa *string) {
	f.String("device", "auto", "auto, cpu, cuda or cuda:`N`; clusir bench --devices lists them")
	f.String("precision", "auto", "precision of matrix products: float32, bf16, or on a GPU tf32; auto is tf32 for training on a GPU, else float32")
	isas := device.ISAs()
	usage.OneOf(f, isa, "isa", "", "instruction set of the processor: "+english.WordSeries(isas, "or")+" (default the best); amx is for bf16 alone", isas)
}

// deviceOptions returns a configuration's device options. The reason why auto skips a
// GPU goes to w.
func deviceOptions(c *config.Config, isa string, w io.Writer) device.Options {
	return device.Options{Name: c.Device, Precision: c.Precision, Threads: c.Threads, ISA: isa, Say: func(reason string) {
		fmt.Fprintln(w, "clusir:", reason)
	}}
}
