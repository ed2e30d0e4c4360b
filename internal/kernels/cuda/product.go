//go:build cuda

package cuda

// matrix is an operand of a product: rows of contiguous numbers, ld apart, in a tensor,
// and the distances between the matrices of the outer and the inner batch.
type matrix struct {
	from
	ld           int
	outer, inner int
}

// batched are outer·inner products C = A·B, C [rows,columns], over terms.
type batched struct {
	outer, inner         int
	rows, columns, terms int
}

// The forms of a product; t: the operand is stored as its transpose.
const (
	productNN = "product_nn"
	productNT = "product_nt"
	productTN = "product_tn"
)

var sharedOf = map[string]int{productNN: sharedFwd, productNT: sharedNT, productTN: sharedDx}

// cut returns the number of parts into which the terms are divided, to keep a GPU busy.
func (p batched) cut() int {
	steps := ceil(p.terms, tileK)
	return ceil(steps, ceil(steps, ceil(dwBlocks, p.tiles()*p.outer*p.inner)))
}

func (p batched) tiles() int { return ceil(p.rows, tileM) * ceil(p.columns, tileN) }

// product launches products of a form with its kernel at a precision (Backend.precise,
// Backend.nearly). Each of the parts into which the terms are divided has a complete c,
// one after the other.
func (b *Backend) product(form string, precision func(string) string, p batched, c, x, y matrix, parts int) {
	steps := ceil(ceil(p.terms, tileK), parts)
	size := p.outer * p.inner * p.rows * p.columns
	g := grid{x: p.tiles(), y: p.outer * p.inner, z: parts, shared: sharedOf[form]}
	b.launch(precision(form), g, c.from, x.from, y.from, p.rows, p.columns, p.terms, c.ld, x.ld, y.ld,
		int64(c.outer), int64(x.outer), int64(y.outer), int64(c.inner), int64(x.inner), int64(y.inner),
		p.inner, steps, int64(size))
}

// nearly returns the variant of a kernel that is as exact as float32, or nearly so, on
// the units that this backend's precision uses: for differences of products that
// cancel.
func (b *Backend) nearly(name string) string {
	if b.precision == Float32 {
		return name + "_float32"
	}
	return name + "_tf32x3"
}
