package dataset

import (
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/dataset/degrade"
	"clusir/internal/draw"
	"clusir/internal/planar"
	"clusir/internal/sharedtest"
)

// Any folder of photographs suffices to train all tasks.
func TestAllTasksFromPhotographsAlone(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 60, 50, "photos/a.jpg", "b.png", "c.png")
	tasks := []Task{noise, {Kind: Derain, Synth: 2}, {Kind: Dehaze, Synth: 2}, {Kind: Deblur, Synth: 2},
		{Kind: Enhance, Synth: 2}, {Kind: Desnow, Synth: 2}, {Kind: CDD11, Synth: 1}}
	s, r := open(t, options(dir, tasks...))
	if want := 3 * (9 + 5*2 + 11); s.Len() != want || r.sum().Samples != want {
		t.Fatalf("an epoch has %d samples, the report says %d, want %d", s.Len(), r.sum().Samples, want)
	}
	seen := map[string]int{}
	for i := range s.Len() {
		in, target, info := sample(t, s, 0, i)
		// Patches this small may lie between the snowflakes.
		if slices.Equal(in, target) && info.Task != Desnow || info.Params == "" || info.Input != "" {
			t.Errorf("%s is not degraded, or not as made", info)
		}
		again, _, _ := sample(t, s, 0, i)
		if !slices.Equal(in, again) {
			t.Errorf("%s differs when made again", info)
		}
		for _, v := range in {
			if q := float64(v) * 255; v < 0 || v > 1 || math.Abs(q-math.Round(q)) > 1e-4 {
				t.Fatalf("%s has the value %g, which no 8-bit file holds", info, v)
			}
		}
		seen[info.Task]++
	}
	for task, want := range map[string]int{"denoise": 27, "derain": 6, "desnow": 6, "cdd11/low": 3, "cdd11/low_haze_snow": 3} {
		if seen[task] != want {
			t.Errorf("%d samples of %s, want %d", seen[task], task, want)
		}
	}
}

func TestRealAndSyntheticTogether(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 40, 40, "Train/Denoise/1.png", "Train/Denoise/2.png", "Train/Denoise/100075.jpg",
		"Train/Enhance/low/a.png", "Train/Enhance/gt/a.png")
	writeText(t, filepath.Join(dir, "Train/overlap_rain100l_test.txt"), "100075.jpg\n")
	s, r := open(t, options(dir, Task{Kind: Enhance, Repeat: 5, Synth: 3}))
	if s.Len() != 5+2*3 {
		t.Errorf("an epoch has %d samples, want 11", s.Len())
	}
	last := r.Tasks[len(r.Tasks)-1]
	if last.Used != 1 || last.Clean != 2 || last.Samples != 11 {
		t.Errorf("the report says %+v", last)
	}
}

func flat(w, h int, at func(x, y int) uint8) image.Image {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetGray(x, y, color.Gray{at(x, y)})
		}
	}
	return m
}

