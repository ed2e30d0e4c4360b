package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"clusir/internal/kernels"
	"clusir/internal/process"
	"clusir/internal/suggest"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2 // a mistake in the command line

	// A command ended by a signal exits with 128 plus the signal's number, as in
	// shells.
	exitBrokenPipe = 128 + int(syscall.SIGPIPE)
)

// newRoot returns the command tree. It sets *started once a command runs: cobra's own
// errors, which come before, are mistakes in the command line, and so are [usage.Error].
func newRoot(started *bool) *cobra.Command {
	root := &cobra.Command{
		Use:           "clusir",
		Short:         "Restore photographs: noise, rain, haze, blur, low light",
		Version:       programVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(*cobra.Command, []string) {
			*started = true
		},
	}
	root.AddCommand(newBenchCmd(nil), newCompareCmd(nil), newDegradeCmd(nil), newEvalCmd(nil), newExportCmd(nil), newFigureCmd(nil), newManCmd(nil),
		newMergeCmd(nil), newModelsCmd(nil), newRestoreCmd(nil), newServeCmd(nil), newTableCmd(nil), newTrainCmd(nil), newVersionCmd(nil))
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return suggest.FlagError(cmd.Flags(), err) })
	usage.Complete(root, choices)
	usage.Decimal(root)
	return root
}

// run executes a command line and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int { return execute(newRoot, args, stdout, stderr) }

// execute runs the command tree that build returns.
func execute(build func(started *bool) *cobra.Command, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		p := recover()
		if err, ok := p.(error); ok && errors.Is(err, kernels.ErrMemory) {
			fmt.Fprintf(stderr, "clusir: there is not enough memory: %v: close other programs, or choose a smaller model or input\n", err)
			code = exitError
		} else if p != nil {
			code = reportPanic(stderr, p)
		}
	}()
	ctx, stop := process.UntilSignalled(context.Background())
	defer stop()
	started := false
	root := build(&started)
	root.SetArgs(args)
	out := &process.Output{Writer: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	usage.StrictDefaults(root)
	cmd, rest, err := root.Find(args)
	if err == nil {
		err = usage.Detached(cmd.Flags(), rest)
	}
	if err == nil || cmd == root {
		cmd, err = root.ExecuteContextC(ctx)
	}
	if out.Lost(err) {
		err = out.Err
	}
	if err == nil {
		return exitOK
	}
	if out.Unread() {
		return exitBrokenPipe
	}
	if by := new(process.Signalled); errors.As(context.Cause(ctx), by) {
		if !errors.Is(err, context.Canceled) { // it failed while stopping
			fmt.Fprintf(stderr, "clusir: %s\n", userfile.Lines(err.Error()))
		}
		fmt.Fprintf(stderr, "clusir: %v\n", by)
		return by.Code()
	}
	fmt.Fprintf(stderr, "clusir: %s\n", userfile.Lines(err.Error()))
	if started && !errors.As(err, new(usage.Error)) || out.Err != nil {
		return exitError
	}
	fmt.Fprintf(stderr, "Run '%s --help' for what it takes.\n", cmd.CommandPath())
	return exitUsage
}

// debugging reports whether the user wants to see the stacks of bugs.
func debugging() bool { return os.Getenv("CLUSIR_DEBUG") != "" }

// reportPanic prints a bug without its stack, which CLUSIR_DEBUG shows.
func reportPanic(stderr io.Writer, p any) int {
	fmt.Fprintf(stderr, "clusir: internal error: %v\n", p)
	if debugging() {
		fmt.Fprintf(stderr, "%s", debug.Stack())
	} else {
		fmt.Fprintln(stderr, "This is a bug. Run again with CLUSIR_DEBUG=1 and report what it prints.")
	}
	return exitError
}
