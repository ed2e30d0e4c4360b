package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/imageio"
)

// skips returns the report's skips as "file: reason", sorted.
func skips(t *TaskReport, root string) []string {
	var out []string
	for _, s := range t.Skipped {
		rel, _ := filepath.Rel(root, s.File)
		out = append(out, fmt.Sprintf("%s: %s", filepath.ToSlash(rel), s.Reason))
	}
	slices.Sort(out)
	return out
}

func TestScanPairs(t *testing.T) {
	tests := []struct {
		name  string
		task  Task
		files []string
		text  map[string]string
		used  []string // base names of the pairs used
		skips []string
	}{{
		name: "rain across extensions and leading zeros",
		task: Task{Kind: Derain, Repeat: 1},
		files: []string{"Train/Derain/rainy/rain-1.png", "Train/Derain/gt/norain-001.jpg",
			"Train/Derain/rainy/rain-20.jpg", "Train/Derain/gt/norain-20.png",
			"Train/Derain/rainy/rain-3.png", "Train/Derain/gt/norain-4.png"},
		used:  []string{"rain-1.png norain-001.jpg", "rain-20.jpg norain-20.png"},
		skips: []string{"Train/Derain/gt/norain-4.png: " + string(NoInput), "Train/Derain/rainy/rain-3.png: " + string(NoTarget)},
	}, {
		name: "several hazy images of one clean",
		task: Task{Kind: Dehaze, Repeat: 1},
		files: []string{"Train/Dehaze/original/0025.jpg", "Train/Dehaze/synthetic/part1/0025_0.8_0.1.jpg",
			"Train/Dehaze/synthetic/part2/0025_1_0.16.jpg", "Train/Dehaze/synthetic/part2/0026_1_0.2.jpg"},
		used:  []string{"0025_0.8_0.1.jpg 0025.jpg", "0025_1_0.16.jpg 0025.jpg"},
		skips: []string{"Train/Dehaze/synthetic/part2/0026_1_0.2.jpg: " + string(NoTarget)},
	}, {
		name: "a damaged clean image of several hazy ones",
		task: Task{Kind: Dehaze, Repeat: 1},
		files: []string{"Train/Dehaze/original/0026.jpg", "Train/Dehaze/synthetic/part1/0025_0.8_0.1.jpg",
			"Train/Dehaze/synthetic/part2/0025_1_0.16.jpg", "Train/Dehaze/synthetic/part2/0026_1_0.2.jpg"},
		text:  map[string]string{"Train/Dehaze/original/0025.jpg": "text"},
		used:  []string{"0026_1_0.2.jpg 0026.jpg"},
		skips: []string{"Train/Dehaze/original/0025.jpg: " + string(Unreadable)},
	}, {
		name:  "scenes in folders of their own",
		task:  Task{Kind: Deblur, Repeat: 1},
		files: []string{"Train/Deblur/blur/s1/000047.png", "Train/Deblur/sharp/s1/000047.png", "Train/Deblur/blur/s2/000047.png"},
		used:  []string{"000047.png 000047.png"},
		skips: []string{"Train/Deblur/blur/s2/000047.png: " + string(NoTarget)},
	}, {
		name:  "what is no image",
		task:  Task{Kind: Enhance, Repeat: 1},
		files: []string{"Train/Enhance/low/1.png", "Train/Enhance/gt/1.png", "Train/Enhance/gt/2.png", "Train/Enhance/gt/1.jpg", "Train/Enhance/gt/3.jpg"},
		text:  map[string]string{"Train/Enhance/low/2.png": "text", "Train/Enhance/low/notes": "", "Train/Enhance/low/4.gif": "GIF89a", "Train/Enhance/low/Thumbs.db": "", "Train/Enhance/low/.hidden": ""},
		used:  []string{"1.png 1.jpg"},
		skips: []string{"Train/Enhance/gt/1.png: " + string(Duplicate), "Train/Enhance/gt/3.jpg: " + string(NoInput),
			"Train/Enhance/low/2.png: " + string(Unreadable), "Train/Enhance/low/4.gif: " + string(NotRead), "Train/Enhance/low/notes: " + string(NotImage)},
	}, {
		name:  "names that differ in zeros alone",
		task:  Task{Kind: Pairs, Repeat: 1, Input: "in", Target: "out"},
		files: []string{"in/1.png", "in/01.png", "in/001.png", "out/1.jpg", "out/01.png", "out/01.tif", "out/0001.png"},
		used:  []string{"001.png 0001.png", "01.png 01.png", "1.png 1.jpg"},
		skips: []string{"out/01.tif: " + string(Duplicate)},
	}, {
		name:  "rain and its clean image in one folder",
		task:  Task{Kind: Derain, Repeat: 1, Input: "both", Target: "both"},
		files: []string{"both/rain-1.png", "both/norain-001.png", "both/norain-2.png", "both/rain-3.png"},
		used:  []string{"rain-1.png norain-001.png"},
		skips: []string{"both/norain-2.png: " + string(NoTarget), "both/norain-2.png: " + string(NoInput),
			"both/rain-3.png: " + string(NoTarget), "both/rain-3.png: " + string(NoInput)},
	}, {
		name: "hazy images whose names begin with several clean ones'",
		task: Task{Kind: Dehaze, Repeat: 1, Input: "hazy", Target: "clear"},
		files: []string{"clear/park.png", "clear/park_2.png", "clear/0001.png", "hazy/park_1.png", "hazy/park_2_1.png",
			"hazy/park_2_0.8_0.1.png", "hazy/0001_0.8_0.2.png", "hazy/0001.png"},
		used: []string{"0001.png 0001.png", "0001_0.8_0.2.png 0001.png", "park_1.png park.png", "park_2_0.8_0.1.png park_2.png", "park_2_1.png park_2.png"},
	}, {
		name:  "letters composed and decomposed",
		task:  Task{Kind: Pairs, Repeat: 1, Input: "in", Target: "out"},
		files: []string{"in/Ze\u0301/u\u0308.png", "out/Z\u00e9/\u00dc.png", "in/a\u030a.png", "out/\u00e5.png"},
		text:  map[string]string{"leave.txt": "\u00e5.png\n"},
		used:  []string{"u\u0308.png \u00dc.png"},
		skips: []string{"in/a\u030a.png: " + string(Excluded)},
	}, {
		name:  "folders of one's own and an exclusion",
		task:  Task{Kind: Pairs, Repeat: 1, Input: "in", Target: "out"},
		files: []string{"in/a.png", "out/a.jpg", "in/b.png", "out/b.png"},
		text:  map[string]string{"leave.txt": "# not these\n\nsome/folder/B.jpg\r\n"},
		used:  []string{"a.png a.jpg"},
		skips: []string{"in/b.png: " + string(Excluded)},
	}, {
		name: "the family's list for rain",
		task: Task{Kind: Derain, Repeat: 1},
		files: []string{"Train/Derain/rainy/rain-001.png", "Train/Derain/gt/norain-001.png",
			"Train/Derain/rainy/rain-002.png", "Train/Derain/gt/norain-002.png"},
		text:  map[string]string{"data_dir/rainy/rainTrain.txt": "rainy/rain-1.png\nrainy/rain-7.png\n"},
		used:  []string{"rain-001.png norain-001.png"},
		skips: []string{"Train/Derain/rainy/rain-002.png: " + string(NotListed)},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeImages(t, dir, 32, 32, tt.files...)
			for name, text := range tt.text {
				writeText(t, filepath.Join(dir, name), text)
			}
			o := options(dir, tt.task)
			if tt.text["leave.txt"] != "" {
				o.Exclude = []string{"leave.txt"}
			}
			s, r := open(t, o)
			var used []string
			for _, p := range s.sources[0].pairs {
				used = append(used, filepath.Base(p.input)+" "+filepath.Base(p.target))
			}
			if !slices.Equal(used, tt.used) {
				t.Errorf("used %q, want %q", used, tt.used)
			}
			if got := skips(r.Tasks[0], dir); !slices.Equal(got, tt.skips) {
				t.Errorf("skipped\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.skips, "\n"))
			}
		})
	}
}

