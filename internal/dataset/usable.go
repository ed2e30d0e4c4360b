package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

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
	headers := readHeaders(files)
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
		case h.w != in.w || h.h != in.h:
			r.skip(p.input, SizesDiffer, fmt.Sprintf("%d×%d, clean %d×%d", in.w, in.h, h.w, h.h))
		default:
			r.addSize(h.w, h.h, s.opts.Patch)
			r.Pixels += int64(h.w) * int64(h.h)
			if p.input != "" {
				r.Pixels += int64(h.w) * int64(h.h)
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
	n := map[Reason]int{}
	for _, k := range skips {
		n[k.Reason]++
	}
	var out []string
	for _, k := range skips {
		if n[k.Reason] > 0 {
			out = append(out, fmt.Sprintf("%d × %s, such as %s", n[k.Reason], k.Reason, k.File))
			n[k.Reason] = 0
		}
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
	return indexBy(matchKey, r, files), err
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
			p, err := imageio.ProbeFile(f, imageio.Limits{})
			found[i] = header{p.W, p.H, err}
			return nil
		})
	}
	_ = g.Wait() // the errors are in found
	out := make(map[string]header, len(files))
	for i, f := range files {
		out[f] = found[i]
	}
	return out
}