func TestTransferredRainIsThePairsOwn(t *testing.T) {
	dir := t.TempDir()
	// One streak of 51 levels, on a grey of 100 that compression changed by two; the photograph
	// is grey 20. Of the second pair's rain nothing is known.
	streak := func(x, y int) uint8 {
		if x == 20 {
			return 151
		}
		return 102
	}
	for path, level := range map[string]uint8{"rainy/rain-2.png": 255, "gt/norain-2.png": 100} {
		writeImage(t, filepath.Join(dir, "Train/Derain", path), flat(32, 32, func(int, int) uint8 { return level }))
	}
	writeImage(t, filepath.Join(dir, "Train/Derain/rainy/rain-1.png"), flat(32, 32, streak))
	writeImage(t, filepath.Join(dir, "Train/Derain/gt/norain-1.png"), flat(32, 32, func(int, int) uint8 { return 100 }))
	writeImage(t, filepath.Join(dir, "Train/Denoise/p.png"), flat(32, 32, func(int, int) uint8 { return 20 }))
	s, r := open(t, options(dir, Task{Kind: Derain, Transfer: 20}))
	if s.Len() != 20 || r.sum().Samples != 20 {
		t.Errorf("an epoch has %d samples, the report says %d, want 20", s.Len(), r.sum().Samples)
	}
	strengths := map[float64]bool{}
	for i := range s.Len() {
		in, _, info := sample(t, s, 0, i)
		wet := 0
		for y := range 32 {
			for x := range 32 {
				v := float64(in[y*32+x]) * 255
				if math.Abs(v-20) < .5 {
					continue
				}
				wet++
				strengths[math.Round(v)] = true
				if v < 20+.8*51-1 || v > 20+1.25*51+1 || x != 20 && x != 11 {
					t.Fatalf("%s: level %.0f at (%d, %d)", info, v, x, y)
				}
			}
		}
		if wet != 32 {
			t.Fatalf("%s: %d pixels of rain, want a line of 32", info, wet)
		}
	}
	if len(strengths) < 5 {
		t.Errorf("the strength hardly varies: %v", strengths)
	}
}

func TestGivenDepthIsUsed(t *testing.T) {
	dir := t.TempDir()
	writeImage(t, filepath.Join(dir, "Train/Denoise/p.png"), flat(64, 48, func(x, _ int) uint8 { return uint8(10 + x/32) }))
	// Near on the left (depth 0: no haze), far on the right.
	writeImage(t, filepath.Join(dir, "Train/Dehaze/depth/p.png"), flat(64, 48, func(x, _ int) uint8 { return uint8(255 * (x / 32)) }))
	s, r := open(t, options(dir, Task{Kind: Dehaze, Synth: 4}))
	for i := range s.Len() {
		in, target, info := sample(t, s, 0, i)
		for j, v := range in {
			if near := target[j] == 10./255; near != (v == 10./255) || !near && v <= .1 {
				t.Fatalf("%s: %g becomes %g", info, target[j], v)
			}
		}
	}
	if notes := strings.Join(r.Tasks[1].Notes, ""); !strings.Contains(notes, "1 of 1 photographs") {
		t.Errorf("notes: %q", notes)
	}
	writeImage(t, filepath.Join(dir, "Train/Dehaze/depth/p.png"), flat(16, 32, func(int, int) uint8 { return 0 }))
	s, _ = open(t, options(dir, Task{Kind: Dehaze, Synth: 4}))
	buf := make([]float32, 3*32*32)
	if _, err := s.Sample(buf, buf, 0, 0); err == nil || !strings.Contains(err.Error(), "depth/p.png is 16×32") {
		t.Errorf("a map of another size gives %v", err)
	}
}

// nothing is a degradation that only keeps what it was given.
type nothing struct{ got *degrade.Image }

func (n *nothing) Apply(m *degrade.Image, _ *rand.Rand) *degrade.Image { n.got = m; return m }

func (*nothing) String() string { return "nothing" }

// TestMade: a patch is made with its margin, enlarged up to twice, at its place in the
// photograph, and the target is the same part.
func TestMade(t *testing.T) {
	dir := t.TempDir()
	const side, whole = 32 + 2*blurMargin, 100
	writeImage(t, filepath.Join(dir, "Train/Denoise/p.png"), flat(whole, whole, func(x, _ int) uint8 { return uint8(2 * x) }))
	s, _ := open(t, options(dir, Task{Kind: Deblur, Synth: 60}))
	var n nothing
	s.sources[0].draw = plain(func(*rand.Rand) degrade.Degradation { return &n })
	least, most := 2., 0.
	for i := range s.Len() {
		in, target, _ := sample(t, s, 0, i)
		if !slices.Equal(in, target) {
			t.Fatalf("sample %d: the target is another part than the input", i)
		}
		row := n.got.Plane(0)[:side]
		zoom := float64(n.got.FullW) / whole
		if slope := float64(row[side-8]-row[8]) * 255 / 2 / (side - 16); math.Abs(1/zoom-slope) > .03 {
			t.Errorf("sample %d: a slope of %.2f in a photograph enlarged to %d", i, slope, n.got.FullW)
		}
		if x := float64(row[8])*255/2*zoom - 8; math.Abs(x-float64(n.got.X)) > 3 {
			t.Errorf("sample %d is said to begin at %d, not %.1f", i, n.got.X, x)
		}
		least, most = min(least, zoom), max(most, zoom)
	}
	if least < 1 || least > 1.1 || most < 1.9 || most > 2 {
		t.Errorf("enlarged %.2f to %.2f times", least, most)
	}
}

