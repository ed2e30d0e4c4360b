package figures

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"

	"clusir/internal/draw"
	"clusir/internal/model"
)

// bands are the parts of the features that the frequency modulation of the finest level
// handles.
var bands = []struct{ probe, title string }{
	{"dafmm.0.ll", "LL band"},
	{"dafmm.0.low", "Low, refined"},
	{"dafmm.0.high", "High, refined"},
}

// band is a part of the features, all channels combined in one picture.
type band struct {
	h, w     int
	strength []float64 // root mean square over the channels, [h,w]
	spectrum []float64 // the same for the amplitudes, with the zero frequency in the middle
}

// frequency shows the effect of the frequency modulation on each picture.
func frequency(ctx context.Context, r *Request) ([]sheet, error) {
	seen := make([][]band, len(r.Splits))
	for i := range seen {
		seen[i] = make([]band, len(bands))
	}
	pictures, err := r.each(ctx, func(p int, name string, v *model.Var) {
		for k, b := range bands {
			if name == b.probe {
				seen[p][k] = newBand(r.Net.Tape().Fetch(v), v.Shape[1], v.Shape[2], v.Shape[3])
			}
		}
	})
	if err != nil {
		return nil, err
	}
	gain := gainScale(seen)
	var rows [][]draw.Panel
	for i, p := range pictures {
		rows = append(rows, bandRow(p, seen[i], gain))
	}
	ratio := draw.Bar{Scale: gain, Label: "change in octaves", Format: "%+.2f", Width: bandWide}
	last := make([]draw.Panel, len(rows[0]))
	last[len(last)-1] = ratio
	return []sheet{{"frequency", draw.Sheet{
		Title: fmt.Sprintf("What the frequency modulation of the finest level does, %s", r.Name),
		Rows:  append(rows, last),
		Notes: []string{"Features: root mean square over the channels, the LL band and its refined form in one range. Spectra: amplitudes on a logarithmic scale over three decades, " +
			"the zero frequency in the middle. High: the gated HL, LH and HH bands together. Change: of the amplitude, from the LL band to its refined form; −1 is half."},
	}}}, nil
}

const bandWide = 104

func bandRow(p *picture, parts []band, gain draw.Scale) []draw.Panel {
	row := []draw.Panel{draw.Picture{Title: titleOf(p.split), Image: p.input.RGBA(), Width: bandWide}}
	ll, low, high := parts[0], parts[1], parts[2]
	for k, b := range parts {
		strength, spectrum := usual(slices.Concat(ll.strength, low.strength)), decades(ll.spectrum)
		if k == 2 {
			strength, spectrum = usual(high.strength), decades(high.spectrum)
		}
		row = append(row,
			draw.Picture{Title: bands[k].title, Image: strength.Image(b.strength, b.w, b.h), Width: bandWide},
			draw.Picture{Title: "Spectrum", Image: spectrum.Image(logs(b.spectrum), b.w, b.h), Width: bandWide})
	}
	return append(row, draw.Picture{Title: "Change, low", Image: gain.Image(change(parts), ll.w, ll.h), Width: bandWide})
}

// change returns the change of the amplitudes from the LL band to its refined form, in
// octaves.
func change(parts []band) []float64 {
	x := make([]float64, len(parts[0].spectrum))
	for i := range x {
		x[i] = math.Log2((parts[1].spectrum[i] + tiny) / (parts[0].spectrum[i] + tiny))
	}
	return x
}

// gainScale is symmetric and covers the changes of all pictures except a few outliers.
func gainScale(seen [][]band) draw.Scale {
	limit := 0.
	for _, parts := range seen {
		s := usual(change(parts))
		limit = max(limit, -s.Min, s.Max)
	}
	return draw.Scale{Min: -limit, Max: limit, Diverging: true}
}

// tiny keeps quotients and logarithms finite.
const tiny = 1e-6

// newBand makes a band of features x [C,h,w].
func newBand(x []float32, C, h, w int) band {
	b := band{h: h, w: w, strength: make([]float64, h*w), spectrum: make([]float64, h*w)}
	for c := range C {
		plane := x[c*h*w:][:h*w]
		for i, v := range plane {
			b.strength[i] += float64(v) * float64(v)
		}
		for i, z := range fft2(plane, h, w) {
			a := cmplx.Abs(z)
			b.spectrum[i] += a * a
		}
	}
	for i := range b.strength {
		b.strength[i] = math.Sqrt(b.strength[i] / float64(C))
		b.spectrum[i] = math.Sqrt(b.spectrum[i] / float64(C))
	}
	return b
}

// fft2 returns the orthonormal Fourier transform, with the zero frequency in the
// middle.
func fft2(x []float32, h, w int) []complex128 {
	rows, cols := fourier.NewCmplxFFT(w), fourier.NewCmplxFFT(h)
	z := make([]complex128, h*w)
	for i, v := range x {
		z[i] = complex(float64(v), 0)
	}
	for y := range h {
		row := z[y*w:][:w]
		copy(row, rows.Coefficients(nil, row))
	}
	column, out := make([]complex128, h), make([]complex128, h*w)
	scale := complex(1/math.Sqrt(float64(h*w)), 0)
	for i := range w {
		for y := range h {
			column[y] = z[y*w+i]
		}
		for y, v := range cols.Coefficients(nil, column) {
			out[(y+h/2)%h*w+(i+w/2)%w] = v * scale
		}
	}
	return out
}

// usual returns the range of values without the outermost hundredths.
func usual(x []float64) draw.Scale {
	sorted := slices.Sorted(slices.Values(x))
	cut := len(x) / 100
	return draw.Scale{Min: sorted[cut], Max: sorted[len(x)-1-cut]}
}

// decades returns the three decades below the largest amplitude, ignoring the few at
// zero frequency.
func decades(spectrum []float64) draw.Scale {
	top := slices.Sorted(slices.Values(logs(spectrum)))[len(spectrum)-1-len(spectrum)/1000]
	return draw.Scale{Min: top - 3, Max: top}
}

func logs(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Log10(v + tiny)
	}
	return y
}
