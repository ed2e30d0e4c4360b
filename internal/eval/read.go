package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"clusir/internal/metrics"
)

// readResults reads the lines of a results file; end is where they end, 0 if
// there are none. What a run that was cut off left behind its last whole line,
// or in place of that, is left out: the image is measured again.
func readResults(r io.Reader) (h Header, rows []ImageResult, end int64, err error) {
	in := bufio.NewReader(r)
	var torn error
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return h, rows, end, sameShapes(rows)
		} else if err != nil {
			return h, nil, 0, err
		}
		if torn != nil {
			return h, nil, 0, torn // something follows it: it is damage
		}
		if n == 1 {
			if err := h.parse(line); !json.Valid(line) {
				return h, nil, 0, errors.New("not a file of results: name one that clusir eval or restore wrote")
			} else if err != nil {
				return h, nil, 0, fmt.Errorf("line 1: not a file of results: %w", err)
			}
		} else if row, err := h.row(line); err != nil {
			torn = fmt.Errorf("line %d: not a file of results, or a damaged one: %w", n, err)
			if json.Valid(line) {
				return h, nil, 0, torn // nobody was interrupted in writing that
			}
			continue
		} else {
			rows = append(rows, row)
		}
		end += int64(len(line))
	}
}

// parse reads the first line.
func (h *Header) parse(line []byte) error {
	if err := json.Unmarshal(line, h); err != nil {
		return plainJSON(err)
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
		if s.Found < 0 || s.Found > mostImages || s.Expected < 0 || s.Expected > mostImages {
			return fmt.Errorf("%s of %d images, %d of the whole set", s.Name(), s.Found, s.Expected)
		}
		id := s.Benchmark + "\n" + s.Label
		if seen[id] {
			return fmt.Errorf("%s is listed twice", s.Name())
		}
		seen[id] = true
	}
	if h.Setting == "" { // written before it was noted
		h.Setting = chooseSetting("", h.Splits)
	}
	return nil
}

// The bounds of what can have been measured.
const (
	mostImages = 1 << 31 // of a split
	mostSide   = 1 << 20
	mostPSNR   = 1000 // dB; the least difference of two float32 lies far below
	mostMS     = 1e12
	mostStages = 64
)

// row reads a line behind the header.
func (h *Header) row(line []byte) (r ImageResult, err error) {
	if err := json.Unmarshal(bytes.TrimSpace(line), &r); err != nil {
		return r, plainJSON(err)
	}
	split, ok := h.splitOf(r.Index)
	switch {
	case !ok:
		return r, fmt.Errorf("there is no image %d", r.Index)
	case !h.Shard.Has(r.Index):
		return r, fmt.Errorf("image %d is not in shard %s", r.Index, h.Shard)
	case r.Benchmark != split.Benchmark || r.Split != split.Label:
		return r, fmt.Errorf("image %d is of %s %s, not of %s", r.Index, r.Benchmark, r.Split, split.Name())
	case r.W < 0 || r.W > mostSide || r.H < 0 || r.H > mostSide:
		return r, fmt.Errorf("image %d has %d×%d pixels", r.Index, r.W, r.H)
	case !within(r.MS, 0, mostMS):
		return r, fmt.Errorf("image %d took %g ms", r.Index, r.MS)
	}
	for _, q := range []Quality{r.Input, r.Output} {
		if !within(q.PSNR, -1, mostPSNR) && !math.IsInf(q.PSNR, 1) || !within(q.SSIM, -1.01, 1.01) {
			return r, fmt.Errorf("image %d has a PSNR of %g dB and an SSIM of %g", r.Index, q.PSNR, q.SSIM)
		}
	}
	if err := r.Picture.check(); err != nil {
		return r, fmt.Errorf("image %d: %w", r.Index, err)
	}
	return r, r.checkRoutes()
}

// splitOf is the split of the image at an index.
func (h *Header) splitOf(index int) (Split, bool) {
	for _, s := range h.Splits {
		if index >= 0 && index < s.Found {
			return s, true
		}
		index -= s.Found
	}
	return Split{}, false
}

// checkRoutes holds the posteriors and the experts' weights to their ranges.
func (i ImageResult) checkRoutes() error {
	if len(i.Posterior) == 0 {
		return nil // of a network without experts, an image that failed, or an older program
	}
	if len(i.Posterior) != len(i.Experts) || len(i.Posterior) > mostStages {
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

// sameShapes is an error if images were routed by networks of different shapes.
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
			return fmt.Errorf("image %d has other clusters or experts than image %d: the results are damaged", r.Index, first.Index)
		}
	}
	return nil
}

func within(x, low, high float64) bool { return x >= low && x <= high }

// plainJSON is an error of the JSON library without the names of our types.
func plainJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("its %q is a %s", wrong.Field, wrong.Value)
	}
	return err
}
