package imageio

import "math"

// Resolution is the number of pixels per unit of length, along x and y, exactly as a
// file states it. The zero value means unknown.
type Resolution struct {
	X, Y Ratio
	Unit Unit
}

// Ratio is a fraction as TIFF stores it.
type Ratio struct{ Num, Den uint32 }

// Unit is the unit of length of a resolution, by TIFF's numbers.
type Unit uint8

// The units. Without one, a resolution gives the shape of pixels, and programs such as
// ImageJ mean a length that they name elsewhere.
const (
	NoUnit Unit = iota + 1
	Inch
	Centimetre
)

// whole returns the ratio if it is an integer, else 0.
func (r Ratio) whole() uint32 {
	if r.Den == 0 || r.Num%r.Den != 0 {
		return 0
	}
	return r.Num / r.Den
}

func (r Ratio) float() float64 { return float64(r.Num) / float64(r.Den) }

// equals compares values, not representations.
func (r Ratio) equals(s Ratio) bool {
	return uint64(r.Num)*uint64(s.Den) == uint64(s.Num)*uint64(r.Den)
}

// equals compares values, not representations.
func (r Resolution) equals(s Resolution) bool {
	return r.Unit == s.Unit && r.X.equals(s.X) && r.Y.equals(s.Y)
}

// newResolution returns a resolution if it is meaningful: neither axis is 0, and
// without a unit pixels are not merely square.
func newResolution(x, y Ratio, unit Unit) Resolution {
	one := Ratio{1, 1}
	if x.Num == 0 || x.Den == 0 || y.Num == 0 || y.Den == 0 || unit == NoUnit && x.equals(one) && y.equals(one) {
		return Resolution{}
	}
	return Resolution{x, y, unit}
}

// inch is the length of an inch in metres.
const inch = 0.0254

// fromMetre returns a resolution given in whole pixels per metre: in inches if it is as
// close to an integer per inch as whole pixels per metre allow.
func fromMetre(x, y uint32) Resolution {
	dpi := func(n uint32) uint32 { return uint32(math.Round(float64(n) * inch)) }
	back := func(n uint32) uint32 { return uint32(math.Round(float64(n) / inch)) }
	if back(dpi(x)) == x && back(dpi(y)) == y {
		return newResolution(Ratio{dpi(x), 1}, Ratio{dpi(y), 1}, Inch)
	}
	return newResolution(Ratio{x, 100}, Ratio{y, 100}, Centimetre)
}

// fromShape returns the shape of pixels, as formats without a unit state it.
func fromShape(x, y uint32) Resolution {
	if x == 0 || y == 0 {
		return Resolution{}
	}
	x, y = Resolution{Ratio{x, 1}, Ratio{y, 1}, NoUnit}.shape(math.MaxUint32)
	return newResolution(Ratio{x, 1}, Ratio{y, 1}, NoUnit)
}

func (r Resolution) known() bool { return r.Unit != 0 }

// measured reports whether the resolution has a unit of length.
func (r Resolution) measured() bool { return r.Unit > NoUnit }

// or returns r, the container's resolution, unless exif is more specific.
func (r Resolution) or(exif Resolution) Resolution {
	a, b := r.shape(math.MaxUint32)
	c, d := exif.shape(math.MaxUint32)
	if !r.known() || exif.known() && !r.measured() && a == c && b == d {
		return exif
	}
	return r
}

// turned returns the resolution of the picture turned upright.
func (r Resolution) turned(o orientation) Resolution {
	if o.swaps() {
		r.X, r.Y = r.Y, r.X
	}
	return r
}

// whole returns the resolution in whole pixels per so many metres; ok if it has a unit,
// is an integer but for a relative error of near, and that is at most limit.
func (r Resolution) whole(metres, near float64, limit uint32) (x, y uint32, ok bool) {
	if !r.measured() {
		return 0, 0, false
	}
	scale := metres / map[Unit]float64{Inch: inch, Centimetre: 0.01}[r.Unit]
	round := func(v float64) uint32 {
		n := math.Round(v)
		ok = ok && n >= 1 && n <= float64(limit) && math.Abs(n-v) <= near*v
		return uint32(min(max(n, 0), math.MaxUint32))
	}
	ok = true
	x, y = round(r.X.float()*scale), round(r.Y.float()*scale)
	return x, y, ok
}

// shape returns the ratio of the resolutions along x and y in lowest terms, or
// approximated by numbers up to limit; 1 and 1 if unknown.
func (r Resolution) shape(limit uint32) (x, y uint32) {
	if !r.known() {
		return 1, 1
	}
	a, b := uint64(r.X.Num)*uint64(r.Y.Den), uint64(r.Y.Num)*uint64(r.X.Den)
	gcd, rest := a, b
	for rest != 0 {
		gcd, rest = rest, gcd%rest
	}
	a, b = a/gcd, b/gcd
	for max(a, b) > uint64(limit) {
		a, b = max(a/2, 1), max(b/2, 1)
	}
	return uint32(a), uint32(b)
}

// keepResolution ensures that a file of format f can hold the resolution: in a field of
// the format, or else in EXIF. Otherwise it drops the resolution and returns false.
func (m *Metadata) keepResolution(f Format) (kept bool) {
	r := m.Resolution
	if !r.known() || f == TIFF || r.inField(f) {
		return true
	}
	if f != BMP {
		m.EXIF, kept = withResolution(m.EXIF, r)
	}
	if !kept {
		m.Resolution = Resolution{}
	}
	return kept
}

// inField reports whether a format's own field can hold the resolution, or everything
// it says.
func (r Resolution) inField(f Format) bool {
	switch f {
	case PNG, BMP:
		_, _, ok := r.whole(1, perMetre, math.MaxInt32)
		return ok || f == PNG && r.onlyShape()
	case JPEG:
		_, _, _, ok := r.jfif()
		return ok || r.onlyShape()
	}
	return false
}

// onlyShape reports whether the resolution says no more than shape returns.
func (r Resolution) onlyShape() bool {
	x, y := r.shape(math.MaxUint16)
	return r.Unit == NoUnit && r.X.equals(Ratio{x, 1}) && r.Y.equals(Ratio{y, 1})
}

// Relative errors of a resolution. Pixels per metre are integers, but many resolutions
// in inches are not integers in them.
const (
	perMetre = 1e-3
	exactly  = 1e-5
)

// jfif returns the resolution for JFIF, whose units are 1 for inches and 2 for
// centimetres, preferring the unit in which the resolution is stated.
func (r Resolution) jfif() (unit byte, x, y uint16, ok bool) {
	units := []struct {
		code   byte
		metres float64
	}{{1, inch}, {2, 0.01}}
	if r.Unit == Centimetre {
		units[0], units[1] = units[1], units[0]
	}
	for _, u := range units {
		if x, y, ok := r.whole(u.metres, exactly, math.MaxUint16); ok {
			return u.code, uint16(x), uint16(y), true
		}
	}
	a, b := r.shape(math.MaxUint16)
	return 0, uint16(a), uint16(b), false
}
