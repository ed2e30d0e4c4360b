package checkpoint

import (
	"encoding/binary"
	"math"
)

// DType is an element type of the safetensors format.
type DType string

// The types that weights may have; only F32 and F16 are written.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
)

// sizes holds the bytes per element of every type of whole bytes. Headers are checked
// for all of them, including types that cannot be loaded.
var sizes = map[DType]uint64{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
	"U16": 2, "I16": 2, F16: 2, BF16: 2,
	"U32": 4, "I32": 4, F32: 4,
	"U64": 8, "I64": 8, F64: 8, "C64": 8,
}

// decode converts little-endian elements of a type that weights may have to float32.
func decode(dst []float32, src []byte, t DType) {
	le := binary.LittleEndian
	switch t {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	case F16:
		for i := range dst {
			dst[i] = fromHalf(le.Uint16(src[2*i:]))
		}
	case BF16: // the upper half of a float32
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(src[2*i:])) << 16)
		}
	}
}

// encode converts float32 to little-endian F32 or F16 elements.
func encode(dst []byte, src []float32, t DType) {
	le := binary.LittleEndian
	if t == F16 {
		for i, x := range src {
			le.PutUint16(dst[2*i:], toHalf(x))
		}
		return
	}
	for i, x := range src {
		le.PutUint32(dst[4*i:], math.Float32bits(x))
	}
}

// A half has 1 sign bit, 5 exponent bits of bias 15 and 10 fraction bits.
const (
	halfInf  = 0x7c00
	halfMax  = 65504
	fraction = 13         // bits of a float32's fraction that a half lacks
	rebias   = 127 - 15   // difference of the exponents' biases
	tiny     = 0x1p-24    // the smallest half
	normal   = 0x38800000 // float32 bits of 2⁻¹⁴, the smallest normal half
)

// toHalf rounds to the nearest half, ties to even; values beyond the largest become
// infinite.
func toHalf(x float32) uint16 {
	b := math.Float32bits(x)
	sign, b := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case b > 0x7f800000: // NaN, made quiet, with the payload bits that fit
		return sign | halfInf | 0x200 | uint16(b>>fraction)&0x3ff
	case b >= 0x477ff000: // halfway from 65504 to 65536, and above
		return sign | halfInf
	case b < normal: // a multiple of 2⁻²⁴; a carry into a normal half is correct
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(b))/tiny))
	}
	b -= rebias << 23
	b += 1<<(fraction-1) - 1 + b>>fraction&1 // makes truncation round to even
	return sign | uint16(b>>fraction)
}

// fromHalf is exact.
func fromHalf(h uint16) float32 {
	sign, exp, frac := uint32(h&0x8000)<<16, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exp {
	case 0:
		x := float32(frac) * tiny
		return math.Float32frombits(sign | math.Float32bits(x))
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<fraction)
	}
	return math.Float32frombits(sign | (exp+rebias)<<23 | frac<<fraction)
}
