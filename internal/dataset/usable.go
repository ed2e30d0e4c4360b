package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"clusir/internal/imageio"
)

// usable reads the headers of pairs and drops those that cannot be used. It returns an
// error if none remain.
func (s *scanner) usable(r *TaskReport, pairs []pair) ([]pair, error) {
	var files []string
	for _, p := range pairs {
		files = append(files, p.target)
		if p.input != "" {
			files = append(files, p.input)
		}
	}
	type header struct {
		imageio.Probe
		err error
	}
	headers, err := inspect(context.Background(), files, 2*runtime.GOMAXPROCS(0), func(path string) (h header) {
		h.Probe, h.err = imageio.ProbeFile(path, imageio.Limits{})
		return h
	}, nil)
	if err != nil {
		return nil, err
	}
	var out []pair
	for _, p := range pairs {
		h := headers[p.target]
		in := h
		if p.input != "" {
			in = headers[p.input]
		}
		switch {
		case isMachineFault(h.err) || isMachineFault(in.err):
			return nil, errors.Join(h.err, in.err)
		case h.err != nil:
			r.skip(p.target, Unreadable, h.err.Error())
		case in.err != nil:
			r.skip(p.input, Unreadable, in.err.Error())
		case h.W != in.W || h.H != in.H:
			r.skip(p.input, SizesDiffer, fmt.Sprintf("%d×%d, clean %d×%d", in.W, in.H, h.W, h.H))
		default:
			r.addSize(h.W, h.H, s.opts.Patch)
			if p.input != "" {
				r.Pixels += int64(h.W) * int64(h.H)
			}
			out = append(out, p)
		}
	}
	r.Used = len(out)
	if len(out) == 0 {
		return nil, fmt.Errorf("none of the %d images in %s can be used: %s", r.Found, r.Folders[0], reasons(r.Skipped))
	}
	return out, nil
}

// reasons sums up skips on one line.
func reasons(skips []Skip) string {
	var out []string
	for _, same := range byReason(skips) {
		out = append(out, fmt.Sprintf("%d × %s, such as %s", len(same), same[0].Reason, same[0].text(same[0].Detail)))
	}
	return strings.Join(out, "; ")
}

// addMaps assigns maps to photographs by name, if there are folders of maps. A task
// that names no folder uses the layout's depth maps.
func (s *scanner) addMaps(r *TaskReport, p part, photos []pair) ([]pair, error) {
	byDepth, err := s.maps(r, cmp.Or(p.Depth, kindOf(p.Kind).layout.depth), p.Depth != "")
	if err != nil {
		return nil, err
	}
	byLight, err := s.maps(r, p.Light, p.Light != "")
	if err != nil {
		return nil, err
	}
	out := make([]pair, len(photos))
	n := 0
	for i, photo := range photos {
		key := matchKey(photo.target)
		out[i] = pair{target: photo.target, depth: byDepth[key], light: byLight[key]}
		if out[i].depth+out[i].light != "" {
			n++
		}
	}
	if n > 0 || p.Depth+p.Light != "" {
		r.note("maps of depth or light for %d of %d photographs; the others' are made up", n, len(photos))
	}
	return out, nil
}

// maps lists a folder of maps by the photographs' names. A folder named in the
// configuration must contain some.
func (s *scanner) maps(r *TaskReport, dir string, required bool) (map[string]string, error) {
	if dir == "" {
		return nil, nil
	}
	files, _, err := listImages(under(s.opts.Root, dir))
	if err == nil && len(files) == 0 && required {
		err = fmt.Errorf("no maps in %s; put them there by the names of the photographs, or leave the setting out", under(s.opts.Root, dir))
	}
	files = slices.DeleteFunc(files, func(f string) bool { return s.exclude(r, f, (*nameList).namesPath) })
	first := firstBy(files, matchKey)
	for _, f := range files {
		if other := first[matchKey(f)]; other != f {
			r.skip(f, Duplicate, other)
		}
	}
	return first, err
}