// TestGivenMaps: a composition gets the depth and the light of its own folders.
func TestGivenMaps(t *testing.T) {
	dir := t.TempDir()
	for name, level := range map[string]uint8{"Train/Denoise/p.png": 10, "depth/p.png": 51, "light/p.png": 102} {
		writeImage(t, filepath.Join(dir, name), flat(32, 32, func(int, int) uint8 { return level }))
	}
	s, _ := open(t, options(dir, Task{Kind: CDD11, Kinds: []string{"low_haze"}, Synth: 1, Depth: "depth", Light: "light"}))
	src := s.sources[0]
	d, err := src.draw(s, src.pairs[0], NewImage(32, 32), image.Rect(0, 0, 8, 8), newRand(1))
	if err != nil {
		t.Fatal(err)
	}
	if c := d.(degrade.CDD11); len(c.Inverse) != 64 || c.Inverse[0] != .2 || len(c.Light) != 64 || c.Light[0] != .4 {
		t.Errorf("depth %v, light %v; want .2 and .4 of 64 pixels", c.Inverse, c.Light)
	}
}

func TestBlurWithKernelsFromAFile(t *testing.T) {
	kernels := sharedtest.Shared(t, "data/kernels/kernels_12.mat")
	dir := t.TempDir()
	writeImages(t, dir, 60, 60, "a.png")
	s, _ := open(t, options(dir, Task{Kind: Deblur, Synth: 20, Kernels: kernels}))
	kinds := map[string]int{}
	for i := range s.Len() {
		_, _, info := sample(t, s, 0, i)
		kind, _, _ := strings.Cut(info.Params, " ")
		kinds[kind]++
	}
	if kinds["kernel"] < 4 || kinds["motion"] < 4 {
		t.Errorf("of 20 samples %v", kinds)
	}
	o := options(dir, Task{Kind: Deblur, Synth: 1, Kernels: "none.mat"})
	if _, _, err := Open(o); err == nil || !strings.Contains(err.Error(), "kernels: ") {
		t.Errorf("a missing file of kernels gives %v", err)
	}
}

func TestCompositionsOnDisk(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "CDD-11_train/clear/1.png", "CDD-11_train/low_haze/1.png", "CDD-11_train/rain/1.png")
	s, r := open(t, options(dir, Task{Kind: CDD11, Repeat: 2, Kinds: []string{"low_haze", "rain"}}))
	if s.Len() != 4 || len(r.Tasks) != 2 || r.Tasks[0].Task != "cdd11/low_haze" || r.Tasks[0].Expected != 1183 {
		t.Errorf("%d samples, report %+v", s.Len(), r.Tasks)
	}
	_, _, err := Open(options(dir, Task{Kind: CDD11, Repeat: 2}))
	if err == nil || !strings.Contains(err.Error(), "cdd11/low: no images in") {
		t.Errorf("a missing composition gives %v", err)
	}
}

