package train

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/checkpoint"
	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/kernels/cpu"
	"clusir/internal/model"
)

// said runs o and returns its messages.
func said(ctx context.Context, t *testing.T, o Options) (string, *Result, error) {
	t.Helper()
	b, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var out bytes.Buffer
	o.Backend, o.Device, o.Messages = b, "cpu "+b.ISA(), &out
	res, err := Run(ctx, o)
	return out.String(), res, err
}

// TestNamesOnOneLine: a folder's name cannot break lines or send escape sequences.
func TestNamesOnOneLine(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a\n\x1b[31mb")
	if err := os.Symlink(photographs(t), root); err != nil {
		t.Skipf("symbolic links are needed: %v", err)
	}
	if err := os.Remove(filepath.Join(root, "Train", "Denoise", "a.png")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "Train", "Denoise", "a.png"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := small(root)
	c.Train.Steps = 1
	text, res, err := said(t.Context(), t, Options{Config: c, Out: filepath.Join(t.TempDir(), "out\nx")})
	if err != nil {
		t.Fatal(err)
	}
	var end bytes.Buffer
	res.Write(&end)
	text += end.String()
	if strings.Contains(text, "a\n") || strings.Contains(text, "\x1b") || strings.Contains(text, "out\nx") || strings.Count(text, `a\n\x1b[31mb`) != 3 {
		t.Errorf("it says %q", text)
	}
}

// TestFolderGone: if a run's folder is moved away, the error does not call its checkpoint
// there a good one; one that is cut short is named with what to do.
func TestFolderGone(t *testing.T) {
	root, dir := photographs(t), filepath.Join(t.TempDir(), "run")
	away := func(context.Context, *model.ClusIR) (*eval.Validation, error) {
		if _, err := os.Stat(filepath.Join(dir, lastName)); err == nil {
			return &eval.Validation{}, os.Rename(dir, dir+"2")
		}
		return &eval.Validation{}, nil
	}
	if _, _, err := said(t.Context(), t, Options{Config: small(root), Out: dir, Validate: away}); err == nil || !strings.Contains(err.Error(), lastName+", which was saved, is gone") {
		t.Errorf("a folder that is moved away: %v", err)
	}
	if err := os.Truncate(filepath.Join(dir+"2", lastName), 1000); err != nil {
		t.Fatal(err)
	}
	if _, _, err := said(t.Context(), t, Options{Config: small(root), Out: dir + "2", Resume: true}); err == nil || !strings.Contains(err.Error(), "put a copy that is whole in its place, or start a new run") {
		t.Errorf("a checkpoint that is cut short: %v", err)
	}
}

// TestResumed checks the messages of a run when it begins, when it continues, and when
// it is resumed after its end, which must leave its checkpoint unchanged.
func TestResumed(t *testing.T) {
	root, dir := photographs(t), t.TempDir()
	c := small(root)
	ctx, stop := context.WithCancel(t.Context())
	cut := func(context.Context, *model.ClusIR) (*eval.Validation, error) { // before the first step, and after the third
		if _, err := os.Stat(filepath.Join(dir, lastName)); err == nil {
			stop()
		}
		return &eval.Validation{}, nil
	}
	text, res, err := said(ctx, t, Options{Config: c, Out: dir, Validate: cut})
	if err != nil || res.Step != 3 {
		t.Fatal(res, err)
	}
	for _, want := range []string{"Training data in", "step 0: validation", "step 1 of 6: loss 0.", " images/s, ", "to go", "step 3: validation"} {
		if !strings.Contains(text, want) {
			t.Errorf("the run does not say %q:\n%s", want, text)
		}
	}
	saved := openLast(t, dir).Metadata[checkpoint.KeyRecipe]
	c.Train.LR = 2e-3
	if _, res, err = said(ctx, t, Options{Config: c, Out: dir, Resume: true}); err != nil || res.Step != 3 || openLast(t, dir).Metadata[checkpoint.KeyRecipe] != saved {
		t.Errorf("resumed with another rate for no step: %+v, %v, with another recipe", res, err)
	}
	if err := os.Remove(filepath.Join(root, "Train", "Denoise", "b.png")); err != nil {
		t.Fatal(err)
	}
	text, _, err = said(t.Context(), t, Options{Config: c, Out: dir, Resume: true})
	if err != nil {
		t.Fatal(err)
	}
	if recipe := openLast(t, dir).Metadata[checkpoint.KeyRecipe]; !strings.Contains(recipe, `"lr":0.002`) {
		t.Errorf("after steps with another rate the recipe is %s", recipe)
	}
	for _, want := range []string{"continuing from step 3 of 6", "training data that changed", "denoise: 2 images, were 3"} {
		if !strings.Contains(text, want) {
			t.Errorf("resumed, the run does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Training data in") {
		t.Errorf("resumed, the run prints the table of data again:\n%s", text)
	}
	before := bytesOf(t, dir, lastName)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	c.Train.LR = 7e-4
	text, res, err = said(t.Context(), t, Options{Config: c, Out: dir, Resume: true})
	if err != nil || res.Step != 6 || res.Interrupted || !strings.Contains(text, "the run is finished: step 6 of 6") {
		t.Errorf("finished: %+v, %v\n%s", res, err, text)
	}
	if !bytes.Equal(before, bytesOf(t, dir, lastName)) {
		t.Error("resuming a finished run with another rate changes its checkpoint")
	}
	if after, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || !slices.Equal(after, files) {
		t.Errorf("resuming a finished run leaves %q, %v; before there were %q", after, err, files)
	}
	if err := os.Remove(filepath.Join(dir, logName)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := said(t.Context(), t, Options{Config: c, Out: dir, Resume: true}); err != nil {
		t.Errorf("a finished run without its log: %v", err)
	}
}

// TestOneRunPerFolder: while a run is under way no other run can use its folder.
func TestOneRunPerFolder(t *testing.T) {
	root, dir := photographs(t), t.TempDir()
	c := small(root)
	c.Train.Steps = 1
	var second error
	validate := func(context.Context, *model.ClusIR) (*eval.Validation, error) {
		if second == nil {
			_, second = runIn(t.Context(), t, Options{Config: c, Out: dir}, 1)
		}
		return &eval.Validation{}, nil
	}
	if _, err := runIn(t.Context(), t, Options{Config: c, Out: dir, Validate: validate}, 1); err != nil {
		t.Fatal(err)
	}
	if second == nil || !strings.Contains(second.Error(), "another run is writing to it") {
		t.Errorf("a second run in the folder: %v", second)
	}
	if entries, err := ReadLog(filepath.Join(dir, logName)); err != nil || len(entries) != 3 {
		t.Errorf("the log has %d lines, %v; want two validations and a step", len(entries), err)
	}
}

// TestStartOver: a run that was killed before its first checkpoint begins again, and its
// log has every line once.
func TestStartOver(t *testing.T) {
	root, dir := photographs(t), t.TempDir()
	c := small(root)
	c.Train.Steps = 1
	validate := func(context.Context, *model.ClusIR) (*eval.Validation, error) {
		return &eval.Validation{Measures: []eval.Measure{{Name: "a", Value: 30}}}, nil
	}
	for range 2 {
		if _, err := runIn(t.Context(), t, Options{Config: c, Out: dir, Validate: validate}, 1); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{lastName, curveName} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if entries, err := ReadLog(filepath.Join(dir, logName)); err != nil || len(entries) != 3 {
		t.Errorf("the log has %d lines, %v; want two validations and a step", len(entries), err)
	}
}

// TestRemains: what is left of a run whose checkpoint was removed, perhaps because it is the
// largest file, is not replaced, and neither is a file of the user's.
func TestRemains(t *testing.T) {
	c := small(photographs(t))
	c.Train.Steps, c.Train.CheckpointInterval, c.Train.ValidationInterval = 3, 1, 1
	measured := 30.
	validate := func(context.Context, *model.ClusIR) (*eval.Validation, error) {
		measured++
		return &eval.Validation{Measures: []eval.Measure{{Name: "a", Value: measured}}}, nil
	}
	for name, removed := range map[string][]string{bestName: {lastName, curveName, logName}, curveName: {lastName, bestName}} {
		dir := t.TempDir()
		o := Options{Config: c, Out: dir, Validate: validate}
		if _, err := runIn(t.Context(), t, o, 1); err != nil {
			t.Fatal(err)
		}
		for _, file := range removed {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range []string{"", "mine"} {
			path := filepath.Join(dir, name)
			if text != "" {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := runIn(t.Context(), t, o, 1); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move it away") {
				t.Errorf("%s: %v", name, err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Errorf("%s was replaced: %v", name, err)
			}
		}
	}
}

// TestRunAmongPhotographs: the curve of a run in the folder of photographs is none of them,
// and a preview, which any name can have, is refused there.
func TestRunAmongPhotographs(t *testing.T) {
	root := filepath.Join(photographs(t), "Train", "Denoise")
	c := small(root)
	c.Train.Steps = 1
	if _, err := runIn(t.Context(), t, Options{Config: c, Out: filepath.Join(root, "runs")}, 1); err != nil {
		t.Fatal(err)
	}
	if _, r, err := dataset.Open(dataOptions(c, 0)); err != nil || r.Tasks[0].Found != 3 {
		t.Errorf("%d photographs after the run, %v", r.Tasks[0].Found, err)
	}
	path := filepath.Join(root, "preview.png")
	if err := Preview(c, path, 2, 0); err == nil || !strings.Contains(err.Error(), "would be trained on") {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the preview is written")
	}
}

// TestFolderFirst: a folder that cannot be used is refused before anything is said of the
// data.
func TestFolderFirst(t *testing.T) {
	c := small(photographs(t))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{file, filepath.Join(file, "run")} {
		if text, _, err := said(t.Context(), t, Options{Config: c, Out: out}); err == nil || !strings.Contains(err.Error(), file) || text != "" {
			t.Errorf("%s: %v, after %q", out, err, text)
		}
	}
	c.Data = filepath.Join(file, "data")
	if _, _, err := said(t.Context(), t, Options{Config: c, Out: file}); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Errorf("without data: %v", err)
	}
}

// TestBestThatIsNoNumber: no validation would be better than it.
func TestBestThatIsNoNumber(t *testing.T) {
	root, dir := photographs(t), t.TempDir()
	o := Options{Config: small(root), Out: dir}
	if _, err := runIn(t.Context(), t, o, 1); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, lastName)
	f, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := checkpoint.Contents{Metadata: map[string]string{checkpoint.KeyBest: "NaN", checkpoint.KeyRecipe: f.Metadata[checkpoint.KeyRecipe], checkpoint.KeyDevice: f.Metadata[checkpoint.KeyDevice]}}
	if c.Config, err = model.ReadConfig(f); err != nil {
		t.Fatal(err)
	}
	for _, name := range f.Names() {
		x, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Tensors = append(c.Tensors, x)
	}
	if err := checkpoint.Write(path, c); err != nil {
		t.Fatal(err)
	}
	o.Resume = true
	if _, err := runIn(t.Context(), t, o, 1); err == nil || !strings.Contains(err.Error(), lastName+": metadata best is not a number") {
		t.Errorf("got %v", err)
	}
}
