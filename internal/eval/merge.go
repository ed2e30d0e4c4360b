package eval

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"clusir/internal/shard"
)

// Merge combines the results files of all shards of a run, or reads that of a whole
// one. The report is, to the bit, that of a run in one piece, except that times and
// devices are those of the shards.
func Merge(paths ...string) (*Report, error) {
	if len(paths) == 0 {
		return nil, errors.New("no results files to merge")
	}
	var first Header
	var rows []ImageResult
	var devices []string
	seen := map[shard.Shard]string{}
	for i, path := range paths {
		h, err := openResults(path)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			first = h.Header
		} else if err := h.mustMatch(first); err != nil {
			return nil, fmt.Errorf("%s does not go with %s: %w", path, paths[0], err)
		}
		if h.Shard.N != first.Shard.N {
			return nil, fmt.Errorf("%s does not go with %s: it is of %s, the other of %s", path, paths[0], h.Shard.Words(), first.Shard.Words())
		}
		if other, ok := seen[h.Shard]; ok {
			return nil, fmt.Errorf("%s and %s are of one shard: leave one out", other, path)
		}
		seen[h.Shard] = path
		rows = append(rows, h.rows...)
		if !slices.Contains(devices, h.Device) {
			devices = append(devices, h.Device)
		}
	}
	if err := sameShapes(rows); err != nil {
		return nil, err
	}
	rows, err := first.complete(rows, seen)
	if err != nil {
		return nil, err
	}
	first.Device, first.Shard = strings.Join(devices, ", "), shard.Shard{}
	return first.report(rows), nil
}

// complete returns a row for each image, the latest one, or reports which shards are
// missing or incomplete.
func (h Header) complete(rows []ImageResult, shards map[shard.Shard]string) ([]ImageResult, error) {
	total := 0
	for _, s := range h.Splits {
		total += s.Found
	}
	latest := map[int]ImageResult{}
	for _, r := range rows {
		latest[r.Index] = r
	}
	for k := 1; k <= h.Shard.N; k++ {
		if s := (shard.Shard{K: k, N: h.Shard.N}); shards[s] == "" {
			return nil, fmt.Errorf("the results of shard %s are not among the files: measure it with clusir eval --shard %s", s, s)
		}
	}
	var whole []ImageResult
	for i := range total {
		r, ok := latest[i]
		if !ok {
			return nil, fmt.Errorf("%s is not finished: it lacks image %d of %d; continue with clusir eval --resume", fileOf(shards, i), i+1, total)
		}
		whole = append(whole, r)
	}
	return whole, nil
}

// fileOf returns the file of the shard that has an image.
func fileOf(shards map[shard.Shard]string, index int) string {
	for s, path := range shards {
		if s.Has(index) {
			return path
		}
	}
	panic("eval: an image of no shard")
}

func openResults(path string) (r reading, err error) {
	if err = resultsFormat.Read(path, r.take); err == nil && r.Format == "" {
		err = fmt.Errorf("%s holds no results", path)
	}
	return r, err
}
