package dataset

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// pair is a training image on disk. Without an input, the degraded image is
// made from the target.
type pair struct{ input, target string }

// scanner finds the training data of a set.
type scanner struct {
	opts     Options
	excluded []*nameList
	overlaps []*nameList
	report   Report
}

func newScanner(opts Options) (*scanner, error) {
	s := &scanner{opts: opts, report: Report{Root: opts.Root}}
	for _, file := range opts.Exclude {
		l, err := readList(under(opts.Root, file))
		if err != nil {
			return nil, fmt.Errorf("exclude: %w", err)
		}
		s.excluded = append(s.excluded, l)
	}
	if opts.KeepOverlaps {
		return s, nil
	}
	l, err := findList(opts.Root, filepath.Join(opts.Root, "Train"), "", filepath.Base(overlapList))
	if err != nil {
		return nil, err
	}
	if l != nil {
		s.overlaps = []*nameList{l}
	}
	return s, nil
}

// clean finds the clean images for denoising.
func (s *scanner) clean(t Task) ([]pair, error) {
	lay := layouts[Denoise]
	dir, r := s.cleanFolder(t)
	r.Expected = lay.expected
	files, others, err := listImages(dir)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("task denoise: no images in %s; put clean photographs there, or set target to a folder of them", dir)
	}
	r.Found = len(files)
	for _, f := range others {
		r.skip(f, NotImage, "")
	}
	list, err := s.list(t, dir)
	if err != nil {
		return nil, err
	}
	var pairs []pair
	for _, f := range s.filter(r, list, files) {
		pairs = append(pairs, pair{target: f})
	}
	return s.finish(t, r, pairs)
}

// cleanFolder says where the clean photographs are: where the task says, in
// Train/Denoise, or else, for a plain folder of photographs, in the root.
func (s *scanner) cleanFolder(t Task) (string, *TaskReport) {
	r := &TaskReport{Task: t.Kind}
	dir := t.Target
	if dir == "" {
		dir = layouts[Denoise].target
		train, _, _ := listImages(under(s.opts.Root, "Train"))
		if len(train) == 0 {
			dir = "."
			r.note("there is no folder Train with images: every image below the root is taken for a clean photograph")
		}
	}
	dir = under(s.opts.Root, dir)
	r.Folders = []string{dir}
	return dir, r
}

// pairs finds the pairs of any other task.
func (s *scanner) pairs(t Task) ([]pair, error) {
	lay := layouts[t.Kind]
	r := &TaskReport{Task: t.Kind, Expected: lay.expected}
	if t.Input != "" {
		lay.input, lay.target, r.Expected = t.Input, t.Target, 0
	}
	if lay.match == nil {
		lay.match = matchSame
	}
	in, target := under(s.opts.Root, lay.input), under(s.opts.Root, lay.target)
	r.Folders = []string{in, target}
	list, err := s.list(t, filepath.Dir(in))
	if err != nil {
		return nil, err
	}
	pairs, err := matchPairs(r, in, target, lay.match, func(files []string) []string { return s.filter(r, list, files) })
	if err != nil {
		return nil, err
	}
	if r.Found == 0 {
		return nil, fmt.Errorf("task %s: no images in %s; lay the pairs out as in scripts/DATASETS.md, or leave the task out", t.Kind, in)
	}
	return s.finish(t, r, pairs)
}

// matchPairs matches the images of two folders by name. filter picks among the
// degraded images; a clean one whose partner was filtered out is no news.
func matchPairs(r *TaskReport, in, target string, match matchRule, filter func([]string) []string) ([]pair, error) {
	inputs, others, err := listImages(in)
	targets, others2, err2 := listImages(target)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	for _, f := range append(others, others2...) {
		r.skip(f, NotImage, "")
	}
	r.Found = len(inputs)
	byKey := map[string]string{}
	for _, f := range targets {
		key := relKey(target, f)
		if first, twice := byKey[key]; twice {
			r.skip(f, Duplicate, first)
			continue
		}
		byKey[key] = f
	}
	wanted := map[string]bool{}
	partner := func(f string) (string, []string) {
		keys := match(relKey(in, f))
		for _, k := range keys {
			if t, ok := byKey[k]; ok {
				wanted[t] = true
				return t, keys
			}
		}
		return "", keys
	}
	for _, f := range inputs {
		partner(f)
	}
	for _, f := range targets {
		if !wanted[f] && byKey[relKey(target, f)] == f {
			r.skip(f, NoInput, "")
		}
	}
	var pairs []pair
	for _, f := range filter(inputs) {
		t, keys := partner(f)
		if t == "" {
			r.skip(f, NoTarget, filepath.Join(target, keys[0])+".*")
			continue
		}
		pairs = append(pairs, pair{f, t})
	}
	return pairs, nil
}

