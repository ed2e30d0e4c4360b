package restore

import (
	"strconv"

	"github.com/spf13/pflag"

	"clusir/internal/imageio"
)

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
			return 0, misuse("--format: %w", err)
		}
	}
	if c.Tile, err = parseTile(f.Lookup("tile").Value.String()); err != nil {
		return 0, err
	}
	switch {
	case !(c.Strength >= 0 && c.Strength <= 1): // false for NaN too
		return 0, misuse("--strength %g: choose from 0 to 1", c.Strength)
	case c.Encode.Quality < 1 || c.Encode.Quality > 100:
		return 0, misuse("--quality %d: choose from 1 to 100", c.Encode.Quality)
	case c.MaxPixels < 1:
		return 0, misuse("--max-pixels %d: give the number of pixels that a picture may have, such as 200000000", c.MaxPixels)
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
	if err != nil || n != TileWhole && (n < MinTile || n > 1<<20) {
		return 0, misuse("--tile %s: choose auto, 0, or at least %d pixels", text, MinTile)
	}
	return n, nil
}
