package dataset

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"clusir/internal/userfile"
)

// scanner finds a set's training data and writes its report.
type scanner struct {
	opts       Options
	exclusions []exclusion
	report     Report
	// The clean photographs, once searched for.
	photos      []pair
	photosFault error
}

// exclusion is a list of images to leave out, and why.
type exclusion struct {
	*nameList
	why Reason
}

func newScanner(opts Options) (*scanner, error) {
	if err := userfile.Folder(opts.Root, "data sets"); err != nil {
		return nil, err
	}
	s := &scanner{opts: opts, report: Report{Root: opts.Root}}
	if !opts.KeepOverlaps {
		l, err := findList(opts.Root, filepath.Join(opts.Root, "Train"), "", overlapList)
		if err != nil {
			return nil, err
		}
		if l != nil {
			s.exclusions = append(s.exclusions, exclusion{l, Overlaps})
		}
	}
	for _, file := range opts.Exclude {
		l, err := readList(under(opts.Root, file), opts.Root, ".")
		if err != nil {
			return nil, fmt.Errorf("exclude: %w", err)
		}
		s.exclusions = append(s.exclusions, exclusion{l, Excluded})
	}
	return s, nil
}

func (s *scanner) task(t Task) ([]source, error) {
	var out []source
	for _, p := range t.parts() {
		find := s.part
		if kindOf(p.Kind).photographs {
			find = s.fromPhotographs
		}
		sources, err := find(p)
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", p.label, err)
		}
		out = append(out, sources...)
	}
	return out, nil
}

// fromPhotographs finds the data of a task that uses only clean photographs.
func (s *scanner) fromPhotographs(p part) ([]source, error) {
	dirs := s.opts.Clean
	if p.Target != "" {
		dirs = []string{p.Target}
	}
	r := s.row(p.label)
	photos, err := s.clean(r, dirs)
	r.Samples = len(photos) * p.Repeat * max(len(p.Sigmas), 1)
	if p.Target == "" {
		s.photos, s.photosFault = photos, err
	}
	if err != nil {
		return nil, err
	}
	return []source{{label: p.label, pairs: photos, repeat: p.Repeat, sigmas: p.Sigmas, span: p.SigmaRange}}, nil
}

func (s *scanner) row(label string) *TaskReport {
	r := &TaskReport{Task: label}
	s.report.Tasks = append(s.report.Tasks, r)
	return r
}

// cleanPhotos finds, once, the photographs from which degradations are made.
func (s *scanner) cleanPhotos() ([]pair, error) {
	if s.photos == nil && s.photosFault == nil {
		s.photos, s.photosFault = s.clean(s.row("photographs"), s.opts.Clean)
	}
	return s.photos, s.photosFault
}

// clean finds clean photographs: in the named folders, or else in Train/Denoise, or
// else in the root if that is a plain folder of photographs.
func (s *scanner) clean(r *TaskReport, dirs []string) ([]pair, error) {
	lay, isLayout := kindOf(Denoise).layout, len(dirs) == 0
	if isLayout {
		dirs = lay.target
		r.Expected = lay.expected
		train, _, _ := listImages(under(s.opts.Root, "Train"))
		if len(train) == 0 {
			dirs, r.Expected = []string{"."}, 0
			r.note("there is no folder Train with images: every image below the root is taken for a clean photograph, but for those in the test sets' folders")
		}
	}
	var files []string
	seen := map[string]bool{} // the folders may overlap
	for _, d := range dirs {
		dir := under(s.opts.Root, d)
		images, others, err := listImages(dir)
		if err != nil {
			return nil, err
		}
		r.skipOthers(others)
		if len(images) == 0 {
			return nil, fmt.Errorf("%w; put clean photographs there, or name the folder where they are (clean: in the configuration)", r.noImages(dir))
		}
		r.Folders = append(r.Folders, dir)
		for _, f := range images {
			if !seen[f] {
				files = append(files, f)
			}
			seen[f] = true
		}
	}
	r.Found = len(files)
	if !isLayout {
		lay.list = ""
	}
	list, err := s.list(r.Folders[0], lay)
	if err != nil {
		return nil, err
	}
	var pairs []pair
	for _, f := range s.filter(r, list, files) {
		if isLayout && inTestFolder(s.opts.Root, f) {
			r.skip(f, Overlaps, "in a test set's folder")
			continue
		}
		pairs = append(pairs, pair{target: f})
	}
	return s.usable(r, pairs)
}

