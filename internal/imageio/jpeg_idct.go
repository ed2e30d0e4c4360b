package imageio

// inverseDCT converts a block's coefficients, in natural order, to 8×8 samples. It is
// jidctint.c's "slow" integer transform after Loeffler, Ligtenberg and Moschytz,
// libjpeg's default, bit for bit.
func inverseDCT(dst []uint8, stride int, coef *[64]int16, quant *[64]uint16) {
	var work [64]int
	for i := range 8 {
		var in [8]int
		for k := range in {
			in[k] = int(coef[8*k+i]) * int(quant[8*k+i])
		}
		const fraction = 2 // bits that the first pass keeps
		out := idct8(&in)
		for k, v := range out {
			work[8*k+i] = (v + 1<<(idctBits-fraction-1)) >> (idctBits - fraction)
		}
	}
	const all = idctBits + 2 + 3 // and the factor of 8 of two dimensions
	for y := range 8 {
		out := idct8((*[8]int)(work[8*y:]))
		row := dst[y*stride:][:8]
		for x, v := range out {
			row[x] = clamp8((v+1<<(all-1))>>all + 128)
		}
	}
}

const idctBits = 13 // of the constants' fractions

// idct8 is one dimension of the transform, times √8 and 2^idctBits.
func idct8(in *[8]int) [8]int {
	const (
		f0298 = 2446  // sqrt(2)·(−c1+c3+c5−c7)
		f0390 = 3196  // sqrt(2)·(c5−c3), negated
		f0541 = 4433  // sqrt(2)·c6
		f0765 = 6270  // sqrt(2)·(c2−c6)
		f0899 = 7373  // sqrt(2)·(c7−c3), negated
		f1175 = 9633  // sqrt(2)·c3
		f1501 = 12299 // sqrt(2)·(c1+c3−c5−c7)
		f1847 = 15137 // sqrt(2)·(−c2−c6), negated
		f1961 = 16069 // sqrt(2)·(−c3−c5), negated
		f2053 = 16819 // sqrt(2)·(c1+c3−c5+c7)
		f2562 = 20995 // sqrt(2)·(−c1−c3), negated
		f3072 = 25172 // sqrt(2)·(c1+c3+c5−c7)
	)
	even := (in[2] + in[6]) * f0541
	e2, e3 := even-in[6]*f1847, even+in[2]*f0765
	e0, e1 := (in[0]+in[4])<<idctBits, (in[0]-in[4])<<idctBits
	e0, e1, e2, e3 = e0+e3, e1+e2, e1-e2, e0-e3

	o0, o1, o2, o3 := in[7], in[5], in[3], in[1]
	z1, z2, z3, z4 := o0+o3, o1+o2, o0+o2, o1+o3
	z5 := (z3 + z4) * f1175
	z1, z2, z3, z4 = -z1*f0899, -z2*f2562, z5-z3*f1961, z5-z4*f0390
	o0 = o0*f0298 + z1 + z3
	o1 = o1*f2053 + z2 + z4
	o2 = o2*f3072 + z2 + z3
	o3 = o3*f1501 + z1 + z4
	return [8]int{e0 + o3, e1 + o2, e2 + o1, e3 + o0, e3 - o0, e2 - o1, e1 - o2, e0 - o3}
}
