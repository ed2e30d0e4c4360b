package restore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/infer/infertest"
	"clusir/internal/model"
	"clusir/internal/planar"
	"clusir/internal/testnet"
)

// full is a file, whose path is no user's business, with room for a number of bytes.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, &fs.PathError{Op: "write", Path: "/tmp/.clusir-0.tmp", Err: syscall.ENOSPC}
	}
	return len(b), nil
}

// broken is a reader that fails after its text.
type broken struct{ r io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if errors.Is(err, io.EOF) {
		err = syscall.EIO
	}
	return n, err
}

// yes is what the command of that name writes.
type yes struct{}

func (yes) Read(p []byte) (int, error) { return copy(p, "y\n"), nil }

// TestFailures: every failure, at whatever time, is reported and leaves no new file
// behind.
func TestFailures(t *testing.T) {
	n := stir(infertest.New(t, testnet.Small(), 1), 1)
	for _, c := range []struct {
		name string
		job  Job
		o    Options
		prep func(t *testing.T)
		want string
	}{
		{"vanished", Job{In: "gone.png", Out: "out.png", Format: imageio.PNG}, Options{}, nil, "cannot read gone.png: there is no such file"},
		{"vanished folder", Job{In: "in.png", Out: "there/out.png", Format: imageio.PNG}, Options{},
			func(t *testing.T) { must(t, os.WriteFile("there", nil, 0o644)) }, "cannot write there/out.png: its folder cannot be made: "},
		{"output became a folder", Job{In: "in.png", Out: "out.png", Format: imageio.PNG}, Options{},
			func(t *testing.T) { must(t, os.Mkdir("out.png", 0o755)) }, "cannot write out.png"},
		{"input became a folder", Job{In: "dir.png", Out: "out.png", Format: imageio.PNG}, Options{},
			func(t *testing.T) { must(t, os.Mkdir("dir.png", 0o755)) }, "cannot read dir.png: it is a folder"},
		{"cut short", Job{In: "in.png", Out: "new/out.png", Format: imageio.PNG}, Options{},
			func(t *testing.T) { cutFile(t, "in.png", 0.7) }, "in.png is cut short"},
		{"cut short, read in strips", Job{In: "in.png", Out: "out.png", Format: imageio.PNG}, Options{Choices: Choices{Tile: 128}, MaxMemory: 100 << 20},
			func(t *testing.T) { cutFile(t, "in.png", 0.7) }, "in.png is cut short"},
		{"empty", Job{In: "in.png", Out: "out.png", Format: imageio.PNG}, Options{},
			func(t *testing.T) { cutFile(t, "in.png", 0) }, "in.png is not an image: it is empty"},
		{"full disk", Job{In: "in.png", Out: Std}, Options{Stdout: &full{room: 150_000}}, nil, "cannot write standard output: no space left on device"},
		{"full disk at once", Job{In: "in.png", Out: Std}, Options{Stdout: &full{}}, nil, "cannot write standard output: no space left on device"},
		{"full disk while tiles are computed", Job{In: "in.png", Out: Std}, Options{Choices: Choices{Tile: 128}, Stdout: &full{room: 100_000}}, nil, "cannot write standard output: no space left on device"},
		{"standard input fails", Job{In: Std, Out: "out.png", Format: imageio.PNG}, Options{Stdin: broken{strings.NewReader("\x89PNG")}}, nil,
			"cannot read standard input: input/output error"},
		{"standard input is empty", Job{In: Std, Out: "out.png", Format: imageio.PNG}, Options{Stdin: strings.NewReader("")}, nil, "standard input is not an image: it is empty"},
		{"standard input is text", Job{In: Std, Out: Std}, Options{Stdin: strings.NewReader("hello"), Stdout: &full{}}, nil, "standard input is not an image"},
		{"standard input is endless text", Job{In: Std, Out: Std}, Options{Stdin: yes{}, Stdout: &full{}}, nil, "standard input is not an image: its content looks like text"},
		{"standard input is too long", Job{In: Std, Out: "out.png", Format: imageio.PNG}, Options{MaxMemory: 1000, Stdin: strings.NewReader(strings.Repeat("x", 5000))}, nil,
			"standard input is longer than 500 B, half of the memory: raise --max-memory"},
		{"no standard input", Job{In: Std, Out: "out.png", Format: imageio.PNG}, Options{}, nil, "no standard input"},
		{"too many pixels", Job{In: "in.png", Out: "out.png", Format: imageio.PNG}, Options{Choices: Choices{MaxPixels: 1000}}, nil, "more than the limit of 1000 pixels: if you trust the file, raise --max-pixels"},
		{"too little memory", Job{In: "in.png", Out: "out.png", Format: imageio.PNG}, Options{Choices: Choices{Tile: TileAuto}, MaxMemory: 1 << 20}, nil, "in.png: not enough memory: restoring 300×300 pixels"},
		{"too long for its format", Job{In: "long.png", Out: "out.webp", Format: imageio.WebP}, Options{},
			func(t *testing.T) { save(t, ".", "long.png", imageio.Info{W: 17000, H: 1}) }, "long.png: a WebP of 17000×1 is not possible"},
		{"comparison too long for its format", Job{In: "long.png", Out: "out.png", Compare: "cmp.webp", Format: imageio.PNG}, Options{},
			func(t *testing.T) { save(t, ".", "long.png", imageio.Info{W: 9000, H: 1}) }, "long.png: --compare cmp.webp: a WebP of 18045×"},
		{"comparison too high for its format", Job{In: "high.png", Out: "out.png", Compare: "cmp.jpg", Format: imageio.PNG}, Options{},
			func(t *testing.T) { save(t, ".", "high.png", imageio.Info{W: 64, H: 65530}) }, "a JPEG of 130×65546 is not possible"},
		{"comparison cannot be written", Job{In: "in.png", Out: "out.png", Compare: "there/cmp.png", Format: imageio.PNG}, Options{},
			func(t *testing.T) { must(t, os.WriteFile("there", nil, 0o644)) }, "cannot write there/cmp.png: its folder cannot be made: "},
		{"bad quality", Job{In: "in.png", Out: "out.jpg", Format: imageio.JPEG}, Options{Choices: Choices{Encode: imageio.Options{Quality: 101}}}, nil, "JPEG quality 101: use 1 to 100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			save(t, ".", "in.png", imageio.Info{W: 300, H: 300})
			if c.prep != nil {
				c.prep(t)
			}
			before := files(t, ".")
			var got Result
			c.o.Strength, c.o.Done = 1, func(r Result) { got = r }
			c.o.Progress = func(int, Job, float64) {
				if strings.Contains(c.want, "is not possible") {
					t.Error("refused after the work")
				}
			}
			s, err := Run(context.Background(), n, slices.Values([]Job{c.job}), c.o)
			if err != nil || s.Failed != 1 || got.Err == nil || !strings.Contains(got.Err.Error(), c.want) {
				t.Errorf("%v, %+v: got %v, want %q", err, s, got.Err, c.want)
			}
			if after := files(t, "."); !slices.Equal(after, before) {
				t.Errorf("files before: %v, after: %v", before, after)
			}
		})
	}
}

