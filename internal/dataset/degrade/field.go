package degrade

import "math/rand/v2"

// field is a smooth random function on the unit square with values in 0..1: value
// noise, that is random values on an n×n grid, interpolated with the C² fade of Perlin
// (Improving noise, 2002). It belongs to a photograph, not to a crop: all crops see
// parts of the same field.
type field struct {
	n    int
	grid []float64
}

// newField draws a field with n grid points per side, n ≥ 2.
func newField(rng *rand.Rand, n int) field {
	f := field{n, make([]float64, n*n)}
	for i := range f.grid {
		f.grid[i] = rng.Float64()
	}
	return f
}

// at returns the value at (u, v); outside the square, that at the border.
func (f field) at(u, v float64) float64 {
	x, fx := f.cell(u)
	y, fy := f.cell(v)
	g := f.grid[y*f.n+x:]
	top := g[0] + (g[1]-g[0])*fx
	bottom := g[f.n] + (g[f.n+1]-g[f.n])*fx
	return top + (bottom-top)*fy
}

func (f field) cell(u float64) (int, float64) {
	s := min(max(u, 0), 1) * float64(f.n-1)
	i := min(int(s), f.n-2)
	t := s - float64(i)
	return i, t * t * t * (t*(6*t-15) + 10)
}

// fill evaluates the field over the image's part of its photograph.
func (f field) fill(m *Image) []float32 {
	out := make([]float32, m.W*m.H)
	for y := range m.H {
		for x := range m.W {
			u, v := m.place(x, y)
			out[y*m.W+x] = float32(f.at(u, v))
		}
	}
	return out
}

// place returns a pixel's position in its photograph, each coordinate in 0..1.
func (m *Image) place(x, y int) (u, v float64) {
	return (float64(m.X+x) + .5) / float64(m.FullW), (float64(m.Y+y) + .5) / float64(m.FullH)
}
