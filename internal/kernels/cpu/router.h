// router.h: the tokens of the clusters (Eq. 7), attention over the kept ones
// (Eq. 8), and sums over the kept ones. A few thousand operations per sample: one
// thread does them in less time than it takes to wake another.
#pragma once
#include "each.h"

namespace ISA {

// tokens: t_bn = α_bn (μ_n + exp(logσ_n) ⊙ ε_bn).
static void tokens(Pool&, Tensor t, Tensor alpha, Tensor mu, Tensor log_sigma, Tensor eps) {
  int64_t B = alpha.n[0], N = mu.n[0], D = mu.n[1];
  for (int64_t bn = 0; bn < B * N; bn++) {
    const float *m = mu + bn % N * D, *l = log_sigma + bn % N * D, *e = eps ? eps + bn * D : nullptr;
    float *d = t + bn * D, a = alpha[bn];
    each_vector(D, VECTOR {
      vf s = load_n(m + i, lanes);
      if (eps) s += vexp(load_n(l + i, lanes)) * load_n(e + i, lanes);
      store_n(d + i, a * s, lanes);
    });
  }
}

// tokens_grad: dα_bn = ⟨dt, μ + σ⊙ε⟩, dμ_n = Σ_b α dt, dlogσ_n = Σ_b α dt⊙σ⊙ε.
static void tokens_grad(Pool&, Tensor dalpha, Tensor dmu, Tensor dlog_sigma, Tensor dt, Tensor alpha, Tensor mu,
                        Tensor log_sigma, Tensor eps) {
  int64_t B = alpha.n[0], N = mu.n[0], D = mu.n[1];
  for (int64_t bn = 0; bn < B * N; bn++) {
    int64_t nd = bn % N * D, bnd = bn * D;
    vf total = {};
    each_vector(D, VECTOR {
      vf g = load_n(dt + bnd + i, lanes), noise = {};
      if (eps) noise = vexp(load_n(log_sigma + nd + i, lanes)) * load_n(eps + bnd + i, lanes);
      total += g * (load_n(mu + nd + i, lanes) + noise);
      g *= alpha[bn];
      if (dmu) store_n(dmu + nd + i, load_n(dmu + nd + i, lanes) + g, lanes);
      if (dlog_sigma) store_n(dlog_sigma + nd + i, load_n(dlog_sigma + nd + i, lanes) + g * noise, lanes);
    });
    if (dalpha) dalpha[bn] += sum(total);
  }
}

// Heads is the geometry of an attention: a query is head h of row t of sample b,
// n = D/heads channels.
struct Heads {
  int64_t B, T, S, D, heads;
  int64_t n() const { return D / heads; }
  int64_t queries() const { return B * T * heads; }
  int64_t query(int64_t i) const { return i * n(); }  // where its channels start in q and o
  int64_t token(int64_t i, int64_t s) const {         // and token s's in k and v
    return (i / (T * heads) * S + s) * D + i % heads * n();
  }
  float scale() const { return 1 / sqrtf((float)n()); }
};

// attention_weights computes w_s = softmax over the kept s of scale·⟨q, k_s⟩
// for query i. At least one token is kept.
static void attention_weights(const Heads& a, int64_t i, const float* q, const float* k, const float* keep, float* w) {
  const float* kept = keep + i / (a.T * a.heads) * a.S;
  float largest = -INFINITY, total = 0;
  for (int64_t s = 0; s < a.S; s++) {
    if (kept[s] == 0) continue;
    w[s] = a.scale() * row_dot(q + a.query(i), k + a.token(i, s), a.n());
    largest = max_f(w[s], largest);
  }
  for (int64_t s = 0; s < a.S; s++) total += w[s] = kept[s] == 0 ? 0 : expf(w[s] - largest);
  for (int64_t s = 0; s < a.S; s++) w[s] /= total;
}

// attend: o = Σ_s w_s v_s.
static void attend(Pool& pool, Tensor o, Tensor q, Tensor k, Tensor v, Tensor keep, int64_t heads) {
  Heads a = {q.n[0], q.n[1], k.n[1], q.n[2], heads};
  int64_t S = a.S;
  float* w = pool.shared((size_t)a.S);
  for (int64_t i = 0; i < a.queries(); i++) {
    attention_weights(a, i, q, k, keep, w);
    combine(o + a.query(i), a.n(), S, w, 1, v + a.token(i, 0), a.D, Overwrite);
  }
}

// attend_grad: dv_s = w_s do, dw_s = ⟨do, v_s⟩, then through the softmax to
// dq = scale Σ_s dlogit_s k_s and dk_s = scale dlogit_s q.
static void attend_grad(Pool& pool, Tensor dq, Tensor dk, Tensor dv, Tensor dout, Tensor q, Tensor k, Tensor v,
                        Tensor keep, int64_t heads) {
  Heads a = {q.n[0], q.n[1], k.n[1], q.n[2], heads};
  int64_t S = a.S;
  float *w = pool.shared((size_t)(2 * S)), *d = w + S;
  for (int64_t i = 0; i < a.queries(); i++) {
    int64_t at = a.query(i), n = a.n();
    attention_weights(a, i, q, k, keep, w);
    for (int64_t s = 0; s < S; s++) d[s] = row_dot(dout + at, v + a.token(i, s), n);
    softmax_back(d, w, S);
    for (int64_t s = 0; s < S; s++) {
      d[s] *= a.scale();
      if (w[s] == 0) continue;
      if (dv) combine(dv + a.token(i, s), n, 1, w + s, 1, dout + at, n, AddTo);
      if (dk) combine(dk + a.token(i, s), n, 1, d + s, 1, q + at, n, AddTo);
    }
    if (dq) combine(dq + at, n, S, d, 1, k + a.token(i, 0), a.D, AddTo);
  }
}

// sum_kept: y_b = Σ_n [keep_bn ≠ 0] t_bn.
static void sum_kept(Pool&, Tensor y, Tensor t, Tensor keep) {
  int64_t B = t.n[0], N = t.n[1], D = t.n[2];
  memset(y, 0, 4 * (size_t)(B * D));
  for (int64_t bn = 0; bn < B * N; bn++)
    if (keep[bn] != 0) add_to(y + bn / N * D, t + bn * D, D);
}

// sum_kept_grad: dt_bn = [keep_bn ≠ 0] dy_b.
static void sum_kept_grad(Pool&, Tensor dt, Tensor dy, Tensor keep) {
  int64_t B = keep.n[0], N = keep.n[1], D = dy.n[1];
  for (int64_t bn = 0; bn < B * N && dt; bn++)
    if (keep[bn] != 0) add_to(dt + bn * D, dy + bn / N * D, D);
}

// count_routed: count_e += Σ_b [route_be ≠ 0].
static void count_routed(Pool&, Tensor count, Tensor route) {
  int64_t B = route.n[0], E = route.n[1];
  for (int64_t i = 0; i < B * E; i++) count[i % E] += route[i] != 0;
}

}  // namespace ISA
