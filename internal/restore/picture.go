package restore

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
	"time"

	"clusir/internal/imageio"
	"clusir/internal/planar"
)

// picture is a job on its way through the stages. A failure is visible to all three:
// the reader closes bands, then the computer closes strips, then the writer reports.
type picture struct {
	Result
	layout
	img     *imageio.Image
	index   int            // among the jobs
	info    imageio.Info   // of the result
	neutral bool           // the input's content is grey, and so is the result's
	bar     [3]float32     // the colour of bars
	sample  planar.Image   // what tiles share is computed from it; without pixels if there is only one tile
	weight  int64          // reserved from run.memory
	after   *imageio.Image // an earlier result, instead of the network's
	choices Choices
	data    *io.SectionReader // nil for a file
	held    int64             // bytes of memory that data take
	page    int               // from 1, of a file whose pages are all restored; 0 for others
	behind  int               // number of pages that follow

	ctx  context.Context
	fail context.CancelCauseFunc // the first error counts

	bands  chan *band
	spare  chan *band // read bands, for reuse
	strips chan *strip
	used   chan *strip // written strips, for reuse

	gauge      gauge
	affinity   *affinity // nil unless it is drawn
	uncompared error     // why the comparison cannot be written
}

// band is a stretch of rows of the input, as wide as what is restored, or a tile of it.
type band struct {
	index  int       // among the rows of tiles
	rgb    []float32 // [3,h,w]
	alpha  []float32 // [h,w], nil if the picture has none
	stored []float32 // [3,h,w], the colours in the file, also under alpha 0; nil without alpha
}

func (r *run) readAll(jobs iter.Seq[Job], opened chan<- *picture) {
	index := 0
	for job := range jobs {
		p := r.newPicture(r.ctx, index, job)
		index++
		r.read(p, opened)
		if r.readPages(p, opened); r.ctx.Err() != nil {
			return
		}
	}
}

// read opens a picture, sends it on and feeds its bands.
func (r *run) read(p *picture, opened chan<- *picture) {
	start := time.Now()
	if err := p.attempt(func() error { return r.open(p, &start) }); err != nil {
		p.Pages = 0 // none follow
	}
	p.behind = max(p.Pages-1, 0)
	p.Load += time.Since(start)
	select {
	case opened <- p:
	case <-r.ctx.Done():
	}
	_ = p.attempt(p.feed)
}

func (r *run) newPicture(ctx context.Context, index int, job Job) *picture {
	p := &picture{
		Result: Result{Job: job}, index: index, choices: r.Choices,
		bands: make(chan *band, 1), spare: make(chan *band, 2),
		strips: make(chan *strip, 2), used: make(chan *strip, 4),
		gauge: gauge{page: 1, of: 1, said: -1},
	}
	p.ctx, p.fail = context.WithCancelCause(ctx)
	if s := job.Stream; s != nil {
		p.choices = s.Choices
		if s.Context != nil {
			context.AfterFunc(s.Context, func() { p.fail(context.Cause(s.Context)) })
		}
	}
	return p
}

// open reads the header, chooses a layout, and decodes the picture or begins to. The
// time from *start counts as the picture's; waiting for memory does not.
func (r *run) open(p *picture, start *time.Time) error {
	if p.err != nil {
		return p.err
	}
	if err := context.Cause(p.ctx); err != nil {
		return err
	}
	if err := r.begin(p); err != nil {
		return err
	}
	const metadataPart = 16 // of the memory
	limits := imageio.Limits{MaxPixels: p.choices.MaxPixels, MaxMetadata: r.MaxMemory / metadataPart, Page: p.page}
	s := subject{compare: p.Compare != "", data: p.held}
	var err error
	if p.data != nil {
		s.Probe, err = imageio.ProbeReader(p.data, p.name(), limits)
	} else {
		s.Probe, err = imageio.ProbeFile(p.In, limits)
	}
	if errors.As(err, new(*imageio.SizeError)) {
		return fmt.Errorf("%w: if you trust the file, raise --max-pixels", err)
	} else if err != nil {
		return err
	}
	if p.Format == 0 {
		p.Format = s.Format
	}
	if s.Pages > 1 && p.page == 0 && p.Format == imageio.TIFF { // the only format that can hold them
		p.Pages, p.page, limits.Page, p.gauge.of = s.Pages, 1, 1, s.Pages
	}
	s.out = p.Format
	more, err := p.probeEarlier(limits)
	if err != nil {
		return err
	}
	s.data += more
	if err := p.checkSizes(s.W, s.H); err != nil {
		return err
	}
	if p.layout, err = r.planner.choose(s, p.choices.Tile); err != nil {
		return fmt.Errorf("%s: %w", p.name(), err)
	}
	p.Load += time.Since(*start)
	if err := r.memory.Acquire(p.ctx, min(p.need(), r.budget)); err != nil {
		return err
	}
	*start = time.Now()
	p.weight = min(p.need(), r.budget)
	limits.MaxBytes = p.window
	return r.decode(p, s, limits)
}