// list returns the family's list for the task if there is one to be used.
func (s *scanner) list(t Task, dir string) (*nameList, error) {
	lay := layouts[t.Kind]
	if s.opts.IgnoreLists || lay.list == "" || t.Input != "" || t.Target != "" {
		return nil, nil
	}
	return findList(s.opts.Root, dir, lay.listDir, lay.list)
}

// filter leaves out what a list does not name and what another one excludes.
func (s *scanner) filter(r *TaskReport, list *nameList, files []string) []string {
	renamed := 0
	var out []string
	for _, f := range files {
		ok := list == nil
		if list != nil {
			var other bool
			if ok, other = list.find(f); other {
				renamed++
			}
		}
		switch {
		case !ok:
			r.skip(f, NotListed, "")
		case s.named(r, s.overlaps, f, Overlaps) || s.named(r, s.excluded, f, Excluded):
		default:
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
		r.note("%d of the list's %d names have no file, such as %s", len(lost), len(list.names), strings.Join(lost[:min(3, len(lost))], ", "))
	}
	return out
}

func (s *scanner) named(r *TaskReport, lists []*nameList, f string, why Reason) bool {
	for _, l := range lists {
		if found, _ := l.find(f); found {
			r.skip(f, why, "named in "+l.Path)
			return true
		}
	}
	return false
}

// finish reads the images' headers, leaves out what cannot be used, and files
// the task's report.
func (s *scanner) finish(t Task, r *TaskReport, pairs []pair) ([]pair, error) {
	var files []string
	for _, p := range pairs {
		files = append(files, p.target)
		if p.input != "" {
			files = append(files, p.input)
		}
	}
	headers := readHeaders(files)
	var out []pair
	for _, p := range pairs {
		h := headers[p.target]
		in := h
		if p.input != "" {
			in = headers[p.input]
		}
		switch {
		case h.err != nil:
			r.skip(p.target, Unreadable, h.err.Error())
		case in.err != nil:
			r.skip(p.input, Unreadable, in.err.Error())
		case h.w != in.w || h.h != in.h:
			r.skip(p.input, SizesDiffer, fmt.Sprintf("%d×%d, clean %d×%d", in.w, in.h, h.w, h.h))
		default:
			r.addSize(h.w, h.h, s.opts.Patch)
			out = append(out, p)
		}
	}
	r.Used = len(out)
	r.Samples = len(out) * t.Repeat * max(1, len(t.Sigmas))
	s.report.Tasks = append(s.report.Tasks, *r)
	if len(out) == 0 {
		return nil, fmt.Errorf("task %s: none of the %d images in %s can be used: %s", t.Kind, r.Found, r.Folders[0], reasons(r.Skipped))
	}
	return out, nil
}

func reasons(skips []Skip) string {
	n := map[Reason]int{}
	var out []string
	for _, k := range skips {
		n[k.Reason]++
	}
	for _, k := range skips {
		if n[k.Reason] > 0 {
			out = append(out, fmt.Sprintf("%d × %s, such as %s", n[k.Reason], k.Reason, k.File))
			n[k.Reason] = 0
		}
	}
	return strings.Join(out, "; ")
}

type header struct {
	w, h int
	err  error
}

func readHeaders(files []string) map[string]header {
	found := make([]header, len(files))
	var g errgroup.Group
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	for i, f := range files {
		g.Go(func() error {
			found[i].w, found[i].h, found[i].err = readSize(f)
			return nil
		})
	}
	_ = g.Wait()
	out := make(map[string]header, len(files))
	for i, f := range files {
		out[f] = found[i]
	}
	return out
}
