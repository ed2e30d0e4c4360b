package restore

import (
	"clusir/internal/infer"
	"clusir/internal/model"
	"clusir/internal/planar"
)

// gauge measures the progress of the passes over a picture, in pixels.
type gauge struct {
	report    func(done float64) // nil if there is no Progress
	done, all float64            // pixels of completed passes, and of all
	page, of  int                // of a file whose pages are restored into one; else 1 of 1
	said      float64            // last report; −1 before the first
}

// measure starts the picture's gauge: its passes are the tiles, and the sample for
// them.
func (r *run) measure(p *picture) {
	if r.Progress == nil {
		return
	}
	g := &p.gauge
	g.report = func(done float64) { r.Progress(p.index, p.Job, done) }
	for _, y := range p.y.spans {
		for _, x := range p.x.spans {
			g.all += area(y.len(), x.len())
		}
	}
	g.all += area(p.sample.H, p.sample.W)
	g.say(0)
}

func area(h, w int) float64 { return float64(h) * float64(w) }

// pass runs the network and updates the picture's gauge.
func (r *run) pass(p *picture, dst []float32, t planar.Image, o infer.Options) (planar.Image, []*model.Route, error) {
	if p.gauge.report != nil {
		pixels := area(t.H, t.W)
		r.net.Progress = func(share float64) { p.gauge.say(share * pixels) }
		defer func() { r.net.Progress = nil }()
	}
	out, routes, err := r.net.Restore(p.ctx, dst, t, o)
	if err == nil {
		p.gauge.done += area(t.H, t.W)
	}
	return out, routes, err
}

// end reports that all passes have run: if memory was short, they differ from those
// that were counted.
func (g *gauge) end() {
	g.done = g.all
	g.say(0)
}

// say reports the progress of a pass over some of its pixels. Reports never decrease.
func (g *gauge) say(pixels float64) {
	if g.report == nil {
		return
	}
	share := (float64(g.page-1) + min((g.done+pixels)/g.all, 1)) / float64(g.of)
	if share > g.said {
		g.said = share
		g.report(share)
	}
}
