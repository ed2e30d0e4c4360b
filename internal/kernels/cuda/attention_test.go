//go:build cuda

package cuda

import "testing"

// The MACs of the attention are those of its products.
func TestAttentionMACs(t *testing.T) {
	b := open(t, Options{Precision: TF32})
	const B, C, h, w, heads, d = 2, 8, 2, 3, 2, 4
	s, qkv, temperature, m := b.Alloc(B, C, h, w), b.Alloc(3*C, C), b.Alloc(heads), b.Alloc(B, C, C)
	b.AttentionMap(m, s, qkv, temperature)
	b.AttentionMapGrad(s, qkv, temperature, m, s, qkv, temperature)
	want := map[string]int64{
		"conv1x1_fwd_tf32x3": 2 * B * 2 * C * C * h * w, // q and k, formed again backwards
		"product_nt_tf32x3":  2*B*C*d*h*w + B*C*d*C,     // their products; dm·Wvᵀ
		"product_nn_tf32":    B * C * d * C,             // A·Wv
		"product_tn_tf32":    B * C * d * C,             // Aᵀ·dm
		"product_nn_tf32x3":  B * C * d * h * w,         // dc·k̂
		"product_tn_tf32x3":  B * C * d * h * w,         // dcᵀ·q̂
		"conv1x1_dw_tf32":    B * 2 * C * C * h * w,     // dq·sᵀ, dk·sᵀ
		"conv1x1_dx_tf32x3":  B * 2 * C * C * h * w,     // Wqᵀ·dq + Wkᵀ·dk
	}
	got := b.MACs()
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: %d, want %d", name, got[name], n)
		}
	}
}
