package main

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"clusir/internal/infer"
	"clusir/internal/progress"
	"clusir/internal/restore"
	"clusir/internal/sysmem"
	"clusir/internal/userfile"
)

// restoreOptions are the options of `clusir restore`.
type restoreOptions struct {
	network
	restore.Request
	restore.Choices
	JSON    bool
	Results string
}

func newRestoreCmd(runF func(*restoreOptions) error) *cobra.Command {
	opts := &restoreOptions{}
	cmd := &cobra.Command{
		Use:   "restore IN OUT | restore IN... -o DIR",
		Short: "Restore pictures",
		Long: `Restore pictures: files, whole folders, or patterns such as 'photos/**/*.jpg'.
A folder's results have the names and subfolders of its pictures. - stands for
standard input or output.

PNG, JPEG, TIFF, WebP and BMP are read and written. A result has the input's
size, bit depth and alpha, its EXIF, colour profile and XMP. It is written under
a temporary name and renamed when it is complete. A picture that cannot be
restored does not stop the others; the exit code is then 1.

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
	f.StringVarP(&opts.Output, "output", "o", "", "put the results into the folder `DIR`")
	f.BoolVar(&opts.Overwrite, "overwrite", false, "replace results that exist")
	f.BoolVar(&opts.SkipExisting, "skip-existing", false, "leave out pictures whose results exist")
	f.StringVar(&opts.Suffix, "suffix", "", "add `TEXT` to the results' names; without OUT and -o they are put next to the inputs")
	opts.AddFlags(f)
	opts.addModelFlag(f)
	opts.addComputeFlags(f)
	f.String("max-memory", "", "use at most this much memory, such as 2GB (default half of what is free)")
	opts.addEnsembleFlag(f)
	f.StringVar(&opts.Compare, "compare", "", "write before and after side by side to `FILE` (for several pictures, into that folder)")
	f.BoolVar(&opts.Explain, "explain", false, "print how the network routed each picture, and draw an affinity map next to its result")
	f.StringVar(&opts.Results, "results", "", "write the outcome of each picture to `FILE`, one line of JSON each, for clusir merge")
	f.String("shard", "", "restore the `K/N`-th part of the pictures, such as 3/16")
	f.BoolVar(&opts.JSON, "json", false, "print a line of JSON for each picture")
	return cmd
}

// complete parses the arguments and the flags that are not plain values.
func (o *restoreOptions) complete(cmd *cobra.Command, args []string) (err error) {
	flags := cmd.Flags()
	if err := o.arguments(args, flags.Changed("output")); err != nil {
		return err
	}
	if o.Format, err = o.ReadFlags(flags); err != nil {
		return usageError{err}
	}
	if err := o.divide(flags.Lookup("shard").Value.String()); err != nil {
		return err
	}
	switch {
	case o.Overwrite && o.SkipExisting:
		return usage("--overwrite and --skip-existing cannot be used together: leave one out")
	case strings.ContainsAny(o.Suffix, `/\`):
		return usage("--suffix %s: a name cannot hold %q: leave it out, or name a folder with -o", o.Suffix, `/\`)
	case o.JSON && (o.Output == restore.Std || o.Explain):
		return usage("--json prints to standard output, as --explain and the output - do: leave one out")
	}
	return o.begin(flags)
}

func (o *restoreOptions) run() (err error) {
	if len(o.Inputs) == 1 && o.Output == "" && o.Suffix == "" && o.Format == 0 {
		return usage("name where to write the result: clusir restore %s OUT, or a --suffix for a result next to the input", o.Inputs[0])
	}
	if o.MaxMemory, err = sysmem.Allow(o.MaxMemory, freeShare); err != nil {
		return err
	}
	plan, err := o.Plan()
	err = userfile.InOneLine(err)
	if errors.As(err, new(restore.Misuse)) {
		return usageError{err}
	} else if err != nil {
		return err
	}
	if o.Output == restore.Std && isTerminal(o.out) {
		return usage("the result would go to the terminal: send standard output to a file or another program")
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
		Plan: plan, Model: o.Model, Device: deviceName, Explain: o.Explain, JSON: o.JSON,
		Results: o.Results, Resume: o.SkipExisting, Debug: debugging(), Messages: o.errOut,
		Options: restore.Options{Choices: o.Choices, MaxMemory: o.MaxMemory, Stdin: o.in, Stdout: o.out},
	}
	return run.Run(o.ctx, net)
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	if c, ok := w.(*checkedWriter); ok {
		w = c.w
	}
	return progress.IsTerminal(w)
}