// TestCircularLinks: a link to a folder around it does not make the images count again.
func TestCircularLinks(t *testing.T) {
	dir := t.TempDir()
	writeImage(t, filepath.Join(dir, "a/b/1.png"), flat(4, 4, func(int, int) uint8 { return 0 }))
	for link, to := range map[string]string{"a/up": "..", "a/b/around": "../../a", "a/again": "b"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err) // Windows allows links to some users only
		}
	}
	images, others, err := listImages(dir)
	if err != nil || len(images) != 2 || len(others) != 3 { // around is in b and in again
		t.Errorf("%v: %d images, others %q", err, len(images), others)
	}
	file := filepath.Join(dir, "a/b/1.png")
	if _, _, err := listImages(file); err == nil || !strings.HasPrefix(err.Error(), "cannot read "+file+": ") {
		t.Errorf("a file in place of a folder: %v", err)
	}
}

// TestDanglingLinks: a link that is named like an image is one that cannot be read.
func TestDanglingLinks(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "photos/a.png")
	for _, link := range []string{"photos/b.png", "photos/notes"} {
		if err := os.Symlink("absent", filepath.Join(dir, link)); err != nil {
			t.Skip(err) // Windows allows links to some users only
		}
	}
	o := options(dir, noise)
	o.Clean = []string{"photos"}
	_, r := open(t, o)
	lost := filepath.Join(dir, "photos/b.png")
	want := []Skip{{lost, Unreadable, "cannot read " + lost + ": there is no such file"}, {filepath.Join(dir, "photos/notes"), NotImage, ""}}
	if got := r.Tasks[0].Skipped; !slices.Equal(got, want) || r.Unreadable() != 1 {
		t.Errorf("skipped %+v, want %+v", got, want)
	}
}