// TestFullDiskEndsTheRun: what is left would be computed in vain.
func TestFullDiskEndsTheRun(t *testing.T) {
	t.Chdir(t.TempDir())
	var jobs []Job
	for _, name := range []string{"1.png", "2.png", "3.png", "4.png", "5.png"} {
		jobs = append(jobs, Job{In: save(t, ".", name, imageio.Info{W: 64, H: 64}), Out: Std})
	}
	s := Session{Plan: &Plan{Jobs: jobs, Several: true}, Messages: io.Discard, Options: Options{Stdout: &full{}}}
	err := s.Run(t.Context(), infertest.New(t, testnet.Small(), 1))
	if err == nil || !strings.Contains(err.Error(), "the disk is full, with 4 pictures left to restore") {
		t.Errorf("got %v", err)
	}
}

// TestNoFolderTakesResults: if every picture would fail, the run ends before the first;
// one folder that takes files is enough.
func TestNoFolderTakesResults(t *testing.T) {
	t.Chdir(t.TempDir())
	must(t, os.WriteFile("file", nil, 0o644))
	in := save(t, ".", "in.png", imageio.Info{W: 64, H: 64})
	jobs := []Job{{In: in, Out: "file/1.png", Format: imageio.PNG}, {In: in, Out: "file/deep/2.png", Format: imageio.PNG}}
	var said strings.Builder
	s := Session{Plan: &Plan{Jobs: jobs, Several: true}, Messages: &said, Options: Options{Stdout: io.Discard}}
	n := infertest.New(t, testnet.Small(), 1)
	if err := s.Run(t.Context(), n); err == nil || err.Error() != "file takes no new files: not a directory: name another folder with -o" || said.Len() > 0 {
		t.Errorf("got %v, %s", err, &said)
	}
	s.Jobs = append(s.Jobs, Job{In: in, Out: "new/folder/3.png", Format: imageio.PNG})
	if err := s.Run(t.Context(), n); err == nil || err.Error() != "2 of 3 pictures could not be restored" {
		t.Errorf("got %v", err)
	}
	if got := files(t, "new"); !slices.Equal(got, []string{"folder/3.png"}) {
		t.Errorf("files: %v", got)
	}
}