// firstOnly reports which of the requested extras show only the first of several pages.
func (p *picture) firstOnly() (notes []string) {
	if p.page == 1 && p.Compare != "" {
		notes = append(notes, fmt.Sprintf("--compare shows the first of %d pages", p.Pages))
	}
	if p.page == 1 && p.Map != "" {
		notes = append(notes, fmt.Sprintf("--explain shows the first of %d pages", p.Pages))
	}
	return notes
}

// checkSizes refuses, before any work, sizes that the formats of the picture's results
// cannot hold.
func (p *picture) checkSizes(w, h int) error {
	if err := p.Format.CheckSize(w, h); err != nil {
		return fmt.Errorf("%s: %w", p.name(), err)
	}
	if p.Compare == "" {
		return nil
	}
	format, err := imageio.FormatOf(p.Compare)
	if err == nil {
		err = format.CheckSize(comparedSize(w, h))
	}
	if err != nil {
		return fmt.Errorf("%s: --compare %s: %w", p.name(), p.Compare, err)
	}
	return nil
}

// name returns the picture's name in messages.
func (p *picture) name() string {
	switch {
	case p.Stream != nil:
		return p.Stream.Name
	case p.In == Std:
		return stdinName
	}
	return p.In
}

func (r *run) decode(p *picture, s subject, limits imageio.Limits) (err error) {
	if p.data != nil {
		p.img, err = imageio.Decode(p.data, p.name(), limits)
	} else {
		p.img, err = r.openFile(p.In, limits)
	}
	if err != nil {
		return err
	}
	if p.img.W != s.W || p.img.H != s.H {
		return fmt.Errorf("%s was replaced while it was read: restore it again", p.name())
	}
	if err := p.decodeEarlier(limits); err != nil {
		return err
	}
	info, lost := imageio.Fit(p.img.Info, p.Format)
	p.info, p.Notes = info, append(p.img.Notes, lost...)
	p.Notes = append(p.Notes, p.firstOnly()...)
	p.W, p.H, p.Depth = info.W, info.H, info.Depth
	if err := r.leaveBars(p, s); err != nil {
		return err
	}
	p.TileW, p.TileH, p.Tiles = p.x.longest(), p.y.longest(), p.tiles()
	if p.mapped() {
		p.affinity = newAffinity(p.Inside)
	}
	if p.neutral, err = p.img.Neutral(); err != nil {
		return err
	}
	if p.Tiles > 1 && !p.earlier() {
		tile := func(dst []float32, r image.Rectangle) ([]float32, error) {
			return p.img.Tile(dst, r.Add(p.Inside.Min))
		}
		p.sample, err = takeSample(tile, p.Inside.Dy(), p.Inside.Dx(), p.sampled, p.sampled)
	}
	return err
}

// leaveBars leaves out bars around the picture, which stay as they are, and so does a
// picture of one colour.
func (r *run) leaveBars(p *picture, s subject) (err error) {
	if p.Inside, p.bar, err = p.img.Bars(); err != nil {
		return err
	}
	if p.Inside.Empty() {
		p.Inside, p.choices.Strength = p.img.Bounds(), 0
	}
	if p.Inside != p.img.Bounds() {
		s.W, s.H = p.Inside.Dx(), p.Inside.Dy()
		p.layout, err = r.planner.layout(s, p.side)
	}
	return err
}

// feed reads the picture band by band until it is done or has failed.
func (p *picture) feed() error {
	defer close(p.bands)
	if p.img == nil {
		return nil
	}
	defer p.img.Close()
	for range cap(p.spare) {
		p.spare <- &band{}
	}
	for i := range p.y.spans {
		var b *band
		select {
		case b = <-p.spare:
		case <-p.ctx.Done():
		}
		if p.ctx.Err() != nil {
			return nil
		}
		start := time.Now()
		rows := image.Rect(0, p.y.spans[i].from, p.Inside.Dx(), p.y.spans[i].to).Add(p.Inside.Min)
		if err := b.read(p.img, i, rows); err != nil {
			return err
		}
		p.Load += time.Since(start)
		select {
		case p.bands <- b:
		case <-p.ctx.Done():
		}
	}
	return nil
}

// read fills the band with rows of m.
func (b *band) read(m *imageio.Image, index int, rows image.Rectangle) (err error) {
	b.index = index
	if b.rgb, err = m.Tile(b.rgb, rows); err != nil {
		return err
	}
	if b.alpha, err = m.Opacity(b.alpha, rows); err != nil || b.alpha == nil {
		return err
	}
	b.stored, err = m.Stored(b.stored, rows)
	return err
}
