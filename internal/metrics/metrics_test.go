package metrics

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/planar"
)

// vector is a row of vectors.json, written by scripts/metrics_vectors.py. A metric
// whose window does not fit the picture is null there.
type vector struct {
	Name, A, B    string
	C, H, W       int
	PSNR          float64
	SSIM          *float64
	SSIMGaussian  *float64 `json:"ssim_gaussian"`
	PSNRY         float64  `json:"psnr_y"`
	SSIMY         *float64 `json:"ssim_y"`
	SSIMGaussianY *float64 `json:"ssim_gaussian_y"`
}

// TestScikitImage compares with values computed by scikit-image: those of testdata and
// those of the folder in CLUSIR_METRICS_VECTORS (scripts/verify-metrics.sh fills it
// from the user's own pictures).
func TestScikitImage(t *testing.T) {
	folders := []string{"testdata"}
	if extra := os.Getenv("CLUSIR_METRICS_VECTORS"); extra != "" {
		folders = append(folders, extra)
	}
	for _, folder := range folders {
		vectors := readVectors(t, folder)
		if len(vectors) == 0 {
			t.Fatalf("%s: no vectors", folder)
		}
		for _, v := range vectors {
			t.Run(v.Name, func(t *testing.T) {
				a, b := readPlanes(t, folder, v.A, v), readPlanes(t, folder, v.B, v)
				near(t, "PSNR", PSNR(a, b), v.PSNR)
				checkSSIM(t, "SSIM", a, b, Uniform, v.SSIM)
				checkSSIM(t, "Gaussian SSIM", a, b, Gaussian, v.SSIMGaussian)
				if v.C != 3 {
					return
				}
				a, b = Luma(a), Luma(b)
				near(t, "PSNR of Y", PSNR(a, b), v.PSNRY)
				checkSSIM(t, "SSIM of Y", a, b, Uniform, v.SSIMY)
				checkSSIM(t, "Gaussian SSIM of Y", a, b, Gaussian, v.SSIMGaussianY)
			})
		}
	}
}

