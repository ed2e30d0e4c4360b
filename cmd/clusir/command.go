package main

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/config"
	"clusir/internal/device"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/usage"
)

// command is the options of a command; streams implements all but run.
type command interface {
	attach(cmd *cobra.Command)
	complete(cmd *cobra.Command, args []string) error
	run() error
}

// runs is cobra's RunE of a command: it completes the options and runs them, or passes
// them to runF if that is set, for tests.
func runs[O command](opts O, runF func(O) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		opts.attach(cmd)
		if slices.Contains(args, "") {
			return usage.Errorf("an argument is empty: give it a value, or leave it out")
		}
		if err := usage.Values(cmd.Flags()); err != nil {
			return err
		}
		if err := opts.complete(cmd, args); err != nil {
			return err
		}
		if runF != nil {
			return runF(opts)
		}
		return opts.run()
	}
}

// streams are what a command reads and writes until its context ends.
type streams struct {
	ctx         context.Context
	in          io.Reader
	out, errOut io.Writer
}

func (s *streams) attach(cmd *cobra.Command) {
	s.ctx, s.in, s.out, s.errOut = cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
}

func (s *streams) complete(*cobra.Command, []string) error { return nil }

// networkGroup is the group of flags about networks and computing devices.
const networkGroup = "Network"

const defaultModel = "nano"

// freeShare is the share of the free memory that pictures may take unless --max-memory
// says otherwise.
const freeShare = 0.5

// network is the common part of the commands that run networks.
type network struct {
	streams
	config *config.Config

	Model       string
	ModelConfig string
	ISA         string
	Ensemble    infer.Ensemble
	MaxMemory   int64 // 0 means a share of what is free
}

func (o *network) addModelFlag(f *pflag.FlagSet) {
	f.StringVar(&o.Model, "model", defaultModel, "an embedded model or a checkpoint `FILE`; "+infer.ModelVariable+" names another default")
}

func (o *network) addComputeFlags(f *pflag.FlagSet) {
	f.StringVar(&o.ModelConfig, "model-config", "", "YAML or JSON `FILE` of the model's configuration, for a checkpoint without one")
	addDeviceFlags(f, &o.ISA)
	f.Int("threads", 0, "processor threads, 0 for all")
}

func (o *network) begin(f *pflag.FlagSet) (err error) {
	if f.Lookup("model") != nil {
		if err := modelOfEnvironment(f, &o.Model, false); err != nil {
			return err
		}
	}
	o.config, err = config.LoadUntrained(f)
	return err
}

func (o *network) source(name string) infer.Source {
	return infer.Source{Model: name, Config: o.ModelConfig, Ensemble: o.Ensemble}
}

func (o *network) device() device.Options { return deviceOptions(o.config, o.ISA, o.errOut) }

func (o *network) open() (kernels.Backend, string, error) { return device.Open(o.device()) }

// modelOfEnvironment takes the model from the environment if no flag names one; random
// allows the variants, with random weights.
func modelOfEnvironment(f *pflag.FlagSet, name *string, random bool) error {
	if f.Changed("model") {
		return nil
	}
	value, err := infer.ModelOfEnvironment(random)
	*name = cmp.Or(value, *name)
	return err
}