// part finds the pairs of a task other than denoising, and the photographs from which
// its degradations are made.
func (s *scanner) part(p part) (out []source, err error) {
	r := &TaskReport{Task: p.label}
	var pairs, photos []pair
	if p.Repeat+p.Transfer > 0 {
		if pairs, err = s.pairs(r, p); err != nil {
			s.report.Tasks = append(s.report.Tasks, r)
			return nil, err
		}
	}
	if p.Synth+p.Transfer > 0 {
		if photos, err = s.cleanPhotos(); err != nil {
			return nil, err
		}
		if photos, err = s.addMaps(r, p, photos); err != nil {
			return nil, err
		}
		r.Clean = len(photos)
	}
	r.Samples = len(pairs)*p.Repeat + len(photos)*(p.Synth+p.Transfer)
	s.report.Tasks = append(s.report.Tasks, r)
	if p.Repeat > 0 {
		out = append(out, source{label: p.label, pairs: pairs, repeat: p.Repeat})
	}
	if p.Synth > 0 {
		recipe, err := p.recipe(s.opts.Root)
		if err != nil {
			return nil, err
		}
		out = append(out, source{label: p.label, pairs: photos, repeat: p.Synth, recipe: recipe})
	}
	if p.Transfer > 0 {
		out = append(out, source{label: p.label, pairs: photos, repeat: p.Transfer, recipe: recipe{draw: transfer{pairs}.draw}})
	}
	return out, nil
}

func (s *scanner) pairs(r *TaskReport, p part) ([]pair, error) {
	in, target, lay := p.folders(s.opts.Root)
	r.Folders, r.Expected = []string{in, target}, lay.expected
	list, err := s.list(filepath.Dir(in), lay)
	if err != nil {
		return nil, err
	}
	pairs, err := matchPairs(r, in, target, lay.match, func(files []string) []string { return s.filter(r, list, files) })
	if err != nil {
		return nil, err
	}
	pairs = slices.DeleteFunc(pairs, func(p pair) bool { return s.exclude(r, p.target, (*nameList).names) })
	if r.Found == 0 && p.Kind == Pairs {
		return nil, fmt.Errorf("%w; name the folder of degraded pictures as input", r.noImages(in))
	}
	if r.Found == 0 {
		return nil, fmt.Errorf("%w; lay the pairs out as in scripts/DATASETS.md, or leave the task's repeat out and set synth to make them from photographs", r.noImages(in))
	}
	return s.usable(r, pairs)
}

// list finds the layout's list of images for the folder of a task, nil for none.
func (s *scanner) list(taskDir string, lay layout) (*nameList, error) {
	if lay.list == "" || s.opts.IgnoreLists {
		return nil, nil
	}
	return findList(s.opts.Root, taskDir, lay.listDir, lay.list)
}

// filter drops files that a list does not name or an exclusion list does.
func (s *scanner) filter(r *TaskReport, list *nameList, files []string) []string {
	renamed := 0
	var out []string
	for _, f := range files {
		if list != nil {
			ok, other := list.find(f)
			if !ok {
				r.skip(f, NotListed, "")
				continue
			}
			if other {
				renamed++
			}
		}
		if !s.exclude(r, f, (*nameList).names) {
			out = append(out, f)
		}
	}
	if list == nil {
		return out
	}
	r.note("list in use: %s", list.Path)
	if renamed > 0 {
		r.note("%d names differ from the list's by an \"a\" in front of the number only: taken for the same images", renamed)
	}
	if lost := list.unseen(); len(lost) > 0 {
		r.note("%d of the list's %d names have no file, such as %s", len(lost), len(list.seen), strings.Join(lost[:min(3, len(lost))], ", "))
	}
	return out
}

// exclude skips a file that one of the exclusions names, and reports whether one does.
func (s *scanner) exclude(r *TaskReport, f string, names func(*nameList, string) bool) bool {
	for _, e := range s.exclusions {
		if names(e.nameList, f) {
			r.skip(f, e.why, "named in "+e.Path)
			return true
		}
	}
	return false
}
