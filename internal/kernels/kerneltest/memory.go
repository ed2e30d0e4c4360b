package kerneltest

import (
	"math"
	"testing"

	"clusir/internal/kernels"
)

func testMemory(t *testing.T, b kernels.Backend) {
	t.Run("round trip", guarded(func(t *testing.T) { testRoundTrip(t, b) }))
	t.Run("Fill and Copy", guarded(func(t *testing.T) { testFillCopy(t, b) }))
	t.Run("tensors are apart", guarded(func(t *testing.T) { testApart(t, b) }))
	t.Run("order of calls", guarded(func(t *testing.T) { testOrder(t, b) }))
	t.Run("Free of the zero Tensor", guarded(func(*testing.T) { b.Free(kernels.Tensor{}) }))
	t.Run("Sync", guarded(func(t *testing.T) {
		if err := b.Sync(); err != nil {
			t.Errorf("Sync: %v", err)
		}
	}))
}

// testRoundTrip: uploaded data are downloaded bit for bit, through another shape of the
// same memory, and the source may change once Upload has returned.
func testRoundTrip(t *testing.T, b kernels.Backend) {
	want := []float32{0, float32(math.Copysign(0, -1)), 1, -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32,
		float32(math.Inf(1)), float32(math.Inf(-1)), 0.1, 3, 1e-38, -7}
	x := b.Alloc(3, 4)
	defer b.Free(x)
	if !x.Shape.Equal(kernels.Shape{3, 4}) {
		t.Errorf("Alloc(3, 4) has shape %v", x.Shape)
	}
	source := append([]float32{}, want...)
	b.Upload(x, source)
	clear(source)
	got := make([]float32, len(want))
	b.Download(got, x.Reshape(2, 6))
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Errorf("element %d: uploaded %v, downloaded %v", i, want[i], got[i])
		}
	}
}

func testFillCopy(t *testing.T, b kernels.Backend) {
	for _, n := range []int{1, 7, 64, 1001, 70_001} {
		x, y := b.Alloc(n), b.Alloc(n)
		b.Fill(x, -2.5)
		b.Copy(y, x)
		b.Fill(x, 1)
		expectAll(t, b, x, 1)
		expectAll(t, b, y, -2.5)
		b.Free(x)
		b.Free(y)
	}
}

// testApart: writing one tensor changes no other, including memory that was freed and
// allocated again, in parts or together.
func testApart(t *testing.T, b kernels.Backend) {
	for _, scale := range []int{1, 4093} {
		var ts []kernels.Tensor
		for i := range 20 {
			ts = append(ts, b.Alloc((1+i*37%101)*scale))
			b.Fill(ts[i], float32(i))
		}
		for _, every := range []int{2, 3, 1} {
			for i := 0; i < len(ts); i += every {
				b.Free(ts[i])
			}
			for i := 0; i < len(ts); i += every {
				ts[i] = b.Alloc((1 + (i*53+every)%211) * scale)
				b.Fill(ts[i], float32(i))
			}
			for i, x := range ts {
				expectAll(t, b, x, float32(i))
			}
		}
		for _, x := range ts {
			b.Free(x)
		}
	}
}

// testOrder: work runs in call order, and Download waits for it.
func testOrder(t *testing.T, b kernels.Backend) {
	x, y := b.Alloc(10001), b.Alloc(10001)
	defer b.Free(x)
	defer b.Free(y)
	b.Fill(x, 1)
	b.Fill(y, 0)
	for range 50 {
		b.Add(y, y, x, 1)
		b.Add(x, x, y, 0)
	}
	expectAll(t, b, y, 50)
}

func expectAll(t *testing.T, b kernels.Backend, x kernels.Tensor, want float32) {
	t.Helper()
	got := make([]float32, x.Len())
	b.Download(got, x)
	for i, v := range got {
		if v != want {
			t.Errorf("%v, element %d: got %v, want %v", x.Shape, i, v, want)
			return
		}
	}
}