// TestNothingToExplain: a network without a router is refused before the work.
func TestNothingToExplain(t *testing.T) {
	config := testnet.Small()
	config.UseMoE, config.UseDAFMM = false, false
	s := Session{Plan: &Plan{Jobs: []Job{{In: "in.png", Out: "out.png", Map: "map.png"}}}, Messages: io.Discard}
	if err := s.Run(t.Context(), infertest.New(t, config, 1)); !errors.Is(err, errNoRouter) {
		t.Errorf("got %v", err)
	}
}

// TestAppears: a result that another program writes during the run is kept.
func TestAppears(t *testing.T) {
	t.Chdir(t.TempDir())
	in := save(t, ".", "in.png", imageio.Info{W: 64, H: 64})
	for overwrite, want := range map[bool]string{false: "out.png appeared during the run: it is not replaced", true: ""} {
		must(t, os.RemoveAll("out.png"))
		plan, err := Request{Inputs: []string{in}, Output: "out.png", Overwrite: overwrite}.Plan()
		must(t, err)
		var got Result
		o := Options{Done: func(r Result) { got = r }}
		o.Progress = func(int, Job, float64) { must(t, os.WriteFile("out.png", []byte("theirs"), 0o600)) }
		_, err = Run(t.Context(), infertest.New(t, testnet.Small(), 1), slices.Values(plan.Jobs), o)
		must(t, err)
		text, err := os.ReadFile("out.png")
		must(t, err)
		if kept := string(text) == "theirs"; kept == overwrite || got.Err == nil != overwrite || !overwrite && !strings.HasSuffix(got.Err.Error(), want) {
			t.Errorf("overwrite %t: kept %t, %v", overwrite, kept, got.Err)
		}
	}
}

// TestAppearsLate: nor is a file replaced that appears while the result is written.
func TestAppearsLate(t *testing.T) {
	t.Chdir(t.TempDir())
	plan, err := Request{Inputs: []string{save(t, ".", "in.png", imageio.Info{W: 64, H: 600})}, Output: "out.png"}.Plan()
	must(t, err)
	var got Result
	o := Options{Choices: Choices{Tile: 128}, Done: func(r Result) { got = r }}
	o.Progress = func(_ int, _ Job, done float64) {
		for begun := done < 0.5; !begun; { // the temporary file
			files, err := filepath.Glob(".clusir-*")
			must(t, err)
			begun = len(files) > 0
		}
		if done >= 0.5 {
			must(t, os.WriteFile("out.png", []byte("theirs"), 0o600))
		}
	}
	_, err = Run(t.Context(), infertest.New(t, testnet.Small(), 1), slices.Values(plan.Jobs), o)
	must(t, err)
	text, err := os.ReadFile("out.png")
	must(t, err)
	if string(text) != "theirs" || got.Err == nil || !strings.HasSuffix(got.Err.Error(), "out.png appeared during the run: it is not replaced") {
		t.Errorf("%d bytes, %v", len(text), got.Err)
	}
}

// cutFile truncates a file to a part of its length.
func cutFile(t *testing.T, path string, part float64) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	must(t, os.Truncate(path, int64(part*float64(info.Size()))))
}

// TestFullDevice writes to the device that is always full, if there is one.
func TestFullDevice(t *testing.T) {
	device, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("this system has no /dev/full: %v", err)
	}
	defer device.Close()
	n, in := infertest.New(t, testnet.Small(), 1), save(t, t.TempDir(), "in.png", imageio.Info{W: 64, H: 64})
	var got Result
	_, err = Run(context.Background(), n, slices.Values([]Job{{In: in, Out: Std}}), Options{Choices: Choices{Strength: 1}, Stdout: device, Done: func(r Result) { got = r }})
	if err != nil || got.Err == nil || !strings.Contains(got.Err.Error(), "no space left on device") {
		t.Errorf("got %v, %v", err, got.Err)
	}
}

