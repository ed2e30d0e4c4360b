package imageio

import (
	"errors"
	"fmt"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kinds returns the depths and channels that a format holds, at an odd size.
func kinds(f Format) (infos []Info) {
	for _, depth := range []int{8, 16} {
		for _, grey := range []bool{false, true} {
			for _, alpha := range []bool{false, true} {
				info := Info{Format: f, W: 31, H: 37, Depth: depth, Grey: grey, Alpha: alpha}
				if fitted, _ := Fit(info, f); fitted.Depth == depth && fitted.Grey == grey && fitted.Alpha == alpha {
					infos = append(infos, info)
				}
			}
		}
	}
	return infos
}

func kindName(i Info) string {
	return fmt.Sprintf("%v_%dbit_grey=%v_alpha=%v", i.Format, i.Depth, i.Grey, i.Alpha)
}

// TestRoundTrip writes and reads every kind of picture in every lossless format that
// holds it.
func TestRoundTrip(t *testing.T) {
	count := map[Format]int{PNG: 8, TIFF: 6, WebP: 2, BMP: 1}
	for _, f := range []Format{PNG, TIFF, WebP, BMP} {
		infos := kinds(f)
		for _, info := range infos {
			count[f]--
			t.Run(kindName(info), func(t *testing.T) {
				m := sceneOf(info)
				same(t, decoded(t, encoded(t, m, info, Options{})), m)
			})
		}
		if count[f] != 0 {
			t.Errorf("%v holds %d kinds more than expected", f, -count[f])
		}
	}
}

// TestJPEGQuality compares the encoder with what libjpeg achieves on this picture at
// 4:4:4 (Pillow 13).
func TestJPEGQuality(t *testing.T) {
	m, err := Open("../../testdata/images/chelsea.png", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	info, lost := Fit(m.Info, JPEG)
	if len(lost) > 0 {
		t.Fatal(lost)
	}
	for quality, want := range map[int]float64{10: 27.5, 25: 30.7, 50: 32.9, 75: 35.2, 95: 41.6, 100: 53.7, 0: 41.6} {
		data := encoded(t, m, info, Options{Quality: quality})
		if _, err := jpeg.Decode(strings.NewReader(string(data))); err != nil {
			t.Fatal(err)
		}
		got, whole, sum := values(t, decoded(t, data)), values(t, m), 0.0
		for i := range got {
			d := float64(got[i] - whole[i])
			sum += d * d
		}
		if psnr := 10 * math.Log10(255*255*float64(len(got))/sum); psnr < want-.1 || psnr > want+.4 {
			t.Errorf("quality %d: %.2f dB, want %.2f", quality, psnr, want)
		}
	}
}

// TestJPEGSizes writes pictures that do not fill a block, grey and in colour, and one
// with the largest possible coefficients.
func TestJPEGSizes(t *testing.T) {
	for _, grey := range []bool{false, true} {
		for _, size := range [][2]int{{1, 1}, {8, 8}, {7, 9}, {17, 1}, {1, 23}} {
			info := Info{Format: JPEG, W: size[0], H: size[1], Depth: 8, Grey: grey}
			m := New(info)
			white := make([]float32, 3*info.W*info.H)
			for i := range white {
				if i%info.W/2%2 == 0 {
					white[i] = 1
				}
			}
			m.SetTile(m.Bounds(), white, nil)
			got := decoded(t, encoded(t, m, info, Options{Quality: 100}))
			if got.W != info.W || got.H != info.H || got.Grey != grey {
				t.Errorf("%v became %d×%d, grey %v", size, got.W, got.H, got.Grey)
			}
			if worst, _ := difference(t, values(t, got), values(t, m)); worst > 2 {
				t.Errorf("%v, grey %v: values differ by up to %d", size, grey, worst)
			}
		}
	}
}

func TestFit(t *testing.T) {
	full := Info{W: 4, H: 4, Depth: 16, Alpha: true,
		Meta: Metadata{EXIF: exifOf(1, 4, 4), ICC: iccOf("RGB ", 10), XMP: []byte("<x/>")}}
	huge := full
	huge.Meta.EXIF, huge.Meta.XMP = make([]byte, 70000), make([]byte, 70000)
	grey := Info{W: 4, H: 4, Depth: 8, Grey: true, Meta: Metadata{ICC: iccOf("GRAY", 10)}}
	for _, tc := range []struct {
		info Info
		f    Format
		lost []string
	}{
		{full, PNG, nil},
		{full, TIFF, nil},
		{full, WebP, []string{"16 bits become 8"}},
		{full, JPEG, []string{"16 bits become 8", "JPEG has no alpha"}},
		{full, BMP, []string{"16 bits", "BMP has no alpha", "EXIF", "XMP", "colour profile"}},
		{huge, PNG, nil},
		{huge, JPEG, []string{"16 bits", "alpha", "EXIF block does not fit into JPEG", "XMP packet does not fit"}},
		{grey, JPEG, nil},
		{grey, WebP, []string{"without the grey colour profile"}},
	} {
		fitted, lost := Fit(tc.info, tc.f)
		if len(lost) != len(tc.lost) {
			t.Errorf("%v: lost %q, want %q", tc.f, lost, tc.lost)
			continue
		}
		for i, want := range tc.lost {
			if !strings.Contains(lost[i], want) {
				t.Errorf("%v: lost %q, want %q", tc.f, lost[i], want)
			}
		}
		if again, lost := Fit(fitted, tc.f); len(lost) > 0 || again.Format != tc.f {
			t.Errorf("%v: the fitted info does not fit: %q", tc.f, lost)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		info Info
		o    Options
		want string
	}{
		"alpha in JPEG":   {Info{Format: JPEG, W: 4, H: 4, Depth: 8, Alpha: true}, Options{}, "no alpha"},
		"16-bit WebP":     {Info{Format: WebP, W: 4, H: 4, Depth: 16}, Options{}, "16 bits"},
		"wide WebP":       {Info{Format: WebP, W: 16384, H: 4, Depth: 8}, Options{}, "write another format"},
		"tall JPEG":       {Info{Format: JPEG, W: 4, H: 65536, Depth: 8}, Options{}, "from 1 to 65535"},
		"empty":           {Info{Format: PNG, Depth: 8}, Options{}, "0×0"},
		"quality":         {Info{Format: JPEG, W: 4, H: 4, Depth: 8}, Options{Quality: 101}, "use 1 to 100"},
		"TIFF over 4 GiB": {Info{Format: TIFF, W: 40000, H: 40000, Depth: 8}, Options{}, "write PNG"},
	} {
		path := filepath.Join(t.TempDir(), "out")
		err := WriteFile(path, tc.info, tc.o, func(*Writer) error { return nil })
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
			t.Errorf("%s: %v was left behind", name, left)
		}
	}
}

// failing fails from its n-th byte on, as a full disk does.
type failing struct{ n int }

var errFull = errors.New("no space left")

func (f *failing) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestFullDisk fails at various places of every format's file.
func TestFullDisk(t *testing.T) {
	for _, f := range Formats {
		info := Info{Format: f, W: 300, H: 400, Depth: 8}
		m := sceneOf(info)
		size := len(encoded(t, m, info, Options{}))
		for _, room := range []int{0, 10, size / 2, size - 1} {
			if err := m.Encode(&failing{room}, info, Options{}); !errors.Is(err, errFull) {
				t.Errorf("%v with %d of %d bytes: %v", f, room, size, err)
			}
		}
		if err := m.Encode(&failing{size}, info, Options{}); err != nil {
			t.Errorf("%v: %v", f, err)
		}
	}
}

func TestMissingRows(t *testing.T) {
	info := Info{Format: PNG, W: 4, H: 4, Depth: 8}
	path := filepath.Join(t.TempDir(), "p.png")
	err := WriteFile(path, info, Options{}, func(w *Writer) error { return w.Rows(make([]float32, 3*4*3), nil) })
	if err == nil || !strings.Contains(err.Error(), "3 of 4 rows") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

// TestFlattened saves a picture with alpha in a format without: on white.
func TestFlattened(t *testing.T) {
	info := Info{Format: PNG, W: 3, H: 1, Depth: 8, Alpha: true}
	m := New(info)
	m.SetTile(m.Bounds(), []float32{1, 1, 1, 0, 0, 0, 0, 0, 0}, []float32{1, 0, 0.4})
	out, _ := Fit(info, BMP)
	got := values(t, decoded(t, encoded(t, m, out, Options{})))
	want := []int{255, 255, 255, 0, 255, 153, 0, 255, 153}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFormatNames(t *testing.T) {
	for _, f := range Formats {
		if got, err := FormatOf("a.b" + strings.ToUpper(f.Ext())); err != nil || got != f {
			t.Errorf("FormatOf(%q) = %v, %v", f.Ext(), got, err)
		}
		if got, err := ParseFormat(f.Ext()[1:]); err != nil || got != f {
			t.Errorf("ParseFormat(%q) = %v, %v", f.Ext()[1:], got, err)
		}
		if strings.Contains(f.String(), "Format") {
			t.Errorf("%d has no name", f)
		}
	}
	for _, name := range []string{"a.gif", "png", "", "a.", "folder.png/a"} {
		if f, err := FormatOf(name); err == nil || !strings.Contains(err.Error(), ".png") {
			t.Errorf("FormatOf(%q) = %v, %v", name, f, err)
		}
	}
	if _, err := ParseFormat("gif"); err == nil {
		t.Error("gif is a format")
	}
	if got := Format(77).String(); got != "Format(77)" {
		t.Errorf("got %q", got)
	}
}
