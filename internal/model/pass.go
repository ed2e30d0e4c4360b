package model

import "clusir/internal/autograd"

// Options are the settings of one forward pass. The zero value is for inference.
type Options struct {
	// Noise is ε of Eq. 7 in training; nil means ε = 0.
	Noise Noise
	// Globals, if set, are filled by the first pass that receives them and replace the
	// values of later passes, whose batches must be of the same size.
	Globals *Globals
	// Window is the part of a larger picture that the images show: their spatial
	// prompts are then that part of the picture's. The zero value is the whole picture.
	Window Window
	// Probe, if set, receives the result of every module by name. The Var is valid
	// during the call only. A WTB's ".attn" includes its residual.
	Probe func(name string, v *Var)
}

// pass is one run of the network: the tape with the options.
type pass struct {
	*autograd.Tape
	Options
}

func (t *pass) probing() bool { return t.Probe != nil && !t.Replaying() }

// as passes v to the probe, if there is one, and returns it.
func (t *pass) as(name string, v *Var) *Var {
	if t.probing() {
		t.Probe(name, v)
	}
	return v
}

// last marks the last use of an operand.
func last(v *Var) *Var { return autograd.Last(v) }

// epsilon returns the noise [B,N,D] of a stage, or nil if there is none.
func (t *pass) epsilon(stage, B, N, D int) *Var {
	if t.Noise == nil {
		return nil
	}
	return t.Input(t.Noise.Epsilon(stage, B, N, D), B, N, D)
}
