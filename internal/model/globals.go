package model

// Globals are what the network finds out about an image as a whole before it
// changes a pixel: the routes, the maps of channel attention, and the taps of
// FSB. Tiles that share them are treated as parts of one picture.
type Globals struct {
	routes []*Route
	vars   map[string]*Var // by the module's name
}

// Free gives the memory back.
func (g *Globals) Free(t *Tape) {
	for _, r := range g.routes {
		for _, v := range []*Var{r.Weights, r.Alpha, r.Tokens} {
			v.Free(t.B)
		}
	}
	for _, v := range g.vars {
		v.Free(t.B)
	}
	*g = Globals{}
}

// global returns what a module finds out about the whole image: what an earlier
// pass has left in Globals, or else what compute makes, which is left there.
func (t *pass) global(name string, compute func() *Var) *Var {
	g := t.Globals
	if g == nil {
		return compute()
	}
	if v, ok := g.vars[name]; ok {
		return v
	}
	v := compute()
	if g.vars == nil {
		g.vars = map[string]*Var{}
	}
	g.vars[name] = t.Detach(v)
	return v
}

// route is global for the router of a stage, which come in order.
func (t *pass) route(r *PCGRM, x *Var) *Route {
	g := t.Globals
	if g != nil && r.stage < len(g.routes) {
		return g.routes[r.stage]
	}
	route := r.Forward(t, x)
	if g != nil {
		g.routes = append(g.routes, route.Detach(t.Tape))
	}
	return route
}

// Window is a part of a picture of H×W pixels, beginning at row Y and column X,
// all multiples of arch.Align.
type Window struct{ Y, X, H, W int }
