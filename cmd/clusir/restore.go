package main

import (
	"github.com/spf13/cobra"

	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/process"
	"clusir/internal/progress"
	"clusir/internal/restore"
	"clusir/internal/sysmem"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

type restoreOptions struct {
	network
	restore.Request
	restore.Choices
}

func newRestoreCmd(runF func(*restoreOptions) error) *cobra.Command {
	opts := &restoreOptions{}
	cmd := &cobra.Command{
		SuggestFor: []string{"clean", "deblur", "dehaze", "denoise", "derain", "enhance", "infer"},
		Use:        "restore IN OUT | restore IN... -o DIR",
		Short:      "Restore pictures",
		Long: `Restore pictures: files, whole folders, or patterns such as 'photos/**/*.jpg'.
A folder's results have the names and subfolders of its pictures. - stands for
standard input or output.

` + imageio.Kinds() + ` are read and written. A result has the input's
size, bit depth and alpha, its EXIF, colour profile and XMP; bars around a picture
stay as they are. It is written under a temporary name and renamed when it is
complete. A picture that cannot be restored does not stop the others, unless the
disk is full; the exit code is then 1.

With --shard 1/16 to 16/16, several machines restore a part each: a picture's name
alone decides which part it is in. clusir merge combines the files of --results.`,
		Example: `  clusir restore noisy.png clean.png
  clusir restore photos restored --skip-existing
  clusir restore *.jpg -o restored --strength 0.8
  clusir restore photos -o restored --skip-existing --shard 3/16 --results 3.jsonl
  clusir restore scan.tif scan.png --compare before-after.png --explain
  curl -s https://example.com/photo.jpg | clusir restore - - --format png > photo.png`,
		RunE: runs(opts, runF),
	}
	f := cmd.Flags()
	opts.Request.AddFlags(f)
	opts.Choices.AddFlags(f)
	opts.addModelFlag(f)
	opts.addComputeFlags(f)
	usage.Bytes(f, &opts.MaxMemory, "max-memory", "", "use at most this much memory, such as 2GB (default half of what is free)")
	opts.Ensemble.AddFlag(f)
	return cmd
}

// complete parses the arguments and the flags that are not plain values.
func (o *restoreOptions) complete(cmd *cobra.Command, args []string) (err error) {
	flags := cmd.Flags()
	if o.Format, err = o.Choices.ReadFlags(flags); err != nil {
		return err
	}
	if err := o.Request.ReadFlags(flags, args); err != nil {
		return err
	}
	return o.begin(flags)
}

func (o *restoreOptions) run() (err error) {
	if o.MaxMemory, err = sysmem.Allow(o.MaxMemory, freeShare); err != nil {
		return err
	}
	plan, err := o.Plan()
	if err != nil {
		return userfile.InOneLine(err)
	}
	if out, ok := o.out.(*process.Output); ok && o.Output == restore.Std && progress.IsTerminal(out.Writer) {
		return usage.Errorf("the result would go to the terminal: send standard output to a file or another program")
	}
	b, deviceName, err := o.open()
	if err != nil {
		return err
	}
	defer b.Close()
	net, err := infer.Load(o.source(o.Model), b)
	if err != nil {
		return err
	}
	defer net.Close()
	run := restore.Session{
		Plan: plan, Request: o.Request, Model: o.Model, Device: deviceName, Debug: debugging(), Messages: o.errOut,
		Options: restore.Options{Choices: o.Choices, MaxMemory: o.MaxMemory, Stdin: o.in, Stdout: o.out},
	}
	return run.Run(o.ctx, net)
}
