package main

import (
	"os"
	"slices"

	"github.com/dustin/go-humanize"

	"clusir/internal/restore"
	"clusir/internal/shard"
)

// arguments separates the inputs from the output.
func (o *restoreOptions) arguments(args []string, into bool) error {
	if slices.Contains(args, "") {
		return usage("an argument is empty: name a picture, a folder, or - for standard input or output")
	}
	switch n := len(args); {
	case n == 0:
		return usage("name a picture or a folder to restore, and where to write the result")
	case into && o.Output == "":
		return usage("-o needs the name of a folder")
	case into && o.Output == restore.Std:
		return usage("-o takes a folder: for standard output write clusir restore IN -")
	case into:
		o.Inputs, o.Into = args, true
	case n == 1:
		o.Inputs = args
	case o.Suffix != "" && (n > 2 || n == 2 && isFile(args[1])):
		o.Inputs = args // a suffix is for names derived from the inputs'
	case n == 2:
		o.Inputs, o.Output = args[:1], args[1]
	default:
		return usage("with several inputs, name the folder for their results with -o DIR")
	}
	return nil
}

// isFile reports whether path is a file and not a folder.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// parseAmount parses a flag with an amount of bytes, 0 if not given.
func parseAmount(flag, amount string) (int64, error) {
	if amount == "" {
		return 0, nil
	}
	n, err := humanize.ParseBytes(amount)
	if err != nil || n == 0 || n > 1<<60 {
		return 0, usage("--%s %s: write an amount such as 500MB or 2GiB", flag, amount)
	}
	return int64(n), nil
}

// divide parses --shard.
func (o *restoreOptions) divide(text string) (err error) {
	if text != "" {
		if o.Shard, err = shard.Parse(text); err != nil {
			return usageError{err}
		}
	}
	if slices.Contains(o.Inputs, restore.Std) && (text != "" || o.Results != "") {
		return usage("--shard and --results are for files, and standard input (-) has no name: leave them out")
	}
	return nil
}