// turnedJPEG writes a black JPEG of w×h stored pixels that EXIF turns by a quarter.
func turnedJPEG(t *testing.T, path string, w, h int) {
	t.Helper()
	exif := "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	info := imageio.Info{Format: imageio.JPEG, W: w, H: h, Depth: 8, Meta: imageio.Metadata{EXIF: []byte(exif)}}
	black := func(out *imageio.Writer) error { return out.Rows(make([]float32, 3*w*h), nil) }
	if err := imageio.WriteFile(path, info, imageio.Options{}, black); err != nil {
		t.Fatal(err)
	}
}

// TestTurnedSizes: sizes are compared for the upright pictures, as in training.
func TestTurnedSizes(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 48, "in/a.jpg", "in/b.jpg", "out/a.png", "out/b.png")
	turnedJPEG(t, filepath.Join(dir, "in/a.jpg"), 48, 32)
	turnedJPEG(t, filepath.Join(dir, "in/b.jpg"), 32, 48)
	s, r := open(t, options(dir, Task{Kind: Pairs, Repeat: 1, Input: "in", Target: "out"}))
	want := Skip{filepath.Join(dir, "in/b.jpg"), SizesDiffer, "48×32, clean 32×48"}
	if got := r.Tasks[0].Skipped; !slices.Equal(got, []Skip{want}) {
		t.Errorf("skipped %+v, want %+v", got, want)
	}
	input, target := make([]float32, 3*s.opts.Patch*s.opts.Patch), make([]float32, 3*s.opts.Patch*s.opts.Patch)
	for i := range s.Len() {
		if _, err := s.Sample(input, target, 0, i); err != nil {
			t.Error(err)
		}
	}
}

// TestFoldersThatOverlap: a photograph counts once, whichever of the named folders hold it.
func TestFoldersThatOverlap(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "photos/a.png", "photos/new/b.png", "other/a.png")
	writeText(t, filepath.Join(dir, "photos/new/notes"), "")
	o := options(dir, noise)
	o.Clean = []string{"photos", "photos/new", "other", "other/"}
	s, r := open(t, o)
	if task := r.Tasks[0]; task.Found != 3 || task.Used != 3 || len(s.sources[0].pairs) != 3 {
		t.Errorf("%d found, %d used of 3", task.Found, task.Used)
	}
	if got := skips(r.Tasks[0], dir); !slices.Equal(got, []string{"photos/new/notes: " + string(NotImage)}) {
		t.Errorf("skipped %q", got)
	}
}

