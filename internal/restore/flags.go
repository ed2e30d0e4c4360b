package restore

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"clusir/internal/imageio"
	"clusir/internal/usage"
)

// AddFlags defines the flags for what is restored and where the results go. ReadFlags
// completes them.
func (r *Request) AddFlags(f *pflag.FlagSet) {
	f.StringVarP(&r.Output, "output", "o", "", "put the results into the folder `DIR`")
	f.BoolVar(&r.Overwrite, "overwrite", false, "replace results that exist")
	f.BoolVar(&r.SkipExisting, "skip-existing", false, "leave out pictures whose results exist")
	f.StringVar(&r.Suffix, "suffix", "", "add `TEXT` to the results' names; without OUT and -o they are put next to the inputs")
	f.StringVar(&r.Compare, "compare", "", "write before and after side by side to `FILE` (for several pictures, into that folder)")
	f.BoolVar(&r.Explain, "explain", false, "print how the network routed each picture, and draw an affinity map next to its result")
	f.TextVar(&r.Shard, "shard", r.Shard, "restore the `K/N`-th part of the pictures, such as 3/16")
	f.StringVar(&r.Results, "results", "", "write the outcome of each picture to `FILE`, one line of JSON each, for clusir merge")
	f.BoolVar(&r.JSON, "json", false, "print a line of JSON for each picture")
}

// ReadFlags parses the flags that are not plain values, and the arguments: the inputs,
// and the output unless a flag names it. Format must be set.
func (r *Request) ReadFlags(f *pflag.FlagSet, args []string) error {
	if err := r.readArguments(args, f.Changed("output")); err != nil {
		return err
	}
	switch {
	case len(r.Inputs) == 1 && r.Output == "" && r.Suffix == "" && r.Format == 0:
		return usage.Errorf("name where to write the result: clusir restore %s OUT, or a --suffix for a result next to the input", r.Inputs[0])
	case r.Overwrite && r.SkipExisting:
		return usage.Errorf("--overwrite and --skip-existing cannot be used together: leave one out")
	case strings.ContainsAny(r.Suffix, `/\`):
		return usage.Errorf("--suffix %s: a name cannot hold %q: leave it out, or name a folder with -o", r.Suffix, `/\`)
	case slices.Contains(r.Inputs, Std) && (r.Shard.N > 0 || r.Results != ""):
		return usage.Errorf("--shard and --results are for files, and standard input (-) has no name: leave them out")
	case r.Shard.N > 0 && r.Output == Std:
		return usage.Errorf("--shard is for results in files, and - is standard output: leave one out")
	case r.JSON && (r.Output == Std || r.Explain):
		return usage.Errorf("--json prints to standard output, as --explain and the output - do: leave one out")
	}
	return nil
}

func (r *Request) readArguments(args []string, into bool) error {
	for _, path := range slices.Concat(args, []string{r.Output, r.Compare}) {
		if address.MatchString(path) {
			return usage.Errorf("%s is an address, and only files are read and written: write curl -s ADDRESS | clusir restore - OUT, or copy the result there", path)
		}
	}
	switch n := len(args); {
	case n == 0:
		return usage.Errorf("name a picture or a folder to restore, and where to write the result")
	case into && r.Output == "":
		return usage.Errorf("-o needs the name of a folder")
	case into:
		r.Inputs, r.Into = args, true
	case n == 1:
		r.Inputs = args
	case r.Suffix != "" && (n > 2 || n == 2 && isFile(args[1])):
		r.Inputs = args // a suffix is for names derived from the inputs'
	case n == 2:
		r.Inputs, r.Output = args[:1], args[1]
	default:
		return usage.Errorf("with several inputs, name the folder for their results with -o DIR")
	}
	return nil
}

// address matches what is no file but on another machine, such as https://example.org/a.png.
var address = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+://`)

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// AddFlags defines the flags for how a picture is restored, on a command line or in the
// query of a request. ReadFlags completes them.
func (c *Choices) AddFlags(f *pflag.FlagSet) {
	f.String("format", "", "write "+imageio.Names()+" (default the format of the name, or of the input)")
	f.IntVar(&c.Encode.Quality, "quality", 95, "quality of JPEG results, 1 to 100")
	f.String("tile", "auto", "side of the tiles that a picture is cut into: `N` pixels, 0 for none, or auto, the largest that fit into memory")
	f.Int64Var(&c.MaxPixels, "max-pixels", imageio.DefaultMaxPixels, "refuse pictures with more pixels")
	f.Float32Var(&c.Strength, "strength", 1, "mix the result with the input: 0 is the input, 1 the result")
}

// ReadFlags parses the flags that are not plain values, and checks all of them. The
// format is 0 if it is not given.
func (c *Choices) ReadFlags(f *pflag.FlagSet) (format imageio.Format, err error) {
	if name := f.Lookup("format").Value.String(); name != "" {
		if format, err = imageio.ParseFormat(name); err != nil {
			return 0, usage.Errorf("--format: %w", err)
		}
	}
	if c.Tile, err = parseTile(f.Lookup("tile").Value.String()); err != nil {
		return 0, err
	}
	switch {
	case !(c.Strength >= 0 && c.Strength <= 1): // false for NaN too
		return 0, usage.Errorf("--strength %g: choose from 0 to 1", c.Strength)
	case c.Encode.Quality < 1 || c.Encode.Quality > 100:
		return 0, usage.Errorf("--quality %d: choose from 1 to 100", c.Encode.Quality)
	case c.MaxPixels < 1:
		return 0, usage.Errorf("--max-pixels %d: give the number of pixels that a picture may have, such as 200000000", c.MaxPixels)
	}
	return format, nil
}

// parseTile parses --tile. Tiles smaller than the network's training patches would show
// it too little of the picture.
func parseTile(text string) (int, error) {
	if text == "auto" {
		return TileAuto, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n != TileWhole && (n < minTile || n > 1<<20) {
		return 0, usage.Errorf("--tile %s: choose auto, 0, or at least %d pixels", text, minTile)
	}
	return n, nil
}
