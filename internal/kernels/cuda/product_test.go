//go:build cuda

package cuda

import (
	"fmt"
	"testing"
)

// Products of a batch compared with their sums in float64, in each form and at each
// precision, with more than one tile on each side and rows that start anywhere.
func TestProduct(t *testing.T) {
	for _, form := range []string{productNN, productNT, productTN} {
		for _, p := range precisions {
			for _, s := range []batched{{2, 2, 70, 132, 36}, {1, 3, 5, 9, 35}} {
				t.Run(fmt.Sprintf("%s/%s/%+v", form, p, s), func(t *testing.T) {
					b := open(t, Options{Precision: p, Debug: true})
					n := s.outer * s.inner
					x, y := normals(n*s.rows*s.terms), normals(n*s.terms*s.columns)
					c := b.Alloc(n, s.rows, s.columns)
					left, right := matrixOf(b, x, s, s.rows, s.terms, form == productTN), matrixOf(b, y, s, s.terms, s.columns, form == productNT)
					b.product(form, b.precise, s, matrix{from{c, 0}, s.columns, s.inner * s.rows * s.columns, s.rows * s.columns}, left, right, 1)
					got := downloaded(b, c)
					if err := b.Sync(); err != nil {
						t.Fatal(err)
					}
					p.near(t, s.terms, "C", got, productOf(s, rounded(x, p), rounded(y, p), form))
				})
			}
		}
	}
}

// matrixOf uploads matrices of rows and columns, transposed or not.
func matrixOf(b *Backend, v []float32, s batched, rows, columns int, transposed bool) matrix {
	ld := columns
	if transposed {
		ld = rows
	}
	return matrix{from{uploaded(b, v...), 0}, ld, s.inner * rows * columns, rows * columns}
}

func productOf(s batched, x, y []float64, form string) []float64 {
	c := make([]float64, s.outer*s.inner*s.rows*s.columns)
	for i := range c {
		n, m, z := i%s.columns, i/s.columns%s.rows, i/s.columns/s.rows
		for k := range s.terms {
			a, b := m*s.terms+k, k*s.columns+n
			if form == productTN {
				a = k*s.rows + m
			}
			if form == productNT {
				b = n*s.terms + k
			}
			c[i] += x[z*s.rows*s.terms+a] * y[z*s.terms*s.columns+b]
		}
	}
	return c
}

// A product of terms that cancel is nearly float32's at every precision, while TF32
// alone would be off by half a thousandth of the largest.
func TestNearly(t *testing.T) {
	for _, p := range precisions {
		t.Run(string(p), func(t *testing.T) {
			b := open(t, Options{Precision: p, Debug: true})
			s := batched{1, 1, 17, 20, 40}
			x, y := normals(s.rows*s.terms), normals(s.terms*s.columns)
			c := b.Alloc(s.rows, s.columns)
			b.product(productNN, b.nearly, s, matrix{from{c, 0}, s.columns, 0, 0},
				matrixOf(b, x, s, s.rows, s.terms, false), matrixOf(b, y, s, s.terms, s.columns, false), 1)
			got := downloaded(b, c)
			if err := b.Sync(); err != nil {
				t.Fatal(err)
			}
			p.near(t, 3*s.terms, "C", got, productOf(s, rounded(x, Float32), rounded(y, Float32), productNN))
		})
	}
}

// Dividing the terms of a product into parts does not change the result.
func TestParts(t *testing.T) {
	b := open(t, Options{Debug: true})
	s := batched{1, 2, 6, 7, 100}
	x, y := normals(2*s.rows*s.terms), normals(2*s.terms*s.columns)
	parts := s.cut()
	if parts < 2 {
		t.Fatalf("%d parts: the test needs more", parts)
	}
	c, sum := b.Alloc(parts, 2, s.rows, s.columns), b.Alloc(2, s.rows, s.columns)
	b.Fill(sum, 0)
	b.product(productNN, b.precise, s, matrix{from{c, 0}, s.columns, 0, s.rows * s.columns},
		matrixOf(b, x, s, s.rows, s.terms, false), matrixOf(b, y, s, s.terms, s.columns, false), parts)
	b.addParts(sum, c, 1, parts)
	got := downloaded(b, sum)
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
	near(t, "sum", got, productOf(s, rounded(x, Float32), rounded(y, Float32), productNN))
}
