package dataset

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize/english"

	"clusir/internal/userfile"
)

// Reason is why a file was not used.
type Reason string

// The reasons for skipping a file.
const (
	Unreadable  Reason = "unreadable"
	NoTarget    Reason = "no clean image of its name"
	NoInput     Reason = "no degraded image of its name"
	SizesDiffer Reason = "sizes of the pair differ"
	Overlaps    Reason = "also in a test set"
	Excluded    Reason = "on an exclusion list"
	NotListed   Reason = "not on the list in use"
	Duplicate   Reason = "another file has its name"
	NotImage    Reason = "not an image"
	NotRead     Reason = "in a format that is not read"
)

// Skip is a file that was not used, and why.
type Skip struct {
	File   string `json:"file"`
	Reason Reason `json:"reason"`
	Detail string `json:"detail,omitempty"`
}

// text is a line about the file; details of files that cannot be read name it themselves.
func (s Skip) text(what string) string {
	if s.Reason == Unreadable || s.Reason == NotRead {
		return userfile.OneLine(s.Detail)
	}
	return userfile.OneLine(strings.TrimSuffix(s.File+": "+what, ": "))
}

// String is a line that says all about the file.
func (s Skip) String() string {
	return s.text(strings.TrimSuffix(string(s.Reason)+": "+s.Detail, ": "))
}

// TaskReport describes what was found for one task.
type TaskReport struct {
	Task     string   `json:"task"`
	Folders  []string `json:"folders"`
	Found    int      `json:"found"`              // degraded images, or clean ones for denoise
	Used     int      `json:"used"`               // pairs, or clean images
	Clean    int      `json:"clean"`              // clean photographs to synthesise from
	Expected int      `json:"expected,omitempty"` // in the whole data set
	Samples  int      `json:"samples"`            // in an epoch
	MinSize  [2]int   `json:"min_size"`           // width and height of the smallest by area
	MaxSize  [2]int   `json:"max_size"`
	Small    int      `json:"smaller_than_patch"` // mirrored at their edges
	Pixels   int64    `json:"pixels"`             // of all images in use
	Skipped  []Skip   `json:"skipped"`
	Notes    []string `json:"notes,omitempty"`
	// Counts of problems: files that cannot be read, pairs whose sizes differ, images
	// that are also in a test set, both among the skipped files and among those in use,
	// which Check finds.
	Unreadable  int `json:"unreadable"`
	SizesDiffer int `json:"sizes_differ"`
	InTestSet   int `json:"in_test_set"`

	skipped map[Skip]bool // what Skipped lists, without details
}

// Report describes what a training set was made from.
type Report struct {
	Root  string        `json:"root"`
	Tasks []*TaskReport `json:"tasks"`
	// Added by Check: how many images it decoded, those it could not use, and those
	// that are also in a test set.
	Checked  int       `json:"checked,omitempty"`
	Damaged  []Skip    `json:"damaged,omitempty"`
	Overlaps []Overlap `json:"overlaps,omitempty"`
}

// skip lists a file, once for each reason: a clean image may belong to several pairs.
func (t *TaskReport) skip(file string, why Reason, detail string) {
	key := Skip{File: file, Reason: why}
	if t.skipped[key] {
		return
	}
	if t.skipped == nil {
		t.skipped = map[Skip]bool{}
	}
	t.skipped[key] = true
	t.Skipped = append(t.Skipped, Skip{file, why, detail})
	t.count(why)
}

// skipOthers lists files that are not named like images.
func (t *TaskReport) skipOthers(files []string) {
	for _, f := range files {
		s := other(f)
		t.skip(s.File, s.Reason, s.Detail)
	}
}

// noImages is the error of a folder without images. It may hold pictures in other formats.
func (t *TaskReport) noImages(dir string) error {
	for _, s := range t.Skipped {
		if s.Reason == NotRead && userfile.Within(s.File, dir) {
			return fmt.Errorf("no images in %s that can be read: %s", dir, s.text(""))
		}
	}
	return fmt.Errorf("no images in %s", dir)
}

func (t *TaskReport) count(why Reason) {
	switch why {
	case Unreadable:
		t.Unreadable++
	case SizesDiffer:
		t.SizesDiffer++
	case Overlaps:
		t.InTestSet++
	}
}

func (t *TaskReport) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

func (t *TaskReport) addSize(w, h, patch int) {
	if t.MinSize[0] == 0 || w*h < t.MinSize[0]*t.MinSize[1] {
		t.MinSize = [2]int{w, h}
	}
	if w*h > t.MaxSize[0]*t.MaxSize[1] {
		t.MaxSize = [2]int{w, h}
	}
	if w < patch || h < patch {
		t.Small++
	}
	t.Pixels += int64(w) * int64(h)
}