// TestComparisonFails: the result is kept if only the comparison cannot be written, and
// there is no comparison without a result.
func TestComparisonFails(t *testing.T) {
	n := infertest.New(t, testnet.Small(), 1)
	t.Chdir(t.TempDir())
	save(t, ".", "in.png", imageio.Info{W: 300, H: 300})
	must(t, os.Mkdir("folder.png", 0o755))
	for out, want := range map[string]string{"out.png": "cannot write pair.tif: file too large", "folder.png": "cannot write folder.png: it is a folder"} {
		before := files(t, ".")
		var got Result
		job := Job{In: "in.png", Out: out, Format: imageio.PNG, Compare: "pair.tif"}
		limit(t, 450_000, func() {
			_, err := Run(context.Background(), n, slices.Values([]Job{job}), Options{Choices: Choices{Strength: 1}, Done: func(r Result) { got = r }})
			must(t, err)
		})
		if got.Err == nil || !strings.Contains(got.Err.Error(), want) {
			t.Errorf("%s: %v, want %q", out, got.Err, want)
		}
		if after := len(files(t, ".")) - len(before); after != map[string]int{"out.png": 1}[out] {
			t.Errorf("%s: %d new files: %q", out, after, files(t, "."))
		}
	}
}

// limit runs f with a limit on the size of files.
func limit(t *testing.T, size uint64, f func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: old.Max}))
	defer func() { must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old)) }()
	f()
}

