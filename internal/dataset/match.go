package dataset

import (
	"errors"
	"path/filepath"
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
	for _, f := range append(others, others2...) {
		r.skip(f, NotImage, "")
	}
	r.Found = len(inputs)
	byKey := indexBy(func(f string) string { return relKey(target, f) }, r, targets)
	partner, wanted := map[string]string{}, map[string]bool{}
	for _, f := range inputs {
		for _, key := range match(relKey(in, f)) {
			if t, ok := byKey[key]; ok {
				partner[f], wanted[t] = t, true
				break
			}
		}
	}
	for _, f := range targets {
		if !wanted[f] && byKey[relKey(target, f)] == f {
			r.skip(f, NoInput, "")
		}
	}
	var pairs []pair
	for _, f := range filter(inputs) {
		if partner[f] == "" {
			r.skip(f, NoTarget, filepath.Join(target, match(relKey(in, f))[0])+".*")
			continue
		}
		pairs = append(pairs, pair{input: f, target: partner[f]})
	}
	return pairs, nil
}

// indexBy maps keys to files; of two with the same key, the first stays.
func indexBy(keyOf func(file string) string, r *TaskReport, files []string) map[string]string {
	byKey := map[string]string{}
	for _, f := range files {
		key := keyOf(f)
		if first, twice := byKey[key]; twice {
			r.skip(f, Duplicate, first)
			continue
		}
		byKey[key] = f
	}
	return byKey
}
