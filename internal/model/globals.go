package model

// Globals holds what the network computes from an image as a whole before it changes a
// pixel: the routes, the channel attention maps and FSB's taps. Tiles with the same
// Globals are treated as parts of one picture.
type Globals struct {
	routes []*Route
	vars   map[string]*Var // by module name
}

// Free frees the memory.
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

// global returns a module's image-wide value: the one in Globals if an earlier pass
// left it there, otherwise the result of compute, which it stores there.
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

// route is the counterpart of global for a stage's router; stages come in order.
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

// Window is a part of a picture of H×W pixels whose top left corner is at row Y and
// column X, all multiples of arch.Align.
type Window struct{ Y, X, H, W int }
