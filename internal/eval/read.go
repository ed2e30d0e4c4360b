package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"clusir/internal/metrics"
	"clusir/internal/userfile"
)

// reading is what was read of a results file: nothing, or a header and rows.
type reading struct {
	Header
	rows []ImageResult
}

// take reads a line; see [atomicfile.ReadLines].
func (r *reading) take(n int, line []byte) error {
	if n == 1 {
		if err := r.parse(line); err != nil {
			return fmt.Errorf("not a file of results: %w: name one that clusir eval wrote", err)
		}
		return nil
	}
	row, err := r.row(line)
	if err != nil {
		return fmt.Errorf("not a file of results, or a damaged one: %w", err)
	}
	r.rows = append(r.rows, row)
	return nil
}

// parse parses the first line.
func (h *Header) parse(line []byte) error {
	if err := json.Unmarshal(line, h); err != nil {
		return userfile.PlainJSON(err)
	}
	if h.Format != formatName {
		return fmt.Errorf("its format is %q, not %q", h.Format, formatName)
	}
	if _, err := metrics.ParseWindow(h.Protocol.Name); err != nil {
		return err
	}
	if h.Limit < 0 {
		return fmt.Errorf("its limit is %d", h.Limit)
	}
	seen := map[string]bool{}
	for _, s := range h.Splits {
		if s.Found < 0 || s.Found > maxImages || s.Expected < 0 || s.Expected > maxImages {
			return fmt.Errorf("%s of %d images, %d of the whole set", s.Name(), s.Found, s.Expected)
		}
		id := s.Benchmark + "\n" + s.Label
		if seen[id] {
			return fmt.Errorf("%s is listed twice", s.Name())
		}
		seen[id] = true
	}
	if h.Setting == "" { // written before it was recorded
		h.Setting = chooseSetting("", h.Splits)
	}
	return nil
}

// Bounds of plausible measurements.
const (
	maxImages = 1 << 31 // of a split
	maxSide   = 1 << 20
	maxPSNR   = 1000 // dB; the smallest difference of two float32 gives far less
	maxMS     = 1e12
	maxStages = 64
)

// row parses a line after the header.
func (h *Header) row(line []byte) (r ImageResult, err error) {
	if err := json.Unmarshal(bytes.TrimSpace(line), &r); err != nil {
		return r, userfile.PlainJSON(err)
	}
	split, ok := h.splitOf(r.Index)
	switch {
	case !ok:
		return r, fmt.Errorf("there is no image %d", r.Index)
	case !h.Shard.Has(r.Index):
		return r, fmt.Errorf("image %d is not in shard %s", r.Index, h.Shard)
	case r.Benchmark != split.Benchmark || r.Split != split.Label:
		return r, fmt.Errorf("image %d is of %s %s, not of %s", r.Index, r.Benchmark, r.Split, split.Name())
	case r.W < 0 || r.W > maxSide || r.H < 0 || r.H > maxSide:
		return r, fmt.Errorf("image %d has %d×%d pixels", r.Index, r.W, r.H)
	case r.Err == "" && (r.Image == "" || r.Input == Quality{} || r.Output == Quality{}):
		return r, fmt.Errorf("image %d lacks its name, its error, or the quality of its input or output", r.Index)
	case !within(r.MS, 0, maxMS):
		return r, fmt.Errorf("image %d took %g ms", r.Index, r.MS)
	case r.Picture != nil && r.Picture.Depth != 8 && r.Picture.Depth != 16:
		return r, fmt.Errorf("image %d: a picture of %d bits", r.Index, r.Picture.Depth)
	}
	for _, q := range []Quality{r.Input, r.Output} {
		if !within(q.PSNR, -1, maxPSNR) && !math.IsInf(q.PSNR, 1) || !within(q.SSIM, -1.01, 1.01) {
			return r, fmt.Errorf("image %d has a PSNR of %g dB and an SSIM of %g", r.Index, q.PSNR, q.SSIM)
		}
	}
	return r, r.checkRoutes()
}

// splitOf returns the split of the image at an index.
func (h *Header) splitOf(index int) (Split, bool) {
	for _, s := range h.Splits {
		if index >= 0 && index < s.Found {
			return s, true
		}
		index -= s.Found
	}
	return Split{}, false
}

// checkRoutes checks the ranges of the posteriors and the experts' weights.
func (i ImageResult) checkRoutes() error {
	if len(i.Posterior) == 0 {
		return nil // a network without experts, a failed image, or an older program
	}
	if len(i.Posterior) != len(i.Experts) || len(i.Posterior) > maxStages {
		return fmt.Errorf("image %d has %d posteriors and the experts of %d stages", i.Index, len(i.Posterior), len(i.Experts))
	}
	for l, p := range i.Posterior {
		if len(p) == 0 || len(i.Experts[l]) == 0 || len(i.Experts[l])%len(p) != 0 {
			return fmt.Errorf("image %d has %d clusters and %d experts in stage %d", i.Index, len(p), len(i.Experts[l]), l+1)
		}
		for _, v := range slices.Concat(p, i.Experts[l]) {
			if !within(float64(v), 0, 1.01) {
				return fmt.Errorf("image %d has a share of %g in stage %d", i.Index, v, l+1)
			}
		}
	}
	return nil
}

// sameShapes returns an error if images were routed by networks of different shapes.
func sameShapes(rows []ImageResult) error {
	var first *ImageResult
	for k := range rows {
		r := &rows[k]
		if len(r.Posterior) == 0 {
			continue
		}
		if first == nil {
			first = r
		}
		same := len(r.Posterior) == len(first.Posterior)
		for l := 0; same && l < len(r.Posterior); l++ {
			same = len(r.Posterior[l]) == len(first.Posterior[l]) && len(r.Experts[l]) == len(first.Experts[l])
		}
		if !same {
			return fmt.Errorf("image %d does not have the clusters and experts of image %d: the results are damaged", r.Index, first.Index)
		}
	}
	return nil
}

func within(x, low, high float64) bool { return x >= low && x <= high }