// TestPlainFolder: a folder of photographs without Train is one of clean photographs, but
// the test sets in it are not trained on.
func TestPlainFolder(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "a.png", "b/test/c.png")
	var want []string
	for _, b := range Standard().benchmarks {
		for _, d := range slices.Concat(b.Clean, b.Input, b.Target) {
			file := strings.ReplaceAll(d, "{kind}", "low") + "/a.png"
			writeImages(t, dir, 32, 32, file)
			want = append(want, file+": "+string(Overlaps))
		}
	}
	s, r := open(t, options(dir, noise))
	if got := s.files("", pair.files); !slices.Equal(got, []string{filepath.Join(dir, "a.png"), filepath.Join(dir, "b/test/c.png")}) {
		t.Errorf("trained on %q", got)
	}
	slices.Sort(want)
	if got := skips(r.Tasks[0], dir); !slices.Equal(got, slices.Compact(want)) {
		t.Errorf("skipped\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSizesThatDiffer(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "in/a.png", "out/a.png", "in/b.png", "in/c.png")
	writeImages(t, dir, 33, 32, "out/b.png")
	writeImages(t, dir, 32, 31, "out/c.png")
	_, r := open(t, options(dir, Task{Kind: Pairs, Repeat: 1, Input: "in", Target: "out"}))
	want := []Skip{{filepath.Join(dir, "in/b.png"), SizesDiffer, "32×32, clean 33×32"}, {filepath.Join(dir, "in/c.png"), SizesDiffer, "32×32, clean 32×31"}}
	if got := r.Tasks[0].Skipped; !slices.Equal(got, want) {
		t.Errorf("skipped %+v, want %+v", got, want)
	}
}

// BSD's file names often lack the "a" of the family's list, whose readers then silently
// drop 400 images.
func TestListWithoutPrefix(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "Train/Denoise/3063.jpg", "Train/Denoise/03063.png", "Train/Denoise/a117025.jpg",
		"Train/Denoise/118015.jpg", "Train/Denoise/100075.jpg", "Train/Denoise/9999.jpg")
	writeText(t, filepath.Join(dir, "noisy/denoise.txt"), "03063.bmp\na3063.jpg\na117025.jpg\na118015.jpg\na100075.jpg\n00001.bmp\n")
	writeText(t, filepath.Join(dir, "Train/overlap_rain100l_test.txt"), "100075.jpg\na117025.jpg\n")

	s, r := open(t, options(dir, noise))
	task := r.Tasks[0]
	if task.Used != 3 || len(s.sources[0].pairs) != 3 {
		t.Errorf("used %d of 6 images, want 03063, 3063 and 118015", task.Used)
	}
	want := []string{"Train/Denoise/100075.jpg: " + string(Overlaps), "Train/Denoise/9999.jpg: " + string(NotListed),
		"Train/Denoise/a117025.jpg: " + string(Overlaps)}
	if got := skips(task, dir); !slices.Equal(got, want) {
		t.Errorf("skipped %q, want %q", got, want)
	}
	notes := strings.Join(task.Notes, "\n")
	for _, n := range []string{"3 names differ from the list's by an \"a\"", "1 of the list's 6 names have no file, such as 00001"} {
		if !strings.Contains(notes, n) {
			t.Errorf("notes %q lack %q", notes, n)
		}
	}
	o := options(dir, noise)
	o.IgnoreLists, o.KeepOverlaps = true, true
	if _, r := open(t, o); r.Tasks[0].Used != 6 {
		t.Errorf("without lists %d images are used, want 6", r.Tasks[0].Used)
	}
}

