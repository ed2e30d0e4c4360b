package autograd

// Block runs f and frees everything f made except its result. In training it does so
// only if Recompute is set; Backward then runs f a second time. So f must compute the
// same again: it may use Vars from outside but must have no side effects. Its result
// must be one it made, not one of its inputs.
func (t *Tape) Block(f func() *Var) *Var {
	switch {
	case !t.recording():
		return t.scoped(f)
	case !t.Recompute:
		return f()
	}
	c := &capture{since: t.serial, seen: map[*node]bool{}}
	t.capture = c
	y := t.scoped(f)
	t.capture = nil
	if !anyNeeds(c.inputs) {
		t.unkeep(c.inputs)
		return y
	}
	y.needs = true
	expect(c.inputs)
	t.ops = append(t.ops, op{name: "Block", in: c.inputs, out: vars(y), keep: c.inputs, block: true, grad: func() { t.rerun(f, y) }})
	return y
}

// rerun records what f does and immediately runs it backwards from dy.
func (t *Tape) rerun(f func() *Var, y *Var) {
	mark, ops := len(t.made), len(t.ops)
	outer := t.replay
	t.replay = true
	z := f()
	t.replay = outer
	t.passOn(z, y)
	t.unwind(ops)
	t.freeSince(mark, func(n *node) bool { return n.pinned })
}

func (t *Tape) scoped(f func() *Var) *Var {
	mark, since := len(t.made), t.serial
	y := f()
	if y.serial <= since {
		panic("autograd: Block: the result was not made in the block")
	}
	t.freeSince(mark, func(n *node) bool { return n == y.node || n.pinned })
	return y
}

// capture collects a block's inputs from outside the block. Each counts as kept until
// the block's backward has run, because that runs the block again.
type capture struct {
	since  int // serial number of the last result before the block
	inputs []*Var
	seen   map[*node]bool
}

func (c *capture) add(v *Var) {
	if c == nil || v == nil || v.serial > c.since || c.seen[v.node] {
		return
	}
	c.seen[v.node] = true
	v.kept++
	c.inputs = append(c.inputs, v)
}
