package imageio

import (
	"bytes"
	"testing"
)

// TestNeutral checks pictures, whole and streamed, including one whose only coloured
// pixel is in the last row.
func TestNeutral(t *testing.T) {
	for name, tc := range map[string]struct {
		alpha  bool
		pixel  []float32 // the last pixel's colour and alpha
		stored bool      // as three channels
		want   bool
	}{
		"grey":             {pixel: []float32{1, 1, 1, 1}, want: true},
		"equal channels":   {stored: true, pixel: []float32{0.2, 0.2, 0.2, 1}, want: true},
		"one level of red": {stored: true, pixel: []float32{0.204, 0.2, 0.2, 1}},
		"one of green":     {stored: true, pixel: []float32{0.2, 0.204, 0.2, 1}},
		"one of blue":      {stored: true, pixel: []float32{0.2, 0.2, 0.204, 1}},
		"hidden red":       {stored: true, alpha: true, pixel: []float32{1, 0, 0, 0}, want: true},
		"faint red":        {stored: true, alpha: true, pixel: []float32{1, 0, 0, 0.1}},
	} {
		info := Info{Format: PNG, W: 40, H: 50, Depth: 8, Grey: !tc.stored, Alpha: tc.alpha}
		m := New(info)
		last := m.Bounds()
		last.Min.X, last.Min.Y = 39, 49
		m.SetTile(last, tc.pixel[:3], tc.pixel[3:])
		if tc.alpha {
			rest := last.Sub(last.Min)
			m.SetTile(rest, []float32{0.5, 0.5, 0.5}, []float32{1})
		}
		data := encoded(t, m, info, Options{})
		for _, limit := range []int64{0, 1} {
			read, err := Decode(bytes.NewReader(data), name, Limits{MaxBytes: limit})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := read.Neutral(); got != tc.want || err != nil {
				t.Errorf("%s, limit %d: %v, %v, want %v", name, limit, got, err, tc.want)
			}
		}
	}
}
