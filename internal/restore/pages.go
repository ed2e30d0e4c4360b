package restore

import (
	"context"
	"fmt"
	"io"
	"slices"

	"clusir/internal/imageio"
)

// A TIFF of several pages passes through the stages as that many consecutive pictures,
// and into one file. The first stands for all: its context is the parent of the
// others', and its Result is the file's.

// readPages sends the pages after the first.
func (r *run) readPages(first *picture, opened chan<- *picture) {
	for page := 2; page <= first.Pages && r.ctx.Err() == nil; page++ {
		p := r.newPicture(first.ctx, first.index, Job{In: first.In, Out: first.Out, Format: first.Format, Stream: first.Stream})
		p.page, p.data, p.held = page, first.data, first.held
		p.gauge = gauge{page: page, of: first.Pages, said: float64(page-1) / float64(first.Pages)}
		r.read(p, opened)
	}
}

// writePages writes the first picture with save, and those that follow it, into one
// file.
func (r *run) writePages(first *picture, save func(*imageio.Writer) error, computed <-chan *picture) error {
	return r.toFile(first, func(out io.Writer) error {
		w := imageio.NewPages(out, first.choices.Encode, first.Pages)
		if err := writePage(w, first.info, save); err != nil {
			return err
		}
		r.release(first)
		for first.behind > 0 {
			p := first.nextPage(computed)
			if p == nil {
				return context.Cause(r.ctx)
			}
			unread := false
			err := p.attempt(func() (err error) {
				if err = context.Cause(p.ctx); err == nil {
					err = writePage(w, p.info, func(w *imageio.Writer) error { return p.copy(w, nil, nil) })
				}
				unread = context.Cause(p.ctx) != nil
				return err
			})
			r.end(p)
			if err != nil {
				err = fmt.Errorf("page %d: %w", p.page, err)
				if unread {
					first.fail(err) // of the input, not of writing
				}
				return err
			}
			first.addPage(p)
		}
		return nil
	})
}

// nextPage returns the next of the following pages, nil if the run ended.
func (p *picture) nextPage(computed <-chan *picture) *picture {
	page, ok := <-computed
	if p.behind--; !ok {
		p.behind = 0
	}
	return page
}

// skipPages releases the following pages, which are not written because an earlier one
// failed.
func (r *run) skipPages(first *picture, computed <-chan *picture) {
	for first.behind > 0 {
		if p := first.nextPage(computed); p != nil {
			r.end(p)
		}
	}
}

func writePage(w *imageio.Pages, info imageio.Info, save func(*imageio.Writer) error) error {
	out, err := w.Next(info)
	if err != nil {
		return err
	}
	if err := save(out); err != nil {
		return err
	}
	return out.Close()
}

// end releases a picture or page, written or not.
func (r *run) end(p *picture) {
	for range p.strips { // the computer closes it in any case
	}
	r.release(p)
	p.fail(nil)
}

// addPage counts a page as one of the file's.
func (p *picture) addPage(page *picture) {
	p.Load, p.Compute, p.Save = p.Load+page.Load, p.Compute+page.Compute, p.Save+page.Save
	for _, note := range page.Notes {
		if !slices.Contains(p.Notes, note) {
			p.Notes = append(p.Notes, fmt.Sprintf("page %d: %s", page.page, note))
		}
	}
}
