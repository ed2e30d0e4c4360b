package model

// Affinity is the posterior p(C=c|x) (Eq. 5) of stage l, which counts from 0,
// for each row of x [R,C]: [R,N]. Where a row is the mean of the stage's input
// over a part of the picture, it tells which clusters that part speaks for.
func (m *ClusIR) Affinity(tape *Tape, l int, x *Var) *Var {
	_, sim := m.MoE[l].Router.compare(&pass{Tape: tape}, x)
	return tape.Softmax(sim)
}