func checkSSIM(t *testing.T, what string, a, b planar.Image, w Window, want *float64) {
	t.Helper()
	got, err := SSIM(a, b, w)
	if want == nil {
		if err == nil {
			t.Errorf("%s: got %g for a picture smaller than the window", what, got)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	near(t, what, got, *want)
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*max(1, math.Abs(want))) {
		t.Errorf("%s: got %.12f, want %.12f", what, got, want)
	}
}

func readVectors(t *testing.T, folder string) (vectors []vector) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

// readPlanes reads a PNG or a raw float32 file of v's shape.
func readPlanes(t *testing.T, folder, name string, v vector) planar.Image {
	t.Helper()
	p := planar.Image{C: v.C, H: v.H, W: v.W, Pix: make([]float32, v.C*v.H*v.W)}
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if strings.HasSuffix(name, ".f32") {
		if err := binary.Read(f, binary.LittleEndian, p.Pix); err != nil {
			t.Fatal(err)
		}
		return p
	}
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	for y := range v.H {
		for x := range v.W {
			r, g, b, _ := img.At(x, y).RGBA()
			for c, value := range []uint32{r, g, b}[:v.C] {
				p.Plane(c)[y*v.W+x] = float32(value>>8) / 255
			}
		}
	}
	return p
}

// noise returns a picture of values in [0,1).
func noise(c, h, w int, seed uint64) planar.Image {
	rng := rand.New(rand.NewPCG(seed, 0))
	pix := make([]float32, c*h*w)
	for i := range pix {
		pix[i] = rng.Float32()
	}
	return planar.Image{C: c, H: h, W: w, Pix: pix}
}

func TestEqualPictures(t *testing.T) {
	a := noise(3, 16, 20, 1)
	if got := PSNR(a, a); !math.IsInf(got, 1) {
		t.Errorf("PSNR of equal pictures is %g, want +Inf", got)
	}
	for _, w := range []Window{Uniform, Gaussian} {
		got, err := SSIM(a, a, w)
		if err != nil || math.Abs(got-1) > 1e-12 {
			t.Errorf("%v SSIM of equal pictures is %g, %v; want 1", w, got, err)
		}
	}
}

func TestTooSmallForSSIM(t *testing.T) {
	for _, size := range [][2]int{{6, 20}, {20, 6}} {
		a := noise(1, size[0], size[1], 1)
		checkSSIM(t, fmt.Sprint(size), a, a, Uniform, nil)
	}
}

// TestSSIMDefinition evaluates SSIM from its definition, window by window with
// variances about the mean.
func TestSSIMDefinition(t *testing.T) {
	a, b := noise(2, 13, 17, 2), noise(2, 13, 17, 3)
	for _, w := range []Window{Uniform, Gaussian} {
		got, err := SSIM(a, b, w)
		if err != nil {
			t.Fatal(err)
		}
		near(t, string(w), got, definitionSSIM(a, b, w.taps()))
	}
}

func definitionSSIM(a, b planar.Image, taps []float64) float64 {
	sum, count, n := 0.0, 0, len(taps)
	for c := range a.C {
		for y := 0; y+n <= a.H; y++ {
			for x := 0; x+n <= a.W; x++ {
				sum += windowSSIM(a.Plane(c), b.Plane(c), a.W, x, y, taps)
				count++
			}
		}
	}
	return sum / float64(count)
}

func windowSSIM(a, b []float32, w, x0, y0 int, taps []float64) float64 {
	weigh := func(value func(i int) float64) (sum float64) {
		for y, wy := range taps {
			for x, wx := range taps {
				sum += wy * wx * value((y0+y)*w+x0+x)
			}
		}
		return sum
	}
	n := float64(len(taps) * len(taps))
	ux := weigh(func(i int) float64 { return float64(a[i]) })
	uy := weigh(func(i int) float64 { return float64(b[i]) })
	covariance := func(p, q []float32, up, uq float64) float64 {
		v := weigh(func(i int) float64 { return (float64(p[i]) - up) * (float64(q[i]) - uq) })
		return v * n / (n - 1)
	}
	vx, vy, vxy := covariance(a, a, ux, ux), covariance(b, b, uy, uy), covariance(a, b, ux, uy)
	return (2*ux*uy + 1e-4) * (2*vxy + 9e-4) / ((ux*ux + uy*uy + 1e-4) * (vx + vy + 9e-4))
}

func TestLuma(t *testing.T) {
	for _, tc := range []struct {
		r, g, b float32
		want    float64
	}{
		{0, 0, 0, 16}, {1, 1, 1, 235}, {1, 0, 0, 81.481}, {0, 1, 0, 144.553}, {0, 0, 1, 40.966},
	} {
		got := Luma(planar.Image{C: 3, H: 1, W: 1, Pix: []float32{tc.r, tc.g, tc.b}})
		if got.C != 1 || math.Abs(float64(got.Pix[0])*255-tc.want) > 1e-4 {
			t.Errorf("luma of %v: got %v/255, want %v/255", tc, got.Pix[0]*255, tc.want)
		}
	}
	grey := noise(1, 2, 2, 1)
	if got := Luma(grey); &got.Pix[0] != &grey.Pix[0] {
		t.Error("luma of a grey picture is not that picture")
	}
}

func TestParseWindow(t *testing.T) {
	for _, w := range []Window{Uniform, Gaussian} {
		if got, err := ParseWindow(string(w)); err != nil || got != w {
			t.Errorf("ParseWindow(%q) = %v, %v", w, got, err)
		}
	}
	if _, err := ParseWindow("matlab"); err == nil || !strings.Contains(err.Error(), "promptir") {
		t.Errorf("unknown protocol: got %v, want an error that names the choices", err)
	}
}

func TestShapesPanic(t *testing.T) {
	for name, other := range map[string]planar.Image{
		"other width": noise(3, 8, 9, 1),
		"other depth": noise(1, 8, 8, 1),
		"short":       {C: 3, H: 8, W: 8, Pix: make([]float32, 5)},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			PSNR(noise(3, 8, 8, 1), other)
		})
	}
}

func BenchmarkSSIM(b *testing.B) {
	x, y := noise(3, 720, 1280, 1), noise(3, 720, 1280, 2)
	for _, w := range []Window{Uniform, Gaussian} {
		b.Run(string(w), func(b *testing.B) {
			for b.Loop() {
				if _, err := SSIM(x, y, w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