func TestTaskErrors(t *testing.T) {
	for want, task := range map[string]Task{
		"repeat = -1: must be in":                               {Kind: Derain, Repeat: -1},
		"synth = 1: must be left out":                           {Kind: Pairs, Synth: 1},
		"transfer = 1: must be left out: it is for derain":      {Kind: Dehaze, Transfer: 1},
		"the layout has no pairs":                               {Kind: Desnow, Repeat: 1},
		"sigmas = [5]: must be left out":                        {Kind: Derain, Repeat: 1, Sigmas: []float64{5}},
		`input = "a": must be left out: the task makes its own`: {Kind: Denoise, Repeat: 1, Sigmas: []float64{5}, Input: "a"},
		`kernels = "a": must be left out`:                       {Kind: Derain, Repeat: 1, Kernels: "a"},
		`light = "a": must be left out`:                         {Kind: Dehaze, Repeat: 1, Light: "a"},
		"kinds = [low]: must be left out":                       {Kind: Dehaze, Repeat: 1, Kinds: []string{"low"}},
		`kinds = "dark": must be one of`:                        {Kind: CDD11, Synth: 1, Kinds: []string{"dark"}},
		"no maps in":                                            {Kind: Dehaze, Synth: 1, Depth: "nowhere"},
		"no images in":                                          {Kind: Derain, Transfer: 1},
	} {
		dir := t.TempDir()
		writeImages(t, dir, 32, 32, "a.png")
		if _, _, err := Open(options(dir, task)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error is %v, want one that says %q", task, err, want)
		}
	}
}

// Synthetic inputs must be about as hard as real ones: the mean PSNR of the field's
// test sets, in dB. (Patches of blurred images score two decibels above the images,
// because flat ones hardly change.)
func TestSyntheticInputsAreAsHardAsReal(t *testing.T) {
	root := sharedtest.Shared(t, "data")
	for kind, want := range map[string][2]float64{Derain: {23.5, 26.5}, Enhance: {7.5, 10}, Dehaze: {12.5, 18}, Deblur: {24, 29}} {
		o := options(root, Task{Kind: kind, Synth: 1})
		o.Patch = 128
		s, _ := open(t, o)
		mean, n := 0., 40
		for i := range n {
			in, target, _ := sample(t, s, 0, i)
			sum := 0.
			for j := range in {
				d := float64(in[j] - target[j])
				sum += d * d / float64(len(in))
			}
			mean += -10 * math.Log10(sum) / float64(n)
		}
		if mean < want[0] || mean > want[1] {
			t.Errorf("%s: inputs of %.1f dB, want %v", kind, mean, want)
		}
	}
}

func TestPreview(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 60, 50, "Train/Denoise/a.jpg", "Train/Enhance/low/b.png", "Train/Enhance/gt/b.png")
	s, _ := open(t, options(dir, noise, Task{Kind: Enhance, Repeat: 3, Synth: 9}))
	rows, err := s.previewRows(0, 5)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, row := range rows {
		order = append(order, fmt.Sprint(row[0].info.Task, row[0].info.Input == "", len(row)))
	}
	if want := []string{"denoisetrue 5", "enhancefalse 3", "enhancetrue 5"}; !slices.Equal(order, want) {
		t.Errorf("rows %q, want %q", order, want)
	}
	sheet, err := s.Preview(0, 5)
	if err != nil {
		t.Fatal(err)
	}
	if len(sheet.Rows) != 3 || len(sheet.Rows[0]) != 5 || len(sheet.Rows[1]) != 3 {
		t.Fatalf("the sheet has %d rows", len(sheet.Rows))
	}
	// Patches of 32 are enlarged to 160, with the target after a line of two pixels.
	p, c := sheet.Rows[1][1].(draw.Picture), rows[1][1]
	if got := p.Image.Bounds().Size(); got != image.Pt(2*160+2, 160) {
		t.Errorf("a pair is %v", got)
	}
	for x, pix := range map[int][]float32{0: c.input, 4: c.input, 162: c.target} {
		level := func(v float32) uint8 { return uint8(v*255 + .5) }
		want := color.RGBA{level(pix[0]), level(pix[32*32]), level(pix[2*32*32]), 255}
		if got := p.Image.At(x, 3); got != want {
			t.Errorf("the pair's column %d begins with %v, want %v", x, got, want)
		}
	}
	if !strings.HasPrefix(p.Title, "enhance") || !strings.Contains(p.Title, " dB") || !strings.HasPrefix(p.Note, "real: b.png") {
		t.Errorf("texts %q and %q", p.Title, p.Note)
	}
	notes := strings.Join(sheet.Notes, " ")
	if !strings.Contains(notes, "σ is") || !strings.Contains(notes, "γ is") || strings.Contains(notes, "β") {
		t.Errorf("the symbols of noise and low light are explained as %q", notes)
	}
	if err := sheet.PNG(io.Discard); err != nil {
		t.Error(err)
	}
}

