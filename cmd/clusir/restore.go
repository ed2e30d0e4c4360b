package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"clusir/internal/device"
	"clusir/internal/infer"
	"clusir/internal/model"
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
	report := &restoreReport{o: o, plan: plan, device: deviceName}
	if o.Results != "" {
		if report.results, err = restore.OpenResults(o.Results, plan.Header(o.Model, deviceName), o.SkipExisting); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, report.written, report.results.Close()) }()
	}
	if o.Explain {
		if report.responses, err = model.ReadResponses(net.Metadata, net.Model.Config); err != nil {
			return err
		}
	}
	return report.run(net)
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	if c, ok := w.(*checkedWriter); ok {
		w = c.w
	}
	return progress.IsTerminal(w)
}

// restoreReport reports the outcome of the pictures to the user.
type restoreReport struct {
	o         *restoreOptions
	plan      *restore.Plan
	device    string
	responses model.ClusterResponses
	bar       *progress.Bar
	results   *restore.ResultsFile // nil for none
	written   error                // the first that writing it met
	err       error                // of the last picture
}

func (r *restoreReport) run(net *infer.Network) error {
	o := r.o
	for _, j := range r.plan.Skipped {
		r.print(j.SkippedRecord(o.Model, r.device))
	}
	r.bar = progress.New(o.errOut, "")
	s, err := restore.Run(o.ctx, net, r.plan.Jobs, restore.Options{
		Choices: o.Choices, MaxMemory: o.MaxMemory, DeviceMemory: device.Memory(net.Tape().B), Stdin: o.in, Stdout: o.out,
		Progress: r.progress, Done: r.done,
	})
	r.bar.Clear()
	if err != nil {
		return err
	}
	if !r.plan.Several {
		return r.err
	}
	if !o.JSON {
		s.WriteText(o.out, r.plan)
	}
	return s.Err()
}

// print writes a picture's record to every requested output.
func (r *restoreReport) print(rec restore.Record) {
	if r.results != nil && r.written == nil {
		r.written = r.results.Add(rec)
	}
	if r.o.JSON {
		rec.WriteJSON(r.o.out)
	}
}

// done reports a picture.
func (r *restoreReport) done(res restore.Result) {
	r.bar.Clear()
	if bug := new(restore.Bug); errors.As(res.Err, &bug) && debugging() {
		fmt.Fprintf(r.o.errOut, "%s", bug.Stack)
	}
	for _, note := range res.Notes {
		fmt.Fprintf(r.o.errOut, "clusir: %s\n", userfile.OneLine(res.In+": "+note))
	}
	if r.err = userfile.InOneLine(res.Err); r.err != nil && r.plan.Several {
		fmt.Fprintf(r.o.errOut, "clusir: %v\n", r.err)
	}
	r.print(res.Record(r.o.Model, r.device))
	if r.o.Explain && res.Err == nil {
		res.Explain(r.o.out, r.responses)
	}
}

// progress shows the progress of the run: which picture is being computed, and the
// share of it that is done.
func (r *restoreReport) progress(index int, job restore.Job, done float64) {
	text := userfile.OneLine(filepath.Base(job.In))
	all := len(r.plan.Jobs)
	if all > 1 {
		text = fmt.Sprintf("%d of %d: %s", index+1, all, text)
	}
	r.bar.SetShare((float64(index)+done)/float64(all), text)
}