// TestExclusionsOfPairs: a list names either picture of a pair. A line with the folders of a
// file that is there means this file alone, as messages name it; others hold for any folder.
func TestExclusionsOfPairs(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "Train/Derain/rainy/rain-1.png", "Train/Derain/gt/norain-1.png", "Train/Derain/rainy/rain-2.png", "Train/Derain/gt/norain-2.png",
		"Train/Deblur/blur/s1/1.png", "Train/Deblur/sharp/s1/1.png", "Train/Deblur/blur/s2/1.png", "Train/Deblur/sharp/s2/1.png",
		"Train/Deblur/blur/s1/2.png", "Train/Deblur/sharp/s1/2.png", "Train/Deblur/blur/s2/2.png", "Train/Deblur/sharp/s2/2.png")
	t.Chdir(filepath.Dir(dir))
	for list, want := range map[string][]string{
		"norain-1.png":                                             {"s1/1.png", "s1/2.png", "s2/1.png", "s2/2.png", "rainy/rain-2.png"},
		"gt/norain-2.png\ns3/2.png":                                {"s1/1.png", "s2/1.png", "rainy/rain-1.png"},
		"Train/Deblur/blur/s1/1.png":                               {"s1/2.png", "s2/1.png", "s2/2.png", "rainy/rain-1.png", "rainy/rain-2.png"},
		dir + "/Train/Deblur/sharp/s2/1.png":                       {"s1/1.png", "s1/2.png", "s2/2.png", "rainy/rain-1.png", "rainy/rain-2.png"},
		filepath.Base(dir) + "/Train/Deblur/sharp/s2/2.png\n1.png": {"s1/2.png", "rainy/rain-1.png", "rainy/rain-2.png"},
	} {
		writeText(t, filepath.Join(dir, "leave.txt"), list)
		o := options(dir, Task{Kind: Deblur, Repeat: 1}, Task{Kind: Derain, Repeat: 1})
		o.Exclude = []string{"leave.txt"}
		s, _ := open(t, o)
		var got []string
		for _, src := range s.sources {
			for _, p := range src.pairs {
				got = append(got, filepath.Base(filepath.Dir(p.input))+"/"+filepath.Base(p.input))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("without %q: %q, want %q", list, got, want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "in/a.png", "out/b.png", "Train/Denoise/1.png")
	lists, overlaps := t.TempDir(), t.TempDir()
	writeImages(t, lists, 32, 32, "Train/Denoise/1.png", "Train/Derain/rainy/rain-1.png", "Train/Derain/gt/norain-1.png")
	writeImages(t, lists, 32, 32, "denoise.txt/a.png", "rainTrain.txt/a.png")
	writeImages(t, overlaps, 32, 32, "Train/Denoise/1.png", overlapList+"/a.png")
	unpaired := filepath.Join(dir, "in", "a.png") + ": " + filepath.Join(dir, "out", "a.*")
	tests := map[string]Options{
		"no data folder":                       options("", noise),
		"patch is 20":                          {Root: dir, Tasks: []Task{noise}, Patch: 20},
		"no tasks":                             options(dir),
		"must be one of":                       options(dir, Task{Kind: "denoize", Repeat: 1}),
		"sigmas = []: must be a list, such as": options(dir, Task{Kind: Denoise, Repeat: 1}),
		"sigmas = 300: must be above 0":        options(dir, Task{Kind: Denoise, Repeat: 1, Sigmas: []float64{300}}),
		"repeat = 0: must be 1 or more":        options(dir, Task{Kind: Derain}),
		"scripts/DATASETS.md":                  options(dir, Task{Kind: Derain, Repeat: 1}),
		"a folder, as target, for pairs":       options(dir, Task{Kind: Pairs, Repeat: 1}),
		"given together with target":           options(dir, Task{Kind: Derain, Repeat: 1, Input: "in"}),
		unpaired:                               options(dir, Task{Kind: Pairs, Repeat: 1, Input: "in", Target: "out"}),
		"absent; name the folder of degraded":  options(dir, Task{Kind: Pairs, Repeat: 1, Input: "absent", Target: "out"}),
		"put clean photographs":                options(t.TempDir(), noise),
		filepath.Join(lists, "denoise.txt"):    options(lists, noise),
		filepath.Join(lists, "rainTrain.txt"):  options(lists, Task{Kind: Derain, Repeat: 1}),
		filepath.Join(overlaps, overlapList):   options(overlaps, noise),
		"exclude: list of images":              {Root: dir, Tasks: []Task{noise}, Patch: 32, Exclude: []string{"none.txt"}},
	}
	for want, o := range tests {
		if _, _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
}

// TestAllTasksAreSearched: the error names every task without images, and the report has
// the photographs once.
func TestAllTasksAreSearched(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "Train/Enhance/low/a.png", "Train/Enhance/gt/a.png")
	_, r, err := Open(options(dir, Task{Kind: Derain, Repeat: 1}, Task{Kind: Dehaze, Synth: 1}, Task{Kind: Deblur, Synth: 1}, Task{Kind: Enhance, Repeat: 1}))
	for _, kind := range []string{Derain, Dehaze, Deblur} {
		if err == nil || !strings.Contains(err.Error(), "task "+kind+": no images in") {
			t.Errorf("error is %v, want one that names %s", err, kind)
		}
	}
	if len(r.Tasks) != 3 || r.Tasks[2].Samples != 1 {
		t.Errorf("the report is %+v", r.Tasks)
	}
}

func TestReportText(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "in/a.png", "out/a.png", "in/b.png", "in/c.png", "in/d.png")
	writeImages(t, dir, 32, 32, "in/e.png")
	writeText(t, filepath.Join(dir, "out/e.png"), "text")
	writeText(t, filepath.Join(dir, "in/f.heic"), "\x00\x00\x00\x18ftypheic")
	_, r := open(t, options(dir, Task{Kind: Pairs, Repeat: 7, Input: "in", Target: "out"}))
	var b strings.Builder
	if err := r.WriteText(&b, 2); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pairs     1", "32×32", "7\n", "skipped 3: no clean image of its name", "in/b.png", "... and 1 more",
		"skipped 1: in a format that is not read\n    " + filepath.Join(dir, "in/f.heic") + " is a HEIC, which cannot be read: convert it to PNG or 16-bit TIFF first",
		"skipped 1: unreadable\n    " + filepath.Join(dir, "out/e.png") + " is not an image"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("report lacks %q:\n%s", want, b.String())
		}
	}
}

