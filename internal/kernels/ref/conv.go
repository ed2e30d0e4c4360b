package ref

import "clusir/internal/kernels"

// Conv1x1 computes y_bop = bias_o + Σ_c w_oc x_bcp, x the concatenation of xs.
func (*Backend) Conv1x1(y, w, bias kernels.Tensor, xs ...kernels.Tensor) {
	new(trail).layer1x1(w, none, bias, none, xs, make([]kernels.Tensor, len(xs))).store(y)
}

// Conv1x1Grad: dx_bcp += Σ_o w_oc dy_bop, dw_oc += Σ_bp dy_bop x_bcp,
// dbias_o += Σ_bp dy_bop.
func (*Backend) Conv1x1Grad(dxs []kernels.Tensor, dw, dbias, dy, w kernels.Tensor, xs ...kernels.Tensor) {
	var t trail
	y := t.layer1x1(w, dw, none, dbias, xs, dxs)
	t.backwards(y.vec(), values(dy, y.B, y.C, y.H, y.W))
}

func (t *trail) layer1x1(w, dw, bias, dbias kernels.Tensor, xs, dxs []kernels.Tensor) node {
	parts := make([]node, len(xs))
	for i, x := range xs {
		parts[i] = leafNode(x, dxs[i])
	}
	x, o := t.concat(parts...), w.Shape[0]
	y := t.conv1x1(x, leaf(w, dw, o, x.C), o)
	t.addBias(y, vec{orZeros(bias, o), orZeros(dbias, o)})
	return y
}

// Conv3x3 computes y_boij = Σ_c Σ_uv w_ocuv x_bc,i+u−1,j+v−1, zero outside x,
// then rearranges it to y's shape.
func (*Backend) Conv3x3(y, x, w kernels.Tensor) {
	r, out := new(trail).conv3x3(leafNode(x, none), w, none), gridOf(y)
	forShuffle(r.grid, out, func(plain, shuffled int) { out.v[shuffled] = r.v[plain] })
}

// Conv3x3Grad: dx is the correlation of dy with w turned by 180°, dw the
// correlation of x with dy.
func (*Backend) Conv3x3Grad(dx, dw, dy, x, w kernels.Tensor) {
	var t trail
	r, g := t.conv3x3(leafNode(x, dx), w, dw), gridOf(dy)
	plain := r.like()
	forShuffle(plain, g, func(p, s int) { plain.v[p] = g.v[s] })
	t.backwards(r.vec(), plain.v)
}

// forShuffle calls do with the index of every element of a [B,O,H,W] and its index in
// the rearranged s: the same for [B,O,H,W], that of the pixel-unshuffle for
// [B,4O,H/2,W/2], that of the pixel-shuffle for [B,O/4,2H,2W].
func forShuffle(a, s grid, do func(plain, shuffled int)) {
	if len(a.v) != len(s.v) {
		panic("ref: Conv3x3: y fits neither the plain shape nor a shuffle")
	}
	a.forElements(func(p, b, c, y, x int) {
		switch {
		case s.H == a.H:
			do(p, p)
		case 2*s.H == a.H:
			do(p, s.at(b, 4*c+2*(y%2)+x%2, y/2, x/2))
		default:
			do(p, s.at(b, c/4, 2*y+c%4/2, 2*x+c%2))
		}
	})
}

// conv1x1 returns w·x over channels, w [o,C].
func (t *trail) conv1x1(x node, w vec, o int) node {
	y := nodeOf(newGrid(x.B, o, x.H, x.W))
	t.sum(func(term func(y, a, x vec)) {
		for b, o := range y.planes() {
			for c := range x.C {
				term(y.plane(b, o), w.slice(o*x.C+c, 1), x.plane(b, c))
			}
		}
	})
	return y
}

// addBias adds bias_c to every pixel of channel c.
func (t *trail) addBias(y node, bias vec) {
	t.sum(func(term func(y, a, x vec)) {
		for b, c := range y.planes() {
			term(y.plane(b, c), bias.slice(c, 1), ones(y.H*y.W))
		}
	})
}

// conv3x3 returns the zero-padded correlation of x with w [O,C,3,3].
func (t *trail) conv3x3(x node, w, dw kernels.Tensor) node {
	y := nodeOf(newGrid(x.B, w.Shape[0], x.H, x.W))
	taps := leaf(w, dw, y.C, x.C, 3, 3)
	t.sum(func(term func(y, a, x vec)) {
		for b, o := range y.planes() {
			for c := range x.C {
				correlate3x3(y.plane(b, o), x.plane(b, c), taps.slice((o*x.C+c)*9, 9), x.W, term)
			}
		}
	})
	return y
}

// depthwise3x3 correlates each channel of x with its own w [C,3,3].
func (t *trail) depthwise3x3(x node, w vec) node {
	y := nodeOf(x.like())
	t.sum(func(term func(y, a, x vec)) {
		for b, c := range x.planes() {
			correlate3x3(y.plane(b, c), x.plane(b, c), w.slice(c*9, 9), x.W, term)
		}
	})
	return y
}

// correlate3x3 yields the terms of the zero-padded correlation y of the plane x, W
// pixels wide, with the nine taps w: a row of y sees one of x through each tap.
func correlate3x3(y, x, w vec, W int, term func(y, a, x vec)) {
	H := len(x.v) / W
	for tap := range 9 {
		dy, dx := tap/3-1, tap%3-1
		for i := max(0, -dy); i < min(H, H-dy); i++ {
			first, end := max(0, -dx), min(W, W-dx)
			term(y.slice(i*W+first, end-first), w.slice(tap, 1), x.slice((i+dy)*W+first+dx, end-first))
		}
	}
}
