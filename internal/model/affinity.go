package model

// Cosines compares each row of x [R,C] with the prototypes of stage l, counted from 0,
// the way the router compares the mean over the whole picture (Eq. 4). It returns
// [R,N]. A row may be one pixel of the stage's input or the mean of several.
func (m *ClusIR) Cosines(tape *Tape, l int, x *Var) *Var {
	_, sim := m.MoE[l].Router.compare(&pass{Tape: tape}, x)
	return sim
}

// Affinity returns the posterior p(C=c|x) (Eq. 5) of each row of x: the clusters that
// this part of the picture is evidence for. See Cosines for its arguments.
func (m *ClusIR) Affinity(tape *Tape, l int, x *Var) *Var {
	return tape.Softmax(m.Cosines(tape, l, x))
}
