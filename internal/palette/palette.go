// Package palette has the colours of everything that clusir draws. The colour-blind can
// distinguish them too.
package palette

import "image/color"

// Colour is a colour with a name for texts.
type Colour struct {
	Name string
	RGB  color.RGBA
}

// The colours of Okabe and Ito (Color universal design, 2008), and a grey.
var (
	Black     = Colour{"black", color.RGBA{0, 0, 0, 255}}
	Orange    = Colour{"orange", color.RGBA{230, 159, 0, 255}}
	SkyBlue   = Colour{"sky blue", color.RGBA{86, 180, 233, 255}}
	Green     = Colour{"green", color.RGBA{0, 158, 115, 255}}
	Yellow    = Colour{"yellow", color.RGBA{240, 228, 66, 255}}
	Blue      = Colour{"blue", color.RGBA{0, 114, 178, 255}}
	Vermilion = Colour{"vermilion", color.RGBA{213, 94, 0, 255}}
	Purple    = Colour{"purple", color.RGBA{204, 121, 167, 255}}
	Grey      = Colour{"grey", color.RGBA{153, 153, 153, 255}}
)

var clusters = []Colour{Orange, SkyBlue, Green, Yellow, Blue, Vermilion, Purple, Grey}

// Cluster returns the colour of cluster c of a stage. Colours repeat if there are more
// clusters.
func Cluster(c int) Colour { return clusters[c%len(clusters)] }

// Series are colours for points and lines on white, in order of use.
var Series = []Colour{Blue, Vermilion, Green, Purple, Orange, SkyBlue, Black, Grey}
