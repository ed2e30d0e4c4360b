package infer

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"clusir/internal/model"
	"clusir/internal/planar"
)

// Ensemble is the number of flips and turns of an image that its result is the mean of; 0
// means the image alone. It is the value of a flag.
type Ensemble int

// The ensembles.
const (
	Flips Ensemble = 4            // the image, mirrored along either side, and along both
	Turns Ensemble = planar.Turns // those, and each by a quarter turn
)

// AddFlag defines the flag for an ensemble, which is turns if it has no value.
func (e *Ensemble) AddFlag(f *pflag.FlagSet) {
	f.Var(e, "ensemble", "average the results of each picture's eight flips and quarter turns, or of its four flips, in as many times the time: better for noise; for rain only flips are")
	f.Lookup("ensemble").NoOptDefVal = Turns.String()
}

// Set parses the name of an ensemble. The names "true" and "false" are those of a flag, and
// of results, from when there was one ensemble.
func (e *Ensemble) Set(name string) error {
	switch name {
	case "turns", "true":
		*e = Turns
	case "flips":
		*e = Flips
	case "false":
		*e = 0
	default:
		return errors.New("choose flips or turns")
	}
	return nil
}

// String returns the name of an ensemble, "" for none.
func (e Ensemble) String() string {
	return map[Ensemble]string{Flips: "flips", Turns: "turns"}[e]
}

// Type names the values for help.
func (e Ensemble) Type() string { return "flips|turns" }

// MarshalText returns the name.
func (e Ensemble) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalJSON reads a name.
func (e *Ensemble) UnmarshalJSON(text []byte) error { return e.Set(strings.Trim(string(text), `"`)) }

// turnedWindow returns where a part of a picture, of h×w pixels, lies in the turned picture.
func turnedWindow(part model.Window, t planar.Turn, h, w int) model.Window {
	if part == (model.Window{}) {
		return part
	}
	if t&planar.FlipX != 0 {
		part.X = part.W - part.X - w
	}
	if t&planar.FlipY != 0 {
		part.Y = part.H - part.Y - h
	}
	if t&planar.Transpose != 0 {
		part.X, part.Y, part.W, part.H = part.Y, part.X, part.H, part.W
	}
	return part
}

// ensemble returns the mean of the results for the turns of src, turned back. The
// routes and what o.Probe receives are those of the unturned image, which comes last.
func (n *Network) ensemble(mean, src planar.Image, o Options) (routes []*model.Route) {
	clear(mean.Pix)
	turned := planar.New(src.C, src.H, src.W)
	for i := n.Ensemble - 1; i >= 0; i-- {
		t := planar.Turn(i)
		turned.W, turned.H = t.Size(src.W, src.H)
		for to, from := range t.Pixels(turned.W, turned.H) {
			for c := range src.C {
				turned.Plane(c)[to] = src.Plane(c)[from]
			}
		}
		routes = n.pass(turned, turned, o.turned(t, src.H, src.W))
		for from, to := range t.Pixels(turned.W, turned.H) {
			for c := range src.C {
				mean.Plane(c)[to] += turned.Plane(c)[from] / float32(n.Ensemble)
			}
		}
	}
	return routes
}
