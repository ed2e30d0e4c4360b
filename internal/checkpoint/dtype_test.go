package checkpoint

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

func TestHalfRoundTrip(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		x := fromHalf(h)
		if x != x { // NaN: stays one
			if back := fromHalf(toHalf(x)); back == back {
				t.Errorf("%#04x: NaN became %v", h, back)
			}
			continue
		}
		if back := toHalf(x); back != h {
			t.Fatalf("%#04x is %v, which became %#04x", h, x, back)
		}
	}
}

func TestHalfValues(t *testing.T) {
	for _, c := range []struct {
		h uint16
		x float64
	}{{0x3c00, 1}, {0xc000, -2}, {0x3555, 0.333251953125}, {0x0001, 0x1p-24}, {0x03ff, 1023 * 0x1p-24},
		{0x0400, 0x1p-14}, {0x7bff, 65504}, {0x7c00, math.Inf(1)}, {0xfc00, math.Inf(-1)}, {0x8000, math.Copysign(0, -1)}} {
		if x := fromHalf(c.h); math.Float32bits(x) != math.Float32bits(float32(c.x)) {
			t.Errorf("%#04x is %v, want %v", c.h, x, c.x)
		}
	}
}

// TestHalfRounding checks toHalf against the definition: the nearest neighbour, and the
// even one of two equally near.
func TestHalfRounding(t *testing.T) {
	check := func(x float32, lo uint16) {
		a, b := float64(fromHalf(lo)), float64(fromHalf(lo+1))
		if lo+1 == halfInf {
			b = 65536 // infinity rounds as if it were the next number
		}
		want := lo
		if d := (float64(x) - a) - (b - float64(x)); d > 0 || d == 0 && lo&1 == 1 {
			want = lo + 1
		}
		if got := toHalf(x); got != want {
			t.Fatalf("%b became %#04x, want %#04x", x, got, want)
		}
		if got := toHalf(-x); got != want|0x8000 {
			t.Fatalf("%b became %#04x, want %#04x", -x, got, want|0x8000)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for lo := uint16(0); lo < halfInf; lo++ {
		a, b := fromHalf(lo), fromHalf(lo+1)
		if lo+1 == halfInf {
			b = 65536
		}
		mid := (a + b) / 2 // exact
		check(mid, lo)
		check(math.Nextafter32(mid, 0), lo)
		check(math.Nextafter32(mid, b), lo)
		check(a+(b-a)*r.Float32()*0.999, lo)
	}
	for _, x := range []float32{65536, 1e30, math.MaxFloat32} {
		if toHalf(x) != halfInf {
			t.Errorf("%v became %#04x, want infinity", x, toHalf(x))
		}
	}
}

func TestDecode(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		dtype DType
		bytes []byte
		want  float32
	}{
		{F64, le.AppendUint64(nil, math.Float64bits(0.1)), 0.1},
		{F32, le.AppendUint32(nil, math.Float32bits(-1.5e-40)), -1.5e-40},
		{F16, le.AppendUint16(nil, 0xc000), -2},
		{BF16, le.AppendUint16(nil, 0x4049), 3.140625},
	} {
		got := make([]float32, 1)
		if decode(got, c.bytes, c.dtype); got[0] != c.want {
			t.Errorf("%s: got %v, want %v", c.dtype, got[0], c.want)
		}
	}
}
