package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/sysmem"
	"clusir/internal/train"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

type trainOptions struct {
	streams
	config     *config.Config
	Name       string // of the configuration
	Dir        string
	ISA        string
	InitFrom   string
	Resume     bool
	Check      bool
	JSON       bool
	Preview    string
	Overwrite  bool
	Benchmarks string // a file of benchmarks to validate on
}

func newTrainCmd(runF func(*trainOptions) error) *cobra.Command {
	opts := &trainOptions{}
	cmd := &cobra.Command{
		Use:   "train --config NAME --data DIR",
		Short: "Train a network",
		Long: `Train a network from a configuration: a built-in one, such as five-task, or a YAML
file of your own. Interrupt it at any time; --resume continues where it stopped and
ends with the same bits as a run in one piece.

Several processes train one network together, each on its part of every batch, if a
launcher starts them: mpirun, srun, torchrun, or anything that sets RANK, WORLD_SIZE,
MASTER_ADDR and MASTER_PORT. To train on several GPUs, list them with --device.
See docs/distributed.md.`,
		Example: `  clusir train --config denoise-nano --data ~/photos/denoising
  clusir train --config five-task.yaml --data data --check
  clusir train --config five-task.yaml --data data --resume
  clusir train --config mine.yaml --data photos --init-from nano
  clusir train --config five-task.yaml --data data --device cuda:0,cuda:1
  mpirun -n 2 clusir train --config five-task.yaml --data data`,
		Args: usage.NoArguments("name the configuration with --config"),
		RunE: runs(opts, runF),
	}
	f := cmd.Flags()
	f.StringVar(&opts.Name, "config", "", "the `NAME` of a built-in configuration, or a YAML file")
	f.String("data", "", "the `FOLDER` that holds Train/ (default $CLUSIR_DATA)")
	f.StringVar(&opts.Dir, "out", "", "the run's `FOLDER` (default runs/NAME)")
	f.BoolVar(&opts.Resume, "resume", false, "continue from the run's last checkpoint")
	f.StringVar(&opts.InitFrom, "init-from", "", "start from the weights of an embedded model or of the checkpoint `FILE`")
	f.BoolVar(&opts.Check, "check", false, "read all training data, report what is there and what is wrong with it, and stop")
	f.BoolVar(&opts.JSON, "json", false, "with --check, print what it found as JSON")
	f.StringVar(&opts.Preview, "preview", "", "draw training pairs of each task to the PNG `FILE`, and stop")
	f.BoolVar(&opts.Overwrite, "overwrite", false, "with --preview, replace FILE if it exists")
	f.StringVar(&opts.Benchmarks, "benchmark-file", "", "a YAML `FILE` with benchmarks of your own, for eval.benchmarks")
	addDeviceFlags(f, &opts.ISA)
	f.Int("threads", 0, "processor threads, 0 for all")
	f.Uint64("seed", 0, "seed of the run")
	f.Int("steps", 0, "number of steps, instead of the configuration's epochs")
	f.Int("batch", 0, "samples per step")
	f.Int("patch", 0, "side of the training patches")
	f.Float64("lr", 0, "learning rate")
	config.AddSetFlag(f)
	return cmd
}

const previewPairs = 5

func (o *trainOptions) complete(cmd *cobra.Command, _ []string) (err error) {
	switch {
	case o.Name == "":
		return usage.Errorf("name a configuration with --config, such as --config five-task")
	case o.Check && o.Preview != "":
		return usage.Errorf("--check and --preview cannot be used together: choose one")
	case o.JSON && !o.Check:
		return usage.Errorf("--json does nothing without --check")
	case o.Preview != "" && !strings.EqualFold(filepath.Ext(o.Preview), ".png"):
		return usage.Errorf("--preview %s: what it draws is a PNG: let its name end in .png", o.Preview)
	case o.Overwrite && o.Preview == "":
		return usage.Errorf("--overwrite does nothing without --preview")
	case o.Resume && o.InitFrom != "":
		return usage.Errorf("--resume and --init-from cannot be used together: a resumed run has its own weights")
	}
	if o.config, err = config.Load(o.Name, cmd.Flags()); err == nil && o.config.Data == "" {
		err = usage.Of(dataset.ErrNoData)
	}
	return err
}

func (o *trainOptions) run() error {
	if o.Dir == "" {
		o.Dir = filepath.Join("runs", strings.TrimSuffix(filepath.Base(o.Name), filepath.Ext(o.Name)))
	}
	l := train.Launch{
		Config: o.config, Device: deviceOptions(o.config, o.ISA, o.errOut), Benchmarks: o.Benchmarks,
		InitFrom: o.InitFrom, Out: o.Dir, Resume: o.Resume, Messages: o.errOut,
	}
	switch {
	case o.Check:
		return l.Check(o.ctx, o.out, o.JSON)
	case o.Preview != "":
		if err := userfile.MayWrite(o.Preview, o.Overwrite); err != nil {
			return err
		}
		return train.Preview(o.config, o.Preview, previewPairs, sysmem.Available())
	}
	r, leads, err := l.Run(o.ctx)
	if err != nil {
		return err
	}
	if leads {
		r.Write(o.out)
	}
	return r.Unfinished(o.ctx)
}