// sum adds up the tasks' numbers: the samples of an epoch, the pixels of all images, and
// the files that were skipped because they are damaged.
func (r *Report) sum() (all TaskReport) {
	for _, t := range r.Tasks {
		all.Samples += t.Samples
		all.Pixels += t.Pixels
		all.Unreadable += t.Unreadable
	}
	return all
}

// Decoded returns the bytes that all images take when decoded.
func (r *Report) Decoded() int64 { return 3 * r.sum().Pixels }

// Unreadable returns the number of files that were skipped because they are damaged.
func (r *Report) Unreadable() int { return r.sum().Unreadable }

// WriteText prints the report: a table with a row per task, then what each task
// skipped, by reason, with the given number of examples.
func (r *Report) WriteText(w io.Writer, examples int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Training data in %s\n\n", userfile.OneLine(r.Root))
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "task\tused\tof\tfound\tskipped\tunreadable\tsizes differ\tin a test set\tclean\tsmallest\tlargest\tsamples/epoch\t")
	for _, t := range r.Tasks {
		fmt.Fprintf(tw, "%s\t%d\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", t.Task, t.Used, dash(t.Expected), t.Found,
			dash(len(t.Skipped)), dash(t.Unreadable), dash(t.SizesDiffer), dash(t.InTestSet),
			dash(t.Clean), size(t.MinSize), size(t.MaxSize), t.Samples)
	}
	fmt.Fprintf(tw, "all\t\t\t\t\t\t\t\t\t\t\t%d\t\n", r.sum().Samples)
	tw.Flush()
	for _, t := range r.Tasks {
		t.writeDetails(&b, examples)
	}
	r.writeCheck(&b, examples)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeCheck(b *strings.Builder, examples int) {
	if r.Checked == 0 {
		return
	}
	fmt.Fprintf(b, "\n%d images decoded, %d that cannot be used\n", r.Checked, len(r.Damaged))
	for _, d := range r.Damaged {
		fmt.Fprintf(b, "  %s\n", d)
	}
	byBenchmark := map[string][]Overlap{}
	for _, o := range r.Overlaps {
		byBenchmark[o.Benchmark] = append(byBenchmark[o.Benchmark], o)
	}
	for _, name := range slices.Sorted(maps.Keys(byBenchmark)) {
		list := byBenchmark[name]
		fmt.Fprintf(b, "%d %s also in benchmark %s; a list of names under exclude leaves images out\n", len(list),
			english.PluralWord(len(list), "training image is", "training images are"), name)
		for _, o := range list[:min(examples, len(list))] {
			fmt.Fprintf(b, "    %s is the same %s as %s\n", userfile.OneLine(o.Train), o.Same, userfile.OneLine(o.Test))
		}
	}
	if len(r.Overlaps) == 0 {
		fmt.Fprintln(b, "no training image is in one of the test sets found here")
	}
}

func (t *TaskReport) writeDetails(b *strings.Builder, examples int) {
	if len(t.Skipped)+len(t.Notes)+t.Small == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s: %s\n", t.Task, cmp.Or(userfile.OneLine(strings.Join(t.Folders, ", ")), "made from photographs alone"))
	for _, n := range t.Notes {
		fmt.Fprintf(b, "  %s\n", userfile.OneLine(n))
	}
	if t.Small > 0 {
		fmt.Fprintf(b, "  %d smaller than a patch: mirrored at their edges\n", t.Small)
	}
	for _, skips := range byReason(t.Skipped) {
		fmt.Fprintf(b, "  skipped %d: %s\n", len(skips), skips[0].Reason)
		for _, s := range skips[:min(examples, len(skips))] {
			fmt.Fprintf(b, "    %s\n", s.text(s.Detail))
		}
		if rest := len(skips) - examples; rest > 0 && examples > 0 {
			fmt.Fprintf(b, "    ... and %d more\n", rest)
		}
	}
}

// byReason groups skips, in the order of the reasons' first ones.
func byReason(skips []Skip) (groups [][]Skip) {
	at := map[Reason]int{}
	for _, s := range skips {
		i, known := at[s.Reason]
		if !known {
			i = len(groups)
			at[s.Reason], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], s)
	}
	return groups
}

func dash(n int) string {
	if n == 0 {
		return "–"
	}
	return fmt.Sprint(n)
}

func size(s [2]int) string {
	if s[0] == 0 {
		return "–"
	}
	return fmt.Sprintf("%d×%d", s[0], s[1])
}