// TestInterrupt ends a run in the middle of a picture, the first or a later one: the
// run reports it and leaves no partial file.
func TestInterrupt(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	var jobs []Job
	for _, name := range []string{"a.png", "b.png", "c.png"} {
		in := save(t, dir, name, imageio.Info{W: 400, H: 700})
		jobs = append(jobs, Job{In: in, Out: filepath.Join(dir, "out", name), Format: imageio.PNG, Compare: filepath.Join(dir, "cmp", name)})
	}
	for _, at := range []float64{0, 0.3, 1.5} { // of the pictures
		ctx, cancel := context.WithCancel(context.Background())
		after, done := 0, 0
		s, err := Run(ctx, n, slices.Values(jobs), Options{Choices: Choices{Strength: 1, Tile: 128}, Done: func(r Result) { done++ }, Progress: func(index int, _ Job, share float64) {
			switch {
			case ctx.Err() != nil:
				after++
			case float64(index)+share >= at:
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || s.Failed > 0 || s.Restored != done {
			t.Errorf("after %g pictures: %v, %+v", at, err, s)
		}
		if after > 1 {
			t.Errorf("after %g pictures and the interruption %d operations were computed", at, after)
		}
		found := slices.DeleteFunc(files(t, dir), func(f string) bool { return !strings.Contains(f, "/") })
		if len(found) != 2*done {
			t.Errorf("after %g of %d pictures: %v", at, done, found)
		}
		must(t, os.RemoveAll(filepath.Join(dir, "out")))
		must(t, os.RemoveAll(filepath.Join(dir, "cmp")))
		cancel()
	}
}

// TestInterruptWithinATile ends the pass itself, not only the loop over tiles.
func TestInterruptWithinATile(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	in := save(t, dir, "in.png", imageio.Info{W: 64, H: 64})
	ctx, cancel := context.WithCancel(context.Background())
	modules := 0
	_, _, err := n.Restore(ctx, nil, planar.New(3, 64, 64), infer.Options{Probe: func(string, *model.Var) {
		if modules++; modules == 5 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || modules > 6 {
		t.Errorf("after %d modules: %v", modules, err)
	}
	if _, err := Run(ctx, n, slices.Values([]Job{{In: in, Out: filepath.Join(dir, "out.png"), Format: imageio.PNG}}), Options{Choices: Choices{Strength: 1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was cancelled before it began: %v", err)
	}
}

type reader func([]byte) (int, error)

func (r reader) Read(p []byte) (int, error) { return r(p) }

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// TestBugs: a panic in any stage fails only the picture it occurs on, and the others
// are restored.
func TestBugs(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	in := save(t, dir, "in.png", imageio.Info{W: 300, H: 300})
	path := func(name string) string { return filepath.Join(dir, name) }
	crash := func([]byte) (int, error) { panic("injected") }
	for _, c := range []struct {
		stage string
		bad   Job
		o     Options
		image *imageio.Image // instead of the file's content
	}{
		{"reading", Job{In: Std, Out: path("bad.png"), Format: imageio.PNG}, Options{Stdin: reader(crash)}, nil},
		{"decoding", Job{In: in, Out: path("bad.png"), Format: imageio.PNG}, Options{Choices: Choices{Tile: 128}},
			&imageio.Image{Info: imageio.Info{W: 300, H: 300, Depth: 8}}},
		{"decoding a band", Job{In: in, Out: path("bad.png"), Format: imageio.PNG}, Options{Choices: Choices{Tile: TileWhole}},
			&imageio.Image{Info: imageio.Info{W: 300, H: 300, Depth: 8}}},
		{"computing", Job{In: in, Out: path("bad.png"), Format: imageio.PNG}, Options{Choices: Choices{Tile: 128}, Progress: func(_ int, j Job, done float64) {
			if j.Out == path("bad.png") && done > 0.4 {
				_ = []int{}[int(done)]
			}
		}}, nil},
		{"encoding", Job{In: in, Out: Std}, Options{Stdout: writer(crash)}, nil},
	} {
		t.Run(c.stage, func(t *testing.T) {
			jobs := []Job{{In: in, Out: path("1.png"), Format: imageio.PNG}, c.bad, {In: in, Out: path("2.png"), Format: imageio.PNG}, {In: in, Out: path("3.png"), Format: imageio.PNG}}
			var bugs []*Bug
			c.o.Strength, c.o.Done = 1, func(r Result) {
				if bug := new(Bug); errors.As(r.Err, &bug) && r.Out == c.bad.Out {
					bugs = append(bugs, bug)
				} else if r.Err != nil {
					t.Errorf("%s: %v", r.Out, r.Err)
				}
			}
			r := newRun(n, c.o)
			opened := 0
			r.openFile = func(path string, l imageio.Limits) (*imageio.Image, error) {
				if opened++; opened == 2 && c.image != nil {
					return c.image, nil
				}
				return imageio.Open(path, l)
			}
			s, err := r.all(context.Background(), slices.Values(jobs))
			if err != nil || s.Restored != 3 || s.Failed != 1 || len(bugs) != 1 {
				t.Fatalf("%v, %+v, %d bugs", err, s, len(bugs))
			}
			if text := bugs[0].Error(); !strings.Contains(text, "please report it") || !strings.HasPrefix(text, jobs[1].In) && jobs[1].In != Std || len(bugs[0].Stack) == 0 {
				t.Error(text)
			}
			if got := files(t, dir); !slices.Equal(got, []string{"1.png", "2.png", "3.png", "in.png"}) {
				t.Errorf("files: %v", got)
			}
			for _, f := range []string{"1.png", "2.png", "3.png"} {
				must(t, os.Remove(path(f)))
			}
		})
	}
}

// TestReplaced: a file that another size replaces after its header was read fails.
func TestReplaced(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	in, other := save(t, dir, "in.png", imageio.Info{W: 64, H: 64}), save(t, dir, "other.png", imageio.Info{W: 64, H: 80})
	var got error
	r := newRun(n, Options{Choices: Choices{Strength: 1}, Done: func(r Result) { got = r.Err }})
	r.openFile = func(_ string, l imageio.Limits) (*imageio.Image, error) { return imageio.Open(other, l) }
	job := Job{In: in, Out: filepath.Join(dir, "out.png"), Format: imageio.PNG}
	if s, err := r.all(context.Background(), slices.Values([]Job{job})); err != nil || s.Failed != 1 || got == nil || !strings.Contains(got.Error(), "was replaced") {
		t.Errorf("%v, %+v, %v", err, s, got)
	}
}

// TestPanicOfACaller: a panic of a caller's function is re-raised, and no partial file
// is left.
func TestPanicOfACaller(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	in, out := save(t, dir, "in.png", imageio.Info{W: 300, H: 300}), filepath.Join(dir, "out.png")
	defer func() {
		if recover() == nil {
			t.Error("the panic was lost")
		}
		if got := files(t, dir); !slices.Equal(got, []string{"in.png", "out.png"}) {
			t.Errorf("files: %v", got)
		}
	}()
	_, _ = Run(context.Background(), n, slices.Values([]Job{{In: in, Out: out, Format: imageio.PNG}, {In: in, Out: out + ".2.png", Format: imageio.PNG}}),
		Options{Choices: Choices{Strength: 1, Tile: 128}, Done: func(r Result) { panic("in the report of " + r.In) }})
}