// TestSymbols: every symbol in a degradation's parameters is explained.
func TestSymbols(t *testing.T) {
	for _, d := range []fmt.Stringer{degrade.Haze{}, degrade.LowLight{}, degrade.Rain{}, degrade.Snow{}, degrade.CDD11{}} {
		for word := range strings.FieldsSeq(d.String()) {
			if sign, _, is := strings.Cut(word, "="); is && !strings.Contains(explained(" "+word), sign+" ") {
				if sign != "w" && sign != "close" { // explained with ℓ and far
					t.Errorf("%q of %q is not explained", word, d)
				}
			}
		}
	}
}

// TestVariationsAreExplained: a sheet explains every word of a variation that is on it,
// and no other.
func TestVariationsAreExplained(t *testing.T) {
	for want, v := range map[string]variation{
		"":                 {strength: 1},
		"drawn shapes":     {strength: 1, graphics: true},
		"“of JPEG”":        {strength: 1, before: 31},
		"JPEG is":          {strength: 1, after: 60},
		"of that strength": {strength: .23},
		"lost their":       {strength: 1, grey: true},
		"as in films":      {strength: 1, bars: true},
	} {
		got := explained(v.String())
		if (got == "") != (want == "") || !strings.Contains(got, want) || strings.Contains(got, ";") {
			t.Errorf("%q is explained as %q, want %q", v, got, want)
		}
	}
	for sign, d := range map[string]fmt.Stringer{"objects are": degrade.Motion{}, "kernel is": degrade.Kernel{}} {
		if got := explained(" " + d.String()); !strings.Contains(got, sign) {
			t.Errorf("%q is explained as %q", d, got)
		}
	}
}

func TestFromPlanarRounds(t *testing.T) {
	planes := []float32{0, .5 / 255, 1.49 / 255, 1, .999, .25}
	if got := fromPlanar(planar.Image{C: 3, H: 1, W: 2, Pix: planes}); !slices.Equal(got.Pix, []uint8{0, 1, 255, 1, 255, 64}) {
		t.Errorf("pixels %v", got.Pix)
	}
}

// TestPreviewFits: a sheet that does not fit in memory is refused before anything is
// allocated, naming the patch that fits; and that does fit.
func TestPreviewFits(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 60, 50, "Train/Denoise/a.jpg")
	for _, c := range []struct {
		patch  int
		memory int64
		want   string
	}{
		{4096, 1 << 30, "drawing 5 samples of 4096×4096 takes about 5.3 GiB of memory, and 1.0 GiB are free: train.patch: 1696 fits"},
		{2048, 3 << 29, ""}, {1696, 1 << 30, ""}, {1712, 1 << 30, "train.patch: 1696 fits"}, {32, 1 << 20, "preview fewer tasks"}, {32, 0, ""},
	} {
		o := options(dir, noise)
		o.Patch = c.patch
		s, _ := open(t, o)
		s.opts.Memory = c.memory
		if err := s.previewFits(5); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d with %d bytes: %v, want %q", c.patch, c.memory, err, c.want)
		}
	}
	s, _ := open(t, options(dir, noise))
	s.opts.Memory = 1
	if _, err := s.Preview(0, 5); err == nil {
		t.Error("it is drawn without memory")
	}
}
