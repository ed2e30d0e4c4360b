package infer

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/model"
	"clusir/internal/planar"
)

// turnedImage returns x turned by t.
func turnedImage(x planar.Image, t planar.Turn) planar.Image {
	y := planar.New(x.C, x.H, x.W)
	y.W, y.H = t.Size(x.W, x.H)
	for to, from := range t.Pixels(y.W, y.H) {
		for c := range x.C {
			y.Plane(c)[to] = x.Plane(c)[from]
		}
	}
	return y
}

// TestEnsemble: restoring a turned picture gives the turned restored picture, which holds
// for the mean over the turns but not for the network, and for the mean over flips if it is
// turned by them. The same is true of a window of a picture that uses the picture's Shared.
func TestEnsemble(t *testing.T) {
	for _, e := range []Ensemble{Flips, Turns} {
		t.Run(e.String(), func(t *testing.T) { testEnsemble(t, e) })
	}
}

func testEnsemble(t *testing.T, e Ensemble) {
	b := newCPU(t, 2)
	n, err := Load(Source{Model: "nano", Ensemble: e}, b)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	const H, W, h, w = 64, 48, 32, 16
	rng := rand.New(rand.NewPCG(1, 2))
	picture, part := planar.New(3, H, W), planar.New(3, h, w)
	for _, x := range []planar.Image{picture, part} {
		for i := range x.Pix {
			x.Pix[i] = rng.Float32()
		}
	}
	at := model.Window{Y: 8, X: 24, H: H, W: W}
	run := func(by planar.Turn) (whole, tile planar.Image) {
		var shared Shared
		defer shared.Free(n.Tape())
		var probed []string
		whole, routes, err := n.Restore(t.Context(), nil, turnedImage(picture, by), Options{Shared: &shared, Probe: func(name string, _ *model.Var) { probed = append(probed, name) }})
		if err != nil || len(routes) != arch.Stages {
			t.Fatalf("turn %d: %d routes, %v", by, len(routes), err)
		}
		if n := len(probed); n == 0 || slices.Index(probed[1:], probed[0]) >= 0 {
			t.Errorf("turn %d: not of one turn are the %d modules observed", by, n)
		}
		tile, _, err = n.Restore(t.Context(), nil, turnedImage(part, by), Options{Shared: &shared, Window: turnedWindow(at, by, h, w)})
		if err != nil {
			t.Fatal(err)
		}
		return whole, tile
	}
	whole, tile := run(0)
	for by := planar.Turn(1); int(by) < int(e); by++ {
		turnedWhole, turnedTile := run(by)
		if d := furthest(turnedWhole, turnedImage(whole, by)); d > 1e-5 {
			t.Errorf("turn %d: a picture differs by %g", by, d)
		}
		if d := furthest(turnedTile, turnedImage(tile, by)); d > 1e-5 {
			t.Errorf("turn %d: a part of it differs by %g", by, d)
		}
	}
	if turned, _ := run(planar.Transpose); e == Flips && furthest(turned, turnedImage(whole, planar.Transpose)) < 1e-4 {
		t.Error("the mean over flips is one over quarter turns")
	}
	n.Ensemble = 0
	plain, _ := run(0)
	if d := furthest(plain, whole); d < 1e-4 {
		t.Errorf("the ensemble differs from the network by %g only", d)
	}
}

func furthest(a, b planar.Image) (largest float64) {
	for i := range a.Pix {
		largest = max(largest, math.Abs(float64(a.Pix[i]-b.Pix[i])))
	}
	return largest
}

// TestEnsembleNames: an ensemble is a flag's value and a name in results, where those of
// earlier versions hold true.
func TestEnsembleNames(t *testing.T) {
	for text, want := range map[string]Ensemble{`"flips"`: Flips, `"turns"`: Turns, `true`: Turns, `false`: 0} {
		var e Ensemble
		if err := json.Unmarshal([]byte(text), &e); err != nil || e != want {
			t.Errorf("%s: %d, %v", text, e, err)
		}
		again, err := json.Marshal(struct {
			E Ensemble `json:",omitempty"`
		}{e})
		if name := fmt.Sprintf(`{"E":%q}`, e); err != nil || string(again) != name && e != 0 || e == 0 && string(again) != "{}" {
			t.Errorf("%s is written as %s, %v", text, again, err)
		}
	}
	if err := new(Ensemble).Set("4"); err == nil || err.Error() != "choose flips or turns" {
		t.Error(err)
	}
}
