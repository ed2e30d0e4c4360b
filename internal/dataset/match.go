package dataset

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strings"
)

// pair is a training image on disk. If it has no input, the degraded image is made from
// the target.
type pair struct {
	input, target string
	depth, light  string // maps of the target, for degradations made from them
}

// files lists the pair's files, "" for those that it lacks.
func (p pair) files() []string { return []string{p.input, p.target, p.depth, p.light} }

// matchPairs matches the images of two folders by name. filter selects among the
// degraded images; clean ones whose partner was filtered out are not reported.
func matchPairs(r *TaskReport, in, target string, match matchRule, filter func([]string) []string) ([]pair, error) {
	inputs, others, err := listImages(in)
	targets, others2, err2 := listImages(target)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	r.skipOthers(append(others, others2...))
	byName, byKey := firstBy(targets, func(f string) string { return relName(target, f) }), firstBy(targets, func(f string) string { return relKey(target, f) })
	partner, wanted := map[string]string{}, map[string]bool{}
	for _, f := range inputs {
		names := match(relName(in, f))
		for i, key := range match(relKey(in, f)) { // its own name goes before those that are only alike
			if t := cmp.Or(byName[names[i]], byKey[key]); t != "" && t != f { // one folder may hold both
				partner[f], wanted[t] = t, true
				break
			}
		}
	}
	inputs = slices.DeleteFunc(inputs, func(f string) bool { return partner[f] == "" && wanted[f] })
	r.Found = len(inputs)
	for _, f := range targets {
		first := byKey[relKey(target, f)]
		switch {
		case wanted[f], partner[f] != "":
		case first != f:
			r.skip(f, Duplicate, first)
		default:
			r.skip(f, NoInput, "")
		}
	}
	var pairs []pair
	for _, f := range filter(inputs) {
		if partner[f] == "" {
			r.skip(f, NoTarget, filepath.Join(target, strings.Join(match(relName(in, f)), ".* or "))+".*")
			continue
		}
		pairs = append(pairs, pair{input: f, target: partner[f]})
	}
	return pairs, nil
}

// firstBy maps keys to the first file of each.
func firstBy(files []string, keyOf func(file string) string) map[string]string {
	first := map[string]string{}
	for _, f := range slices.Backward(files) {
		first[keyOf(f)] = f
	}
	return first
}
