package model

// linear is x wᵀ + bias over the last axis.
type linear struct{ weight, bias *Var }

func (b builder) linear(name string, O, K int) linear {
	return linear{b.param(name+".weight", uniform(K), O, K), b.bias(name, O, K)}
}

func (l linear) forward(t *pass, x *Var) *Var { return t.Linear(x, l.weight, l.bias) }

// MHA is multi-head attention over a few tokens.
type MHA struct {
	name         string
	heads        int
	q, k, v, out linear
}

// mha makes an attention from queries [B,T,D] to keys and values [B,S,Dk].
func (b builder) mha(D, Dk, heads int) *MHA {
	return &MHA{
		name: b.name(), heads: heads,
		q: b.linear("q", D, D), k: b.linear("k", D, Dk), v: b.linear("v", D, Dk),
		out: b.linear("out", D, D),
	}
}

// Forward attends from q [B,T,D] to the rows of kv [B,S,Dk] whose keep [B,S] is not 0.
func (a *MHA) Forward(t *pass, q, kv, keep *Var) *Var {
	o := t.Attend(a.q.forward(t, q), a.k.forward(t, kv), a.v.forward(t, kv), keep, a.heads)
	return t.as(a.name, a.out.forward(t, o))
}
