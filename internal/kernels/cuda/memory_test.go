//go:build cuda

package cuda

import (
	"testing"

	"clusir/internal/kernels"
)

// Freed memory serves the next allocation of about its size, and no other.
func TestCacheReuse(t *testing.T) {
	b := open(t, Options{})
	address := func(x kernels.Tensor) any { return b.buffer(x).addr }
	x := b.Alloc(1000)
	first := address(x)
	b.Free(x)
	small := b.Alloc(10)
	if address(small) == first {
		t.Error("10 numbers were put where 1000 were")
	}
	again := b.Alloc(5, 199)
	if address(again) != first {
		t.Error("the memory of 1000 numbers was not used for 995")
	}
	live, peak, _ := b.MemoryUse()
	b.Free(small)
	b.Free(again)
	if now, peakNow, _ := b.MemoryUse(); now >= live || peakNow != peak || now != 0 {
		t.Errorf("in use after freeing everything: %d, peak %d then %d", now, peak, peakNow)
	}
}

// Transfers of more than one pinned buffer, back and forth without waiting.
func TestLargeTransfers(t *testing.T) {
	b := open(t, Options{})
	n := chunk/4*2 + 5
	v := numbers(n)
	x, y := b.Alloc(n), b.Alloc(3)
	for i := range 5 {
		b.Upload(y, []float32{float32(i), 1, 2})
	}
	b.Upload(x, v)
	clear(v)
	got := downloaded(b, x)
	for i, want := range numbers(n) {
		if got[i] != want {
			t.Fatalf("element %d: got %v, want %v", i, got[i], want)
		}
	}
	if got := downloaded(b, y); got[0] != 4 {
		t.Errorf("the last of five uploads is %v, want 4", got[0])
	}
	if err := b.Sync(); err != nil {
		t.Error(err)
	}
}

// Two devices in one process work at the same time and independently.
func TestTwoDevices(t *testing.T) {
	needSoftware(t)
	t.Setenv("SOFTDEVICE_COUNT", "2")
	var bs []*Backend
	var xs []kernels.Tensor
	for i := range 2 {
		b, err := Open(i, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		bs, xs = append(bs, b), append(xs, uploaded(b, float32(i), 1))
	}
	for range 100 {
		for i, b := range bs {
			b.Add(xs[i], xs[i], xs[i], 0)
			b.Add(xs[i], xs[i], xs[i], 0)
		}
	}
	for i, b := range bs {
		if got := downloaded(b, xs[i]); got[0] != float32(i) || b.Sync() != nil {
			t.Errorf("device %d holds %v", i, got)
		}
	}
}

// A tensor filled with 0 is not written before its first use: an operation that would add
// to it overwrites it, anything else finds zeros.
func TestFillIsPutOff(t *testing.T) {
	const C, O, H, W = 3, 2, 4, 6
	b := open(t, Options{Debug: true})
	fills := 0
	b.watch = func(l *launched) {
		if l.kernel == filling {
			fills++
		}
	}
	zeros := func(shape ...int) kernels.Tensor {
		x := b.Alloc(shape...)
		b.Fill(x, 0)
		return x
	}
	check := func(what string, x kernels.Tensor, wantFills int, want func(i int) float32) {
		t.Helper()
		if fills != wantFills {
			t.Errorf("%s: %d fills, want %d", what, fills, wantFills)
		}
		for i, v := range downloaded(b, x) {
			if v != want(i) {
				t.Fatalf("%s: element %d is %v, want %v", what, i, v, want(i))
			}
		}
		fills = 0
	}
	var none kernels.Tensor
	x, dy := uploaded(b, normals(C*H*W)...).Reshape(1, C, H, W), uploaded(b, normals(O*H*W)...).Reshape(1, O, H, W)
	norm := kernels.Norm{Weight: uploaded(b, normals(C)...), Bias: uploaded(b, normals(C)...)}
	w, w3 := uploaded(b, normals(O*C)...).Reshape(O, C), uploaded(b, normals(9*O*C)...).Reshape(O, C, 3, 3)
	l := b.layerNorm(x, norm)
	put := func(shape ...int) kernels.Tensor {
		return uploaded(b, normals(kernels.Shape(shape).Len())...).Reshape(shape...)
	}
	for what, gradient := range map[string]func(dx kernels.Tensor){
		"Conv1x1Grad":   func(dx kernels.Tensor) { b.Conv1x1Grad([]kernels.Tensor{dx}, none, none, dy, w, x) },
		"Conv3x3Grad":   func(dx kernels.Tensor) { b.Conv3x3Grad(dx, none, dy, x, w3) },
		"LN's gradient": func(dx kernels.Tensor) { b.layerNormGrad("layer_norm_grad", dx, kernels.Norm{}, l, x, none) },
		"Conv1x1Grad, xx": func(dx kernels.Tensor) {
			b.Conv1x1Grad([]kernels.Tensor{dx, none}, none, none, dy, uploaded(b, normals(2*O*C)...).Reshape(O, 2*C), x, x)
		},
		"Conv1x1Grad, dw": func(dw kernels.Tensor) {
			b.Conv1x1Grad([]kernels.Tensor{none}, dw.Reshape(C*H, W), none, put(1, C*H, 2, 3), put(C*H, W), put(1, W, 2, 3))
		},
		"IDWT, in place":  func(dx kernels.Tensor) { b.IDWT(dx, put(1, C, H/2, W/2), put(1, 3*C, H/2, W/2), dx) },
		"DWT, added":      func(dll kernels.Tensor) { b.DWT(dll, none, put(1, C, 2*H, 2*W), true) },
		"SigmoidGateGrad": func(dg kernels.Tensor) { b.SigmoidGateGrad(dg, none, x, x, x) },
		"IRFFT2, added":   func(dx kernels.Tensor) { b.IRFFT2(dx, put(1, 2*C, H, W/2+1), 0.5, true) },
	} {
		one, two := b.Alloc(1, C, H, W), zeros(1, C, H, W)
		b.Fill(one, 1)
		fills = 0
		gradient(one)
		gradient(two)
		first := downloaded(b, two)
		gradient(two)
		check(what+", twice", two, 0, func(i int) float32 { return first[i] + first[i] })
		plusOne := downloaded(b, one)
		for i, v := range first {
			if d := v + 1 - plusOne[i]; d > 1e-5 || d < -1e-5 {
				t.Errorf("%s: element %d is %v on zeros and %v on ones", what, i, v, plusOne[i])
			}
		}
	}
	read := zeros(5)
	check("read", read, 0, func(int) float32 { return 0 })
	part := zeros(8)
	b.Upload(part.Reshape(8), numbers(8))
	check("uploaded", part, 1, func(i int) float32 { return float32(i) })
	added := zeros(8)
	b.Add(added, added, part, 2)
	check("added to", added, 1, func(i int) float32 { return 2 * float32(i) })
	b.Free(zeros(8))
	if fills != 0 {
		t.Error("filled, and freed")
	}
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
}
