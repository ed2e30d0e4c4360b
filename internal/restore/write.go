package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image/color"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"clusir/internal/atomicfile"
	"clusir/internal/draw"
	"clusir/internal/imageio"
)

func (r *run) writeAll(computed <-chan *picture) {
	for p := range computed {
		err := p.attempt(func() error { return r.write(p, computed) })
		r.skipPages(p, computed)
		r.end(p)
		if err != nil && r.ctx.Err() != nil {
			continue // interrupted: this is not a result
		}
		p.Err = err
		r.report(p)
		if errors.Is(err, syscall.ENOSPC) && p.Stream == nil {
			r.stop(err) // the rest would be computed in vain
		}
	}
}

// release releases the picture's memory, once.
func (r *run) release(p *picture) {
	r.memory.Release(p.weight)
	p.weight = 0
}

func (r *run) report(p *picture) {
	if p.Err == nil {
		r.summary.Restored++
		r.summary.Pixels += int64(p.W) * int64(p.H)
	} else {
		r.summary.Failed++
	}
	if r.Done != nil {
		r.Done(p.Result)
	}
}

// write writes the result's file and the files that accompany it, from the picture's
// strips and those of the pages that follow it.
func (r *run) write(p *picture, computed <-chan *picture) error {
	if err := context.Cause(p.ctx); err != nil {
		return err // it has failed before
	}
	if err := p.appeared(); err != nil {
		return err
	}
	var reduced *thumbnail
	if p.affinity != nil {
		reduced = newThumbnail(p.W, p.H)
	}
	save := func(compare *imageio.Writer) error {
		rows := func(w *imageio.Writer) error { return p.copy(w, compare, reduced) }
		if p.Pages > 1 {
			return r.writePages(p, rows, computed)
		}
		return r.toFile(p, func(out io.Writer) error { return imageio.Write(out, p.info, p.choices.Encode, rows) })
	}
	err := error(nil)
	if p.Compare != "" {
		err = p.compared(save)
	} else {
		err = save(nil)
	}
	if err != nil {
		return err
	}
	if reduced != nil {
		sheet := p.affinity.sheet(reduced, p.W, p.H)
		if p.Map != "" {
			return atomicfile.Write(p.Map, sheet.PNG)
		}
		return sheet.PNG(p.Stream.Map)
	}
	return nil
}

func (p *picture) mapped() bool {
	return p.Map != "" || p.Stream != nil && p.Stream.Map != nil && !p.earlier() && p.page < 2
}

// appeared returns an error if files that may not be replaced have appeared where the
// picture's go.
func (p *picture) appeared() error {
	if !p.keep {
		return nil
	}
	if found, err := occupied(p.outputs()); err != nil || len(found) > 0 {
		return cmp.Or(err, fmt.Errorf("%s appeared during the run: it is not replaced", strings.Join(found, ", ")))
	}
	return nil
}

// toFile lets write fill the result's file, or what is there instead of one.
func (r *run) toFile(p *picture, write func(io.Writer) error) error {
	if p.Out == Std {
		return write(r.output(p))
	}
	return toPath(p.Out, func(out io.Writer) error {
		if err := write(out); err != nil {
			return err
		}
		return p.appeared() // again: a large picture takes long
	})
}

// toPath lets write fill a file, making its folder if necessary.
func toPath(path string, write func(io.Writer) error) error {
	if err := atomicfile.MakeFolder(path); err != nil {
		return err
	}
	return atomicfile.Write(path, write)
}

// compared writes the result with save, and with it a before-and-after picture, which
// becomes a file only if the result does. The result does not need the comparison.
func (p *picture) compared(save func(compare *imageio.Writer) error) error {
	format, err := imageio.FormatOf(p.Compare)
	if err != nil {
		return err
	}
	wide, high := comparedSize(p.W, p.H)
	info, _ := imageio.Fit(imageio.Info{
		W: wide, H: high, Depth: p.info.Depth, Grey: p.info.Grey,
		Meta: imageio.Metadata{ICC: p.info.Meta.ICC, Resolution: p.info.Meta.Resolution},
	}, format)
	var fault error // of the result
	fill := func(c *imageio.Writer) error {
		if n := captionHeight(p.W); n > 0 {
			if err := c.Rows(captions(p.W, n), nil); err != nil {
				return err
			}
		}
		fault = save(c)
		return cmp.Or(fault, p.uncompared)
	}
	err = toPath(p.Compare, func(out io.Writer) error { return imageio.Write(out, info, p.choices.Encode, fill) })
	return cmp.Or(fault, err)
}

// comparedSize returns the size of the before-and-after picture for one of w×h.
func comparedSize(w, h int) (wide, high int) { return 2*w + divider(w), captionHeight(w) + h }

// captionHeight returns the height of the captions over pictures w wide, 0 if those are
// too narrow for text.
func captionHeight(w int) int {
	const minWidth, smallest, largest = 64, 16, 64
	if w < minWidth {
		return 0
	}
	return min(max(w/20, smallest), largest)
}

// captions returns rows [3,h,2w+line] with the captions.
func captions(w, h int) []float32 {
	right := w + divider(w)
	wide := right + w
	rgb := slices.Repeat([]float32{1}, 3*h*wide)
	for at, words := range map[int]string{0: "before", right: "after"} {
		m := draw.Caption(words, min(w, 6*h), h)
		for y := range h {
			for x := range m.Bounds().Dx() {
				grey := float32(color.GrayModel.Convert(m.At(x, y)).(color.Gray).Y) / 255
				for c := range 3 {
					rgb[(c*h+y)*wide+at+x] = grey
				}
			}
		}
	}
	return rgb
}

// divider returns the width of the line between before and after, for pictures w wide.
func divider(w int) int { return max(2, w/200) }

// copy writes the picture's strips as they arrive. compare and reduced may be nil.
func (p *picture) copy(w, compare *imageio.Writer, reduced *thumbnail) error {
	var pair []float32
	for s := range p.strips {
		start := time.Now()
		if reduced != nil {
			reduced.add(s.rgb, s.n, p.W)
		}
		if compare != nil {
			pair = s.beside(pair, p.W)
			if p.uncompared = compare.Rows(pair, nil); p.uncompared != nil {
				compare = nil
			}
		}
		if s.alpha != nil && !p.info.Alpha {
			imageio.Flatten(s.rgb, s.alpha)
		}
		if err := w.Rows(s.rgb, s.alpha); err != nil {
			return err
		}
		p.Save += time.Since(start)
		select {
		case p.used <- s:
		default:
		}
	}
	return context.Cause(p.ctx)
}

// beside composes the strip's input and result onto white, side by side with a white
// line between them: [3,n,2w+line].
func (s *strip) beside(dst []float32, w int) []float32 {
	after := append([]float32{}, s.rgb...)
	if s.alpha != nil {
		imageio.Flatten(s.before, s.alpha)
		imageio.Flatten(after, s.alpha)
	}
	line := slices.Repeat([]float32{1}, divider(w))
	dst = dst[:0]
	for row := range 3 * s.n {
		dst = append(dst, s.before[row*w:(row+1)*w]...)
		dst = append(dst, line...)
		dst = append(dst, after[row*w:(row+1)*w]...)
	}
	return dst
}
