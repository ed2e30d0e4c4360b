package report

import (
	"cmp"
	"slices"

	"clusir/internal/eval"
)

// rankedImage is an image that represents others.
type rankedImage struct {
	rank  string
	image eval.ImageResult
}

// ranked returns, for each split, the images with the largest, the median and the
// smallest gain in dB; fewer if there are fewer.
func ranked(r *eval.Report) [][]rankedImage {
	out := make([][]rankedImage, len(r.Splits))
	for k, s := range r.Splits {
		images := imagesOf(r, s)
		slices.SortStableFunc(images, func(a, b eval.ImageResult) int { return cmp.Compare(gainOf(b), gainOf(a)) })
		seen := map[int]bool{}
		for _, pick := range []struct {
			rank string
			at   int
		}{{"Best", 0}, {"Median", (len(images) - 1) / 2}, {"Worst", len(images) - 1}} {
			if len(images) == 0 || seen[pick.at] {
				continue
			}
			seen[pick.at] = true
			out[k] = append(out[k], rankedImage{pick.rank, images[pick.at]})
		}
		if len(images) == 1 {
			out[k][0].rank = "The only image"
		}
	}
	return out
}

// shown are the indices of the images whose pictures the page shows large.
func shown(r *eval.Report) map[int]bool {
	indices := map[int]bool{}
	for _, split := range ranked(r) {
		for _, i := range split {
			indices[i.image.Index] = true
		}
	}
	return indices
}
