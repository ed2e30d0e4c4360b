package restore

import (
	"context"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/imageio"
	"clusir/internal/infer"
)

// stir changes the weights that start at zero, so that the network changes pictures: by
// a few hundredths at gain 1.
func stir(n *infer.Network, gain float32) *infer.Network {
	r := rand.New(rand.NewPCG(1, 1))
	for _, p := range n.Model.Params {
		if p.Name == "head.weight" || strings.HasSuffix(p.Name, "conv2.weight") {
			w := make([]float32, p.Len())
			for i := range w {
				w[i] = gain * float32(r.NormFloat64()) * 0.1
			}
			n.Tape().B.Upload(p.Tensor, w)
		}
	}
	return n
}

// paint returns planes of a picture of info's kind: waves of every frequency, and if it
// has alpha a ramp from transparent to opaque, else nil.
func paint(info imageio.Info) (rgb, alpha []float32) {
	n := info.W * info.H
	rgb, alpha = make([]float32, 3*n), make([]float32, n)
	for y := range info.H {
		for x := range info.W {
			i := y*info.W + x
			for c := range 3 {
				v := 0.5 + 0.3*math.Sin(float64(x*x)/float64(97+13*c)) + 0.2*math.Cos(float64(y*(c+3))/7)
				if info.Grey {
					v = 0.5 + 0.4*math.Sin(float64(x+2*y)/5)
				}
				rgb[c*n+i] = float32(v)
			}
			alpha[i] = min(max(float32(x-8)/float32(info.W), 0), 1)
		}
	}
	if !info.Alpha {
		alpha = nil
	}
	return rgb, alpha
}

// save writes a synthetic picture and returns its path.
func save(t testing.TB, dir, name string, info imageio.Info) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if info.Format == 0 {
		info.Format = imageio.PNG
	}
	if info.Depth == 0 {
		info.Depth = 8
	}
	rgb, alpha := paint(info)
	must(t, write(path, info, rgb, alpha))
	return path
}

// write writes a file from a whole picture's planes.
func write(path string, info imageio.Info, rgb, alpha []float32) error {
	return imageio.WriteFile(path, info, imageio.Options{}, func(w *imageio.Writer) error { return w.Rows(rgb, alpha) })
}

// load reads a whole picture.
func load(t testing.TB, path string) (info imageio.Info, rgb, alpha []float32) {
	t.Helper()
	m, err := imageio.Open(path, imageio.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if rgb, err = m.Stored(nil, m.Bounds()); err != nil {
		t.Fatal(err)
	}
	if alpha, err = m.Opacity(nil, m.Bounds()); err != nil {
		t.Fatal(err)
	}
	return m.Info, rgb, alpha
}

// one restores one picture and fails the test on an error.
func one(t testing.TB, n *infer.Network, j Job, o Options) Result {
	t.Helper()
	var got Result
	o.Done = func(r Result) { got = r }
	if o.Strength == 0 {
		o.Strength = 1
	}
	s, err := Run(context.Background(), n, slices.Values([]Job{j}), o)
	if err != nil || got.Err != nil || s.Restored != 1 {
		t.Fatalf("%+v: %v, %v", s, err, got.Err)
	}
	return got
}

// files lists the files below a folder.
func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// farthest returns the largest difference of two pictures' values.
func farthest(t testing.TB, a, b []float32) (largest float64) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%d values, want %d", len(a), len(b))
	}
	for i := range a {
		largest = max(largest, math.Abs(float64(a[i]-b[i])))
	}
	return largest
}

// cropped returns the rectangle r of planes [3,h,w].
func cropped(src []float32, h, w int, r image.Rectangle) []float32 {
	var dst []float32
	for c := range 3 {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			dst = append(dst, src[(c*h+y)*w+r.Min.X:][:r.Dx()]...)
		}
	}
	return dst
}

// columns returns the columns x0 to x1 of a picture.
func columns(i imageio.Info, x0, x1 int) image.Rectangle { return image.Rect(x0, 0, x1, i.H) }
