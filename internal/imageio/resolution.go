package imageio

// ratio is a fraction as TIFF stores it.
type ratio struct{ num, den uint32 }

// whole is the ratio if it is a whole number, else 0.
func (r ratio) whole() uint32 {
	if r.den == 0 || r.num%r.den != 0 {
		return 0
	}
	return r.num / r.den
}
