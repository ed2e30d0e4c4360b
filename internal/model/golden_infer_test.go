package model

import (
	"regexp"
	"strings"

	"clusir/internal/autograd"
	"clusir/internal/kernels"
)

// unobserved matches results that the program never has in memory because they exist
// only inside one fused operation. The gradients of their parameters are compared.
var unobserved = regexp.MustCompile(`\.norm[12]$|\.amplitude$|\.phase$`)

// inference compares every module's result and the output.
func (g *goldenRun) inference() {
	image := g.input("in.image", false)
	tape := &Tape{B: g.b}
	seen := map[string][]float32{}
	restored, _ := g.m.Forward(tape, image, Options{Probe: func(name string, v *Var) {
		seen[name] = g.download(v.Tensor)
		if s := v.Shape; strings.HasPrefix(name, "down.") {
			seen[name] = unshuffled(seen[name], s[0], s[1]/4, 2*s[2], 2*s[3], false)
		} else if strings.HasPrefix(name, "up.") {
			seen[name] = unshuffled(seen[name], s[0], s[1], s[2], s[3], true)
		}
	}})
	in := g.download(image.Tensor)
	residual := difference(g.download(restored.Tensor), in)
	g.check("output", "output − input", residual, difference(g.read("eval.output"), in), tolOutput, 0)
	tape.Reset()
	image.Free(g.b)

	// The reference reports these two without their residual.
	const block = "encoder.0.0"
	if attn, ok := seen[block+".attn"]; ok {
		seen[block+".ffn"] = difference(seen[block], attn)
		seen[block+".attn"] = difference(attn, seen["stem"])
	}
	for _, file := range g.f.Names() {
		name, ok := strings.CutPrefix(file, "eval.")
		if !ok || unobserved.MatchString(name) {
			continue
		}
		got, ok := seen[name]
		switch {
		case !ok:
			g.t.Errorf("no result named %s was observed", name)
		case strings.HasSuffix(name, ".mask"):
			g.checkMask(name, got)
		default:
			g.check("module", name, got, g.read(file), tolModule, 0)
		}
	}
}

// checkMask verifies that the clusters with a weight are those that the reference kept.
func (g *goldenRun) checkMask(name string, alpha []float32) {
	for i, kept := range g.read("eval." + name) {
		if (alpha[i] != 0) != (kept != 0) {
			g.t.Errorf("%s: entry %d is kept: %v, want %v", name, i, alpha[i] != 0, kept != 0)
		}
	}
}

// unshuffled returns a convolution's result as it was before the pixel-unshuffle to
// [B,4C,H/2,W/2] (whole is [B,C,H,W]), or before the pixel-shuffle to [B,C,H,W].
func unshuffled(x []float32, B, C, H, W int, beforeShuffle bool) []float32 {
	y := make([]float32, len(x))
	for i := range x {
		w, h, c, b := i%W, i/W%H, i/W/H%C, i/W/H/C
		packed := ((b*4*C+4*c+2*(h%2)+w%2)*(H/2)+h/2)*(W/2) + w/2
		if beforeShuffle {
			y[packed] = x[i]
		} else {
			y[i] = x[packed]
		}
	}
	return y
}

func leafOf(b kernels.Backend, data []float32, needs bool, shape ...int) *Var {
	v := autograd.Leaf(b.Alloc(shape...), needs)
	b.Upload(v.Tensor, data)
	return v
}
