package model

import "clusir/internal/autograd"

// Options are the choices of one forward pass. The zero value is inference.
type Options struct {
	// Noise is ε of Eq. 7 in training; nil is ε = 0.
	Noise Noise
	// Globals, where set, are filled by the first pass that is given them and
	// taken by later ones, of batches as large, instead of their own.
	Globals *Globals
	// Window is where in a larger picture the images lie: their spatial prompts
	// are then a part of that picture's. The zero value is all of it.
	Window Window
	// Probe, where set, sees the result of every module by its name. What it
	// sees is valid during the call only. A WTB's ".attn" comes with its residual.
	Probe func(name string, v *Var)
}

// pass is one run of the network: the tape with the options.
type pass struct {
	*autograd.Tape
	Options
}

// probing reports whether somebody looks at the results of modules.
func (t *pass) probing() bool { return t.Probe != nil && !t.Replaying() }

// as shows v to the probe under a name and returns it.
func (t *pass) as(name string, v *Var) *Var {
	if t.probing() {
		t.Probe(name, v)
	}
	return v
}

// last marks an operand that is not used again.
func last(v *Var) *Var { return autograd.Last(v) }

// epsilon returns the noise [B,N,D] of a stage, nil where there is none.
func (t *pass) epsilon(stage, B, N, D int) *Var {
	if t.Noise == nil {
		return nil
	}
	return t.Input(t.Noise.Epsilon(stage, B, N, D), B, N, D)
}
