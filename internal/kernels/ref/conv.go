package ref

import "clusir/internal/kernels"

// Conv1x1 computes y_bop = bias_o + Σ_c w_oc x_bcp, x the concatenation of xs.
func (*Backend) Conv1x1(y, w, bias kernels.Tensor, xs ...kernels.Tensor) {
	x := concatTensors(xs)
	r := conv1x1(x, values(w, y.Shape[1], x.C), y.Shape[1])
	addBias(r, orZeros(bias, r.C))
	copy(values(y, r.B, r.C, r.H, r.W), r.v)
}

// Conv1x1Grad: dx_bcp += Σ_o w_oc dy_bop, dw_oc += Σ_bp dy_bop x_bcp,
// dbias_o += Σ_bp dy_bop.
func (*Backend) Conv1x1Grad(dxs []kernels.Tensor, dw, dbias, dy, w kernels.Tensor, xs ...kernels.Tensor) {
	x, g := concatTensors(xs), gridOf(dy)
	dx := x.like()
	conv1x1Grad(dx, orZeros(dw, g.C, x.C), g, x, values(w, g.C, x.C))
	addBiasGrad(orZeros(dbias, g.C), g)
	c := 0
	for i, t := range xs {
		part := dx.channels(c, c+t.Shape[1])
		accumulate(orZeros(dxs[i], t.Shape...), part.v)
		c += t.Shape[1]
	}
}

// Conv3x3 computes y_boij = Σ_c Σ_uv w_ocuv x_bc,i+u−1,j+v−1, zero outside x,
// then rearranges it to y's shape.
func (*Backend) Conv3x3(y, x, w kernels.Tensor) {
	in, out := gridOf(x), gridOf(y)
	r := conv3x3(in, values(w, w.Shape[0], in.C, 3, 3), w.Shape[0])
	forShuffle(r, out, func(plain, shuffled int) { out.v[shuffled] = r.v[plain] })
}

// Conv3x3Grad: dx is the correlation of dy with w turned by 180°, dw the
// correlation of x with dy.
func (*Backend) Conv3x3Grad(dx, dw, dy, x, w kernels.Tensor) {
	in, g := gridOf(x), gridOf(dy)
	plain := newGrid(in.B, w.Shape[0], in.H, in.W)
	forShuffle(plain, g, func(p, s int) { plain.v[p] = g.v[s] })
	conv3x3Grad(gradOf(dx, in), orZeros(dw, w.Shape[0], in.C, 3, 3), plain, in, values(w))
}

func concatTensors(xs []kernels.Tensor) grid {
	gs := make([]grid, len(xs))
	for i, x := range xs {
		gs[i] = gridOf(x)
	}
	return concat(gs...)
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
func conv1x1(x grid, w []float64, o int) grid {
	y := newGrid(x.B, o, x.H, x.W)
	for b, o := range y.planes() {
		for c := range x.C {
			addScaled(y.plane(b, o), w[o*x.C+c], x.plane(b, c))
		}
	}
	return y
}

// conv1x1Grad adds to dx and dw.
func conv1x1Grad(dx grid, dw []float64, dy, x grid, w []float64) {
	for b, o := range dy.planes() {
		g := dy.plane(b, o)
		for c := range x.C {
			dw[o*x.C+c] += dot(g, x.plane(b, c))
			addScaled(dx.plane(b, c), w[o*x.C+c], g)
		}
	}
}

func addBias(y grid, bias []float64) {
	for b, c := range y.planes() {
		p := y.plane(b, c)
		for i := range p {
			p[i] += bias[c]
		}
	}
}

func addBiasGrad(dbias []float64, dy grid) {
	for b, c := range dy.planes() {
		for _, v := range dy.plane(b, c) {
			dbias[c] += v
		}
	}
}

// conv3x3 returns the zero-padded correlation of x with w [o,C,3,3].
func conv3x3(x grid, w []float64, o int) grid {
	y := newGrid(x.B, o, x.H, x.W)
	for b, o := range y.planes() {
		for c := range x.C {
			correlate3x3(y.plane(b, o), x.plane(b, c), w[(o*x.C+c)*9:][:9], x.H, x.W)
		}
	}
	return y
}

// conv3x3Grad adds to dx and dw.
func conv3x3Grad(dx grid, dw []float64, dy, x grid, w []float64) {
	for b, o := range dy.planes() {
		for c := range x.C {
			i := (o*x.C + c) * 9
			correlate3x3Grad(dx.plane(b, c), dw[i:][:9], dy.plane(b, o), x.plane(b, c), w[i:][:9], x.H, x.W)
		}
	}
}

// depthwise3x3 correlates each channel of x with its own w [C,3,3].
func depthwise3x3(x grid, w []float64) grid {
	y := x.like()
	for b, c := range x.planes() {
		correlate3x3(y.plane(b, c), x.plane(b, c), w[c*9:][:9], x.H, x.W)
	}
	return y
}

// depthwise3x3Grad adds to dx and dw.
func depthwise3x3Grad(dx grid, dw []float64, dy, x grid, w []float64) {
	for b, c := range x.planes() {
		correlate3x3Grad(dx.plane(b, c), dw[c*9:][:9], dy.plane(b, c), x.plane(b, c), w[c*9:][:9], x.H, x.W)
	}
}

// correlate3x3 adds to the plane y the zero-padded correlation of x with the nine taps w.
func correlate3x3(y, x, w []float64, H, W int) {
	forTaps(H, W, func(tap, p, q, n int) {
		for i := range n {
			y[p+i] += w[tap] * x[q+i]
		}
	})
}

// correlate3x3Grad adds to dx and dw.
func correlate3x3Grad(dx, dw, dy, x, w []float64, H, W int) {
	forTaps(H, W, func(tap, p, q, n int) {
		for i := range n {
			dx[q+i] += w[tap] * dy[p+i]
			dw[tap] += x[q+i] * dy[p+i]
		}
	})
}

// forTaps calls do for every tap and row of a 3×3 window that lie within the plane: n
// pixels from p see the n pixels from q through that tap.
func forTaps(H, W int, do func(tap, p, q, n int)) {
	for tap := range 9 {
		dy, dx := tap/3-1, tap%3-1
		for y := max(0, -dy); y < min(H, H-dy); y++ {
			first, end := max(0, -dx), min(W, W-dx)
			do(tap, y*W+first, (y+dy)*W+first+dx, end-first)
		}
	}
}
