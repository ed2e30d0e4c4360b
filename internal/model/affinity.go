package model

// Cosines compares each row of x [R,C] with the prototypes of stage l, which
// counts from 0, as the router compares the mean of a whole picture (Eq. 4):
// [R,N]. A row may be a pixel of the stage's input, or the mean of several.
func (m *ClusIR) Cosines(tape *Tape, l int, x *Var) *Var {
	_, sim := m.MoE[l].Router.compare(&pass{Tape: tape}, x)
	return sim
}

// Affinity is the posterior p(C=c|x) (Eq. 5) that goes with Cosines: it tells
// which clusters a part of the picture speaks for.
func (m *ClusIR) Affinity(tape *Tape, l int, x *Var) *Var {
	return tape.Softmax(m.Cosines(tape, l, x))
}
