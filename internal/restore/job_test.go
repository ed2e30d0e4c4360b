package restore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bmatcuk/doublestar/v4"

	"clusir/internal/imageio"
	"clusir/internal/usage"
)

// tree makes a working folder with pictures and other files.
func tree(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range []string{
		"a.png", "b.JPG", "c.tiff", "noext", "in/1.png", "in/2.jpeg", "in/deep/3.webp", "in/deep/er/4.bmp",
		"in/.hidden.png", "in/.git/x.png", "in/notes.txt", "in/Thumbs.db", "in/desktop.ini", "in/dup.jpg", "in/dup.png", "out/1.png", "done/1.png",
		"done/2.jpeg", "odd[1].png", "re/x.png", "re/x_r.png", "re/x.affinity.png", "phone/1.HEIC", "phone/2.heic",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("not read here"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save(t, ".", "noext", imageio.Info{Format: imageio.TIFF, W: 4, H: 4})
	must(t, os.Mkdir("void", 0o755))
	must(t, os.Symlink("a.png", "link.png"))
	must(t, os.Symlink("gone.png", "dangling.png"))
	must(t, os.Symlink("in", "inlink"))
	must(t, os.Symlink(".", "re/circle"))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPlan(t *testing.T) {
	tree(t)
	in := func(names ...string) []string { return names }
	long := strings.Repeat("x", 252)
	for _, c := range []struct {
		name    string
		request Request
		want    string // IN>OUT ...
	}{
		{"file to file", Request{Inputs: in("a.png"), Output: "x.png"}, "a.png>x.png"},
		{"to another format", Request{Inputs: in("a.png"), Output: "x.jpg"}, "a.png>x.jpg"},
		{"file into a folder", Request{Inputs: in("a.png"), Output: "out"}, "a.png>out/a.png"},
		{"file into a folder to be", Request{Inputs: in("a.png"), Output: "new/"}, "a.png>new/a.png"},
		{"files with -o", Request{Inputs: in("a.png", "b.JPG"), Output: "new", Into: true}, "a.png>new/a.png b.JPG>new/b.JPG"},
		{"one file with -o", Request{Inputs: in("a.png"), Output: "x.png", Into: true}, "a.png>x.png/a.png"},
		{"folder", Request{Inputs: in("in"), Output: "new"},
			"in/1.png>new/1.png in/2.jpeg>new/2.jpeg in/deep/3.webp>new/deep/3.webp in/deep/er/4.bmp>new/deep/er/4.bmp in/dup.jpg>new/dup.jpg in/dup.png>new/dup.png"},
		{"linked folder", Request{Inputs: in("inlink"), Output: "new", Format: imageio.WebP, Suffix: "_w", Overwrite: true}, "would be the result of both"},
		{"circle of links", Request{Inputs: in("re"), Output: "new"}, "re/x.affinity.png>new/x.affinity.png re/x.png>new/x.png re/x_r.png>new/x_r.png"},
		{"beside the inputs", Request{Inputs: in("re"), Suffix: "_r", Overwrite: true}, "re/x.png>re/x_r.png"},
		{"same folder", Request{Inputs: in("re"), Output: "re", Suffix: "_s"}, "re/x.png>re/x_s.png re/x_r.png>re/x_r_s.png"},
		{"in place", Request{Inputs: in("a.png"), Output: "a.png", Overwrite: true}, "a.png>a.png"},
		{"one beside", Request{Inputs: in("b.JPG"), Suffix: "_r"}, "b.JPG>b_r.JPG"},
		{"format beside", Request{Inputs: in("b.JPG"), Format: imageio.PNG}, "b.JPG>b.png"},
		{"same format keeps its spelling", Request{Inputs: in("b.JPG", "c.tiff"), Output: "new", Into: true, Format: imageio.JPEG}, "b.JPG>new/b.JPG c.tiff>new/c.jpg"},
		{"no extension", Request{Inputs: in("noext"), Output: "new", Into: true, Suffix: "_r"}, "noext>new/noext_r.tif"},
		{"pattern", Request{Inputs: in("in/**/*.{webp,bmp}"), Output: "new"}, "in/deep/3.webp>new/deep/3.webp in/deep/er/4.bmp>new/deep/er/4.bmp"},
		{"pattern in a circle of links", Request{Inputs: in("re/**/*.png"), Output: "new"}, "re/x.affinity.png>new/x.affinity.png re/x.png>new/x.png re/x_r.png>new/x_r.png"},
		{"pattern of a link", Request{Inputs: in("in*/1.png"), Output: "new", Suffix: "!"}, "in/1.png>new/in/1!.png inlink/1.png>new/inlink/1!.png"},
		{"pattern of links and folders", Request{Inputs: in("in*/**"), Output: "new", Format: imageio.PNG}, "would be the result of both"},
		{"pattern, output within", Request{Inputs: in("in/**/*.{webp,bmp}"), Output: "in/deep/er", Into: true}, "in/deep/3.webp>in/deep/er/deep/3.webp"},
		{"pattern, same folder", Request{Inputs: in("re/*.png"), Output: "re", Suffix: "_r", Overwrite: true}, "re/x.png>re/x_r.png"},
		{"pattern that is a name", Request{Inputs: in("odd[1].png"), Output: "x.png"}, "odd[1].png>x.png"},
		{"output within the input", Request{Inputs: in("in"), Output: "in/deep", Format: imageio.BMP, Overwrite: true, Suffix: "!"}, "would be the result of both"},
		{"output within", Request{Inputs: in("re"), Output: "re/new", Into: true}, "re/x.affinity.png>re/new/x.affinity.png re/x.png>re/new/x.png re/x_r.png>re/new/x_r.png"},
		{"standard input", Request{Inputs: in("-"), Output: "-"}, "->-"},
		{"standard input to a file", Request{Inputs: in("-"), Output: "x.png"}, "->x.png"},
		{"to standard output", Request{Inputs: in("a.png"), Output: "-"}, "a.png>-"},
		{"skip", Request{Inputs: in("in/1.png", "in/deep/3.webp"), Output: "out", Into: true, SkipExisting: true}, "in/deep/3.webp>out/3.webp"},
		{"skip what has only a map", Request{Inputs: in("a.png"), Output: "re/x.jpg", Explain: true, SkipExisting: true},
			"re/x.affinity.png exists: choose another name, or remove it: the result that it would come with is not there"},
		{"overwrite", Request{Inputs: in("in/1.png"), Output: "out", Overwrite: true}, "in/1.png>out/1.png"},
		{"missing beside others", Request{Inputs: in("a.png", "gone.png"), Output: "new", Into: true}, "a.png>new/a.png gone.png>new/gone.png!"},
		{"dangling link", Request{Inputs: in("dangling.png"), Output: "x.png"}, "dangling.png>x.png!"},
		{"device", Request{Inputs: in("/dev/null"), Output: "x.png"}, "/dev/null>x.png!"},
		{"name too long", Request{Inputs: in("a.png"), Output: long + ".png"}, "a.png>" + long + ".png!"},
		{"map's name too long", Request{Inputs: in("a.png"), Output: long[:250] + ".png", Explain: true}, "a.png>" + long[:250] + ".png#" + long[:250] + ".affinity.png!"},
		{"named twice", Request{Inputs: in("a.png", "a.png"), Output: "new", Into: true}, "a.png is named twice: name it once"},
		{"link to another in place", Request{Inputs: in("a.png", "link.png"), Output: ".", Into: true, Overwrite: true}, "a.png and link.png are one file, through a link"},
		{"folder named twice", Request{Inputs: in("re", "./re"), Output: "new", Into: true}, "./re is named twice: name it once"},
		{"compare", Request{Inputs: in("a.png"), Output: "x.png", Compare: "c.jpg"}, "a.png>x.png|c.jpg"},
		{"compare several", Request{Inputs: in("a.png", "b.JPG"), Output: "new", Into: true, Compare: "cmp"}, "a.png>new/a.png|cmp/a.png b.JPG>new/b.JPG|cmp/b.JPG"},
		{"explain", Request{Inputs: in("a.png"), Output: "x.y.jpg", Explain: true}, "a.png>x.y.jpg#x.y.affinity.png"},

		{"exists", Request{Inputs: in("a.png"), Output: "b.JPG"}, "b.JPG exists: choose another name, replace with --overwrite, or keep with --skip-existing"},
		{"some exist", Request{Inputs: in("in"), Output: "done"}, "2 results exist already, such as done/1.png"},
		{"map exists", Request{Inputs: in("a.png"), Output: "re/x.jpg", Explain: true}, "re/x.affinity.png exists"},
		{"in place without leave", Request{Inputs: in("a.png"), Output: "a.png"}, "a.png exists"},
		{"same file through a link", Request{Inputs: in("link.png", "c.tiff"), Output: ".", Into: true, Overwrite: true, Format: imageio.PNG}, "link.png>link.png c.tiff>c.png"},
		{"results collide", Request{Inputs: in("in"), Output: "new", Format: imageio.PNG}, "new/dup.png would be the result of both in/dup.jpg and in/dup.png"},
		{"same name from two folders", Request{Inputs: in("in/1.png", "out/1.png"), Output: "new", Into: true}, "would be the result of both"},
		{"result falls on an input", Request{Inputs: in("re/x.png", "re/x_r.png"), Suffix: "_r", Overwrite: true}, "the result of re/x.png would replace the input re/x_r.png"},
		{"folder to file", Request{Inputs: in("in"), Output: "a.png"}, "a.png is a file, but a folder is needed"},
		{"folder to a file's name", Request{Inputs: in("in"), Output: "x.png"}, "x.png would be a folder, but is named like a PNG"},
		{"-o names a file", Request{Inputs: in("b.JPG"), Output: "a.png", Into: true}, "a.png is a file, but a folder is needed"},
		{"result is a folder", Request{Inputs: in("a.png"), Output: "in", Format: imageio.PNG, Compare: "void"}, "a.png>in/a.png|void/a.png"},
		{"result is a device", Request{Inputs: in("a.png"), Output: "/dev/null", Format: imageio.PNG}, "use - to write to standard output"},
		{"several to standard output", Request{Inputs: in("in"), Output: "-"}, "only one picture goes to standard output"},
		{"nameless into a folder", Request{Inputs: in("-"), Output: "out"}, "standard input has no name"},
		{"nameless among others", Request{Inputs: in("a.png", "-"), Output: "out", Into: true}, "restore it alone"},
		{"nameless beside", Request{Inputs: in("-"), Suffix: "_r"}, "restore it alone"},
		{"no pictures", Request{Inputs: in("void"), Output: "new"}, "void holds no pictures: their names end in .png"},
		{"only other files", Request{Inputs: in("phone"), Output: "new"}, ".bmp; 2 other files left alone (2 .heic)"},
		{"no match", Request{Inputs: in("*.gif"), Output: "new"}, "no file has that name or fits that pattern"},
		{"bad pattern", Request{Inputs: in("[a.png"), Output: "new"}, "close each ["},
		{"unknown extension", Request{Inputs: in("a.png"), Output: "x.gif"}, "cannot write .gif images: use .png"},
		{"no extension to go by", Request{Inputs: in("a.png"), Output: "x"}, "has no extension that names an image format"},
		{"format helps", Request{Inputs: in("a.png"), Output: "x", Format: imageio.JPEG}, "a.png>x"},
		{"name and format differ", Request{Inputs: in("a.png"), Output: "x.png", Format: imageio.JPEG}, "x.png is named like a PNG, but --format says JPEG: leave one out"},
		{"suffix for a given name", Request{Inputs: in("a.png"), Output: "x.png", Suffix: "_r"}, "leave one out"},
		{"compare is the result", Request{Inputs: in("a.png"), Output: "x.png", Compare: "x.png"}, "x.png is named twice"},
		{"compare is the input", Request{Inputs: in("a.png"), Output: "x.png", Compare: "a.png", Overwrite: true}, "the comparison of a.png would replace the input a.png: choose another name for --compare"},
		{"compare to no format", Request{Inputs: in("a.png"), Output: "x.png", Compare: "c.txt"}, "--compare: "},
		{"compare several in a file", Request{Inputs: in("in"), Output: "new", Compare: "a.png"}, "several pictures need a folder"},
		{"map without a file", Request{Inputs: in("a.png"), Output: "-", Explain: true}, "write the result to a file"},
	} {
		plan, err := c.request.Plan()
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = words(plan.Jobs)
		}
		if exact := strings.Contains(c.want, ">"); exact && got != c.want || !exact && !strings.Contains(got, c.want) {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	if found := files(t, "."); len(found) != 28 {
		t.Errorf("planning has made or removed files: %d are there: %v", len(found), found)
	}
}

// TestUnreadableFolder: a folder that a pattern cannot search is reported like a picture
// that cannot be read. A file stands in for it, since root may read any folder.
func TestUnreadableFolder(t *testing.T) {
	tree(t)
	f := &folders{FS: os.DirFS("."), root: "."}
	if _, err := f.ReadDir("a.png"); err == nil || len(f.unreadable) != 1 || f.unreadable[0].path != "a.png" ||
		!strings.Contains(f.unreadable[0].err.Error(), "cannot read a.png") {
		t.Errorf("%v, %+v", err, f.unreadable)
	}
	if _, err := f.ReadDir("gone"); err == nil || len(f.unreadable) != 1 {
		t.Errorf("a folder that is not there: %v, %+v", err, f.unreadable)
	}
}

// locked is a file system with a folder a, which may be seen but neither read nor entered.
type locked struct{ fstest.MapFS }

func (l locked) Open(name string) (fs.File, error) {
	if name == "a" || strings.HasPrefix(name, "a/") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.MapFS.Open(name)
}

func (l locked) ReadDir(name string) ([]fs.DirEntry, error) {
	if _, err := l.Open(name); err != nil {
		return nil, err
	}
	return l.MapFS.ReadDir(name)
}

func (l locked) Stat(name string) (fs.FileInfo, error) {
	if name != "a" {
		if _, err := l.Open(name); err != nil {
			return nil, err
		}
	}
	return l.MapFS.Stat(name)
}

// TestSearchUnreadableFolder: whatever the pattern, the folder is reported, once.
func TestSearchUnreadableFolder(t *testing.T) {
	for _, pattern := range []string{"**/*.png", "**/*/*.png", "{a,b}/*.png", "?/*.png", "**/{x,y}.png"} {
		f := &folders{FS: locked{fstest.MapFS{"a/x.png": {}, "b/y.png": {}}}, root: "root"}
		found, err := doublestar.Glob(f, pattern, doublestar.WithFilesOnly(), doublestar.WithNoHidden())
		if err != nil || !slices.Equal(found, []string{"b/y.png"}) || len(f.unreadable) != 1 || f.unreadable[0].path != filepath.Join("root", "a") {
			t.Errorf("%s: %v, %v, %+v", pattern, found, err, f.unreadable)
		}
	}
}

// words formats jobs as IN>OUT, with |COMPARE and #MAP if present, and ! if the input
// cannot be read.
func words(jobs []Job) string {
	var all []string
	for _, j := range jobs {
		s := j.In + ">" + j.Out
		if j.Compare != "" {
			s += "|" + j.Compare
		}
		if j.Map != "" {
			s += "#" + j.Map
		}
		if j.err != nil {
			s += "!"
		}
		all = append(all, filepath.ToSlash(s))
	}
	return strings.Join(all, " ")
}

func TestPlanCounts(t *testing.T) {
	tree(t)
	p, err := Request{Inputs: []string{"in"}, Output: "done", SkipExisting: true}.Plan()
	must(t, err)
	if len(p.Jobs) != 4 || len(p.Skipped) != 2 || len(p.Ignored) != 2 || p.Ignored[".txt"] != 1 || p.Ignored[hidden] != 1 || !p.Several {
		t.Errorf("got %d jobs, %d skipped, %v ignored, several %v", len(p.Jobs), len(p.Skipped), p.Ignored, p.Several)
	}
	p, err = Request{Inputs: []string{"a.png"}, Output: "x.png"}.Plan()
	if err != nil || p.Several {
		t.Errorf("one file: several %v, %v", p.Several, err)
	}
	_, err = Request{Inputs: []string{"a.png"}, Output: "x.gif"}.Plan()
	if !errors.As(err, new(usage.Error)) {
		t.Errorf("%v is no misuse of the command line", err)
	}
	_, err = Request{Inputs: []string{"a.png"}, Output: "b.JPG"}.Plan()
	if err == nil || errors.As(err, new(usage.Error)) {
		t.Errorf("%v is a misuse of the command line", err)
	}
}

// TestCaseOfNames: if A.png and a.png are the same file, neither may replace the other.
func TestCaseOfNames(t *testing.T) {
	was := foldsCase
	defer func() { foldsCase = was }()
	dir := t.TempDir()
	for _, name := range []string{"x/A.png", "y/a.png"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := Request{Inputs: []string{filepath.Join(dir, "x"), filepath.Join(dir, "y")}, Output: filepath.Join(dir, "out")}
	for _, foldsCase = range []bool{false, true} {
		_, err := r.Plan()
		if (err != nil) != foldsCase || err != nil && !strings.Contains(err.Error(), "would be the result of both") {
			t.Errorf("one for both cases %v: %v", foldsCase, err)
		}
	}
}
