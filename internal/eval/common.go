package eval

import (
	"fmt"
	"slices"
)

// Common returns reports without the parts of benchmarks that some of them lack, as
// other programs' pictures may not cover all parts. The images are renumbered,
// identically in all reports; index maps, for each report, its own numbers to the new
// ones.
func Common(reports ...*Report) (out []*Report, index []map[int]int) {
	for _, r := range reports {
		own, to := r.within(reports)
		out, index = append(out, own), append(index, to)
	}
	return out, index
}

func (r *Report) within(others []*Report) (*Report, map[int]int) {
	out, index := *r, map[int]int{}
	out.Splits, out.Images = nil, nil
	at := 0
	for _, s := range r.Splits {
		own := r.Images[at : at+s.Images+s.Failed]
		at += len(own)
		if slices.ContainsFunc(others, func(o *Report) bool { return !o.has(s.Split) }) {
			continue
		}
		out.Splits = append(out.Splits, s)
		for _, i := range own {
			index[i.Index] = len(out.Images)
			i.Index = len(out.Images)
			out.Images = append(out.Images, i)
		}
	}
	out.Missing = missingOf(others)
	return &out, index
}

func (r *Report) has(s Split) bool {
	return slices.ContainsFunc(r.Splits, func(o SplitResult) bool { return o.Benchmark == s.Benchmark && o.Label == s.Label })
}

// missingOf lists what reports lack and what is left out because of that, without
// repetition.
func missingOf(reports []*Report) (lines []string) {
	for _, r := range reports {
		lines = append(lines, r.Missing...)
		for _, s := range r.Splits {
			for _, o := range reports {
				if !o.has(s.Split) {
					lines = append(lines, fmt.Sprintf("%s of %s, so that it is left out", s.Name(), o.Model))
				}
			}
		}
	}
	return distinct(lines)
}

func distinct(lines []string) (out []string) {
	for _, line := range lines {
		if !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}