func TestMatchKey(t *testing.T) {
	for name, want := range map[string]string{
		"rain-001.png": "rain-1", "RAIN-1.JPG": "rain-1", "0001_0.8_0.2.jpg": "1_0.8_0.2", "000.png": "0",
		"x_0_0.jpg": "x_0_0", "1.05_007.png": "1.05_7", "a.b": "a.b", "10010": "10010",
	} {
		if got := matchKey(name); got != want {
			t.Errorf("matchKey(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzReadList(f *testing.F) {
	f.Add("rainy/rain-1.png\n# none\n\r\n a117025.jpg \n", "rain-001.png")
	f.Add("/", "0")
	f.Add("\ufeffdir\\00001.bmp\n", "00001.bmp")
	path := filepath.Join(f.TempDir(), "list.txt")
	f.Fuzz(func(t *testing.T, text, file string) {
		writeText(t, path, text)
		l, err := readList(path)
		if err != nil {
			t.Fatal(err)
		}
		before := len(l.unseen())
		found, renamed := l.find(file)
		if after := len(l.unseen()); before-after > 1 || !found && (renamed || before != after) {
			t.Fatalf("found %v, renamed %v, and of %d names %d are unseen", found, renamed, before, after)
		}
		for name := range l.seen {
			if found, _ := l.find(name + ".png"); !found {
				t.Fatalf("the list does not find its own name %q", name)
			}
		}
		if rest := l.unseen(); len(rest) > 0 {
			t.Fatalf("%q were found and count as unseen", rest)
		}
	})
}

// TestSpellings: a list means files whose names are spelt a little differently, but no others.
func TestSpellings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	writeText(t, path, "3063.jpg\nbc.png\nrain-001.png\n")
	l, err := readList(path)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][2]bool{
		"3063.png": {true, false}, "a3063.jpg": {true, true}, "03063.bmp": {}, "BC.png": {true, false}, "abc.png": {}, "rain-1.png": {true, false},
	} {
		if found, renamed := l.find(file); found != want[0] || renamed != want[1] {
			t.Errorf("%s: found %v, renamed %v; want %v", file, found, renamed, want)
		}
	}
}

// TestListsOfWindows: lists may have CRLF, a byte order mark, or UTF-16 from
// PowerShell.
func TestListsOfWindows(t *testing.T) {
	utf16 := func(s string) (out string) {
		for _, r := range s {
			out += string([]byte{byte(r), byte(r >> 8)})
		}
		return "\xff\xfe" + out
	}
	text := "# pictures\r\ndir\\00001.bmp\r\n\r\nüber.png\r\n"
	for name, raw := range map[string]string{"CRLF": text, "UTF-8 with a mark": "\ufeff" + text, "UTF-16": utf16(text)} {
		path := filepath.Join(t.TempDir(), "list.txt")
		writeText(t, path, raw)
		l, err := readList(path)
		if err != nil {
			t.Fatal(err)
		}
		if names := l.unseen(); !slices.Equal(names, []string{"00001", "über"}) {
			t.Errorf("%s: %q", name, names)
		}
	}
}
