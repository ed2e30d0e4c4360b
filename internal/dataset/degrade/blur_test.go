package degrade

import (
	"math"
	"slices"
	"testing"
)

func closeTo(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > tol {
			t.Fatalf("%s: value %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

func TestStandingStillIsSharp(t *testing.T) {
	m := picture(31, 22)
	closeTo(t, "one pose", Motion{Camera: []Pose{{}}}.Apply(m, nil).Pix, m.Pix, 1e-6)
	delta := Kernel{5, 3, make([]float32, 15)}
	delta.Weights[7] = 1
	closeTo(t, "delta kernel", delta.Apply(m, nil).Pix, m.Pix, 0)
}

// A straight path of whole pixels equals a kernel of equal weights.
func TestPathsAndKernelsAgree(t *testing.T) {
	m := picture(31, 22)
	for name, tt := range map[string]struct {
		path   []Pose
		kernel Kernel
	}{
		"along":  {[]Pose{{DX: -1}, {}, {DX: 1}}, Kernel{3, 1, []float32{1. / 3, 1. / 3, 1. / 3}}},
		"down":   {[]Pose{{DY: 2}, {DY: 1}, {}}, Kernel{1, 5, []float32{1. / 3, 1. / 3, 1. / 3, 0, 0}}},
		"far":    {[]Pose{{DX: -4}, {DX: 3}}, Kernel{9, 1, []float32{0, .5, 0, 0, 0, 0, 0, 0, .5}}},
		"corner": {[]Pose{{DX: 1, DY: 1}}, Kernel{3, 3, []float32{1, 0, 0, 0, 0, 0, 0, 0, 0}}},
	} {
		closeTo(t, name, Motion{Camera: tt.path}.Apply(m, nil).Pix, tt.kernel.Apply(m, nil).Pix, 1e-6)
	}
}

func TestKernelIsAConvolution(t *testing.T) {
	// Convolution: an impulse becomes the kernel itself, not its mirror image.
	m := black(9, 9)
	m.Plane(0)[4*9+4] = 1
	k := Kernel{3, 3, []float32{.1, .2, 0, .3, 0, 0, 0, 0, .4}}
	got := k.Apply(m, nil).Plane(0)
	for y := range 3 {
		for x := range 3 {
			if got[(3+y)*9+3+x] != k.Weights[y*3+x] {
				t.Errorf("(%d, %d) is %g, want %g", x, y, got[(3+y)*9+3+x], k.Weights[y*3+x])
			}
		}
	}
	flat := black(5, 4) // smaller than the kernel's reach
	for i := range flat.Pix {
		flat.Pix[i] = .5
	}
	wide := Kernel{13, 1, slices.Repeat([]float32{1. / 13}, 13)}
	closeTo(t, "flat image", wide.Apply(flat, nil).Pix, flat.Pix, 1e-6)
}

// Rolling about the centre of the photograph blurs its corners but not its centre, in a
// crop as in the whole.
func TestRollIsAboutThePhotographsCentre(t *testing.T) {
	m := picture(81, 81)
	path := []Pose{{Roll: -.05}, {}, {Roll: .05}}
	whole := Motion{Camera: path}.Apply(m, nil)
	if d := math.Abs(float64(whole.Plane(0)[40*81+40] - m.Plane(0)[40*81+40])); d > .02 {
		t.Errorf("the centre changes by %g", d)
	}
	crop := m.Inner(15)
	part := Motion{Camera: path}.Apply(crop, nil)
	for y := 10; y < 40; y++ {
		for x := 10; x < 40; x++ {
			a, b := part.Plane(1)[y*51+x], whole.Plane(1)[(y+15)*81+x+15]
			if math.Abs(float64(a-b)) > 1e-5 {
				t.Fatalf("(%d, %d): %g in the crop, %g in the whole", x, y, a, b)
			}
		}
	}
}

func TestObjectsMoveWithinTheirMask(t *testing.T) {
	m := picture(40, 40)
	still := Motion{Camera: []Pose{{}}, Object: []Pose{{DX: 3}}, Mask: mask{Cells: 4, Level: .5}}
	got, moved := still.Apply(m, seeded(3)), Motion{Camera: still.Object}.Apply(m, nil)
	sharp, blurred := 0, 0
	for i := range got.Pix {
		lo, hi := min(m.Pix[i], moved.Pix[i]), max(m.Pix[i], moved.Pix[i])
		if got.Pix[i] < lo-1e-5 || got.Pix[i] > hi+1e-5 {
			t.Fatalf("pixel %d is %g, neither still (%g) nor moved (%g)", i, got.Pix[i], m.Pix[i], moved.Pix[i])
		}
		if math.Abs(float64(got.Pix[i]-m.Pix[i])) < 1e-6 {
			sharp++
		}
		if math.Abs(float64(got.Pix[i]-moved.Pix[i])) < 1e-6 {
			blurred++
		}
	}
	if sharp < 500 || blurred < 500 {
		t.Errorf("%d pixels stand still and %d move of %d", sharp, blurred, len(got.Pix))
	}
}

func TestRandomPaths(t *testing.T) {
	rng := seeded(6)
	for range 200 {
		m := RandomMotion(rng)
		for _, path := range [][]Pose{m.Camera, m.Object} {
			if path == nil {
				continue
			}
			mid := path[len(path)/2]
			if math.Hypot(mid.DX, mid.DY) > 1e-9 || mid.Roll != 0 {
				t.Fatalf("the middle of a path is %+v", mid)
			}
			for i, p := range path {
				if math.Hypot(p.DX, p.DY) > 16.01 {
					t.Fatalf("a path reaches %+v", p)
				}
				if i > 0 && math.Hypot(p.DX-path[i-1].DX, p.DY-path[i-1].DY) > 4.5 {
					t.Fatalf("a path jumps from %+v to %+v", path[i-1], p)
				}
			}
		}
	}
}

func TestTurnedKernels(t *testing.T) {
	k := Kernel{5, 3, []float32{0, 0, .1, .5, .4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}
	same := k.Turned(0, 1)
	for y := range 3 {
		for x := range 5 {
			got := same.Weights[(y-1+same.H/2)*same.W+x-2+same.W/2]
			if math.Abs(float64(got-k.Weights[y*5+x])) > 1e-6 {
				t.Errorf("turned by nothing, (%d, %d) is %g, want %g", x, y, got, k.Weights[y*5+x])
			}
		}
	}
	row := Kernel{9, 1, []float32{.1, .1, .1, .1, .2, .1, .1, .1, .1}}
	half := row.Turned(math.Pi/2, .5) // upright, five pixels of seven
	for i, w := range half.Weights {
		if y, x := i/half.W-half.H/2, i%half.W-half.W/2; (w > .05) != (x == 0 && y >= -2 && y <= 2) {
			t.Errorf("a row turned upright at half its length is %g at (%d, %d)", w, x, y)
		}
	}
	for _, angle := range []float64{.3, 2, 4} {
		for _, scale := range []float64{.5, .8, 1.5} {
			sum := float32(0)
			for _, w := range k.Turned(angle, scale).Weights {
				sum += w
			}
			if math.Abs(float64(sum)-1) > 1e-5 {
				t.Errorf("turned by %g and scaled by %g, the weights sum to %g", angle, scale, sum)
			}
		}
	}
}
